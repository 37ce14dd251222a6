"""The directions that a model knows: those that come along for mobile-1024's generator, and SeFa's of any."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path

import torch

from psp.codes.directions import SEFA_COUNT, Direction, Directions, directions_from_bytes, sefa_names
from psp.codes.latents import GROUPS, parse_layers
from psp.files.bundled import assets_dir, directions_file
from psp.files.pins import require_pinned
from psp.inference import likeness
from psp.inference.inputs import read_file
from psp.models.generators import affine_weights
from psp.models.psp import PSP
from psp.models.sefa import principal_directions

# How many standard deviations of random faces, along a direction, an amount of 1 is.
_SEFA_REACH: Mapping[str, float] = {"pose": 1.5, "features": 1.5, "colours": 2.0}
_FACES, _SEED = 1024, 0

# By model: finding SeFa's takes a second.
_found: weakref.WeakKeyDictionary[PSP, Directions] = weakref.WeakKeyDictionary()


def directions_of(psp: PSP) -> Directions:
    """Return the directions that there are for a model, by their names; the named ones come first.

    A model without a mapping network has none of SeFa's: nothing says how far its faces lie apart.
    """
    known = _found.get(psp)
    if known is None:
        shape = psp.config.generator
        known = _bundled(shape.n_codes, shape.style_dim) if likeness.is_known(psp) else {}
        if shape.n_mlp:
            known |= _sefa(psp)
        _found[psp] = known
    return known


def directions_in(file: bytes | Path | str, psp: PSP) -> dict[str, Direction]:
    """Read a file of further directions for a model.

    Raises:
        InputError: It cannot be used, or does not fit the model.
    """
    shape = psp.config.generator
    return directions_from_bytes(read_file(file), shape.n_codes, shape.style_dim)


def _bundled(n_codes: int, dim: int) -> dict[str, Direction]:
    file = directions_file()
    require_pinned(file, assets_dir())
    return directions_from_bytes(file.read_bytes(), n_codes, dim)


@torch.inference_mode()
def _sefa(psp: PSP) -> dict[str, Direction]:
    """Return SeFa's directions a group of layers, each as far as random faces lie apart along it."""
    shape = psp.config.generator
    weights = affine_weights(psp.decoder)
    z = torch.randn(_FACES, shape.style_dim, generator=torch.Generator().manual_seed(_SEED))
    faces = psp.map(z.to(psp.device)).float().cpu()
    found: dict[str, Direction] = {}
    names = iter(sefa_names())
    for group in GROUPS:
        layers = [*parse_layers(group, shape.resolutions)]
        vectors = principal_directions([weights[layer] for layer in layers], SEFA_COUNT)
        apart = (faces @ vectors.T).std(dim=0)
        for vector, spread in zip(vectors, apart, strict=True):
            shift = torch.zeros(shape.n_codes, shape.style_dim)
            shift[layers] = _SEFA_REACH[group] * spread * vector
            named = next(names)
            found[named.name] = Direction(named, shift.numpy())
    return found

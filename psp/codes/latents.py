"""W+ codes as files, as NumPy arrays, and their layers: what the studio hands out and takes back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_high
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from psp.codes.details import Details, details_from
from psp.codes.recipe import Recipe, recipe_from_json
from psp.errors import InputError
from psp.ranges import LAYERS_GRAMMAR, LAYERS_PART, SHARE_DIGITS, plain_layers

Codes = NDArray[np.float32]

LayerShares = Mapping[int, float]
"""Layers by their numbers, and how much of the style each takes, 0 to 1."""

MAX_FILE = 4 << 20
"""Bytes: larger files of codes are refused; 64 variants of 18 codes have 2.4 million."""

# Bytes of a header: codes have a few hundred, and no more than this is read of another file.
_LONGEST_HEADER = 1 << 20

# Codes have numbers below a hundred; much beyond, a network's own numbers are infinite, its pictures black.
_FARTHEST = 10_000.0

# Which layers do what, by the size in pixels at which they act: pSp's coarse, medium and fine (section 3).
_COARSE, _FINE = 8, 64
GROUPS: dict[str, str] = {"pose": "Pose and shape", "features": "Features", "colours": "Colours and light"}
"""Groups of layers that ``parse_layers`` knows by name, with their titles."""


@dataclass(frozen=True, eq=False)
class CodesFile:
    """What a file of codes holds.

    Attributes:
        codes: float32 [n,dim] or [v,n,dim], finite.
        recipe: What made them; None in files from elsewhere.
        details: What codes cannot say of the photo, where likeness was exact.
    """

    codes: Codes
    recipe: Recipe | None
    details: Details | None = None


def codes_to_bytes(
    codes: Codes, recipe: Recipe, *, half: bool = False, details: Details | None = None
) -> bytes:
    """Return a ``.safetensors`` file with ``codes`` [n,512], or [v,n,512] for several variants.

    Args:
        codes: The codes, the average added.
        recipe: What made them, kept in the metadata: it says which model decodes them.
        half: Whether they are kept in half precision: half of the size, and pictures that no eye tells apart.
        details: What is kept beside them: 2 MB.
    """
    assert codes.ndim in (2, 3), codes.shape
    array = np.ascontiguousarray(codes, dtype=np.float16 if half else np.float32)
    # One entry of metadata only: safetensors writes several in an order that changes from run to run.
    tensors = {"codes": array, **(details.tensors() if details else {})}
    return save(tensors, metadata={"recipe": recipe.to_json()})


def codes_from_bytes(data: bytes) -> CodesFile:
    """Read a file made by :func:`codes_to_bytes`; no pickle is ever opened.

    Raises:
        InputError: The file is too large, not a safetensors file, has no usable codes, or holds NaN,
            infinity, or numbers beyond 10,000.
    """
    if len(data) > MAX_FILE:
        raise InputError(
            f"The file of codes is too large: {len(data) >> 20} MB.", f"{MAX_FILE >> 20} MB are allowed."
        )
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(
            "This is not a .safetensors file of codes.", "Use a file that the studio made."
        ) from error
    codes = tensors.get("codes")
    if codes is None or codes.ndim not in (2, 3) or codes.dtype.kind != "f":
        raise InputError("The file holds no codes of shape [n,512].", "Use a file that the studio made.")
    if not codes.size:
        raise InputError("The file of codes is empty.", "Export them again.")
    if not np.isfinite(codes).all():
        raise InputError("The codes contain NaN or infinity.", "Export them again.")
    if float(np.abs(codes).max()) > _FARTHEST:
        raise InputError("The codes hold numbers that no model makes.", "Use a file that the studio made.")
    return CodesFile(codes.astype(np.float32), recipe_of_codes(io.BytesIO(data)), details_from(tensors))


def take_variant(codes: Codes, variant: int) -> Codes:
    """Return the codes [1,n,dim] of one variant of ``codes`` [v,n,dim].

    Raises:
        InputError: There are not so many.
    """
    if not 0 <= variant < len(codes):
        raise InputError(f"There is no variant {variant}.", f"The file holds 0 to {len(codes) - 1}.")
    return codes[variant : variant + 1]


def parse_layers(text: str, resolutions: tuple[int, ...]) -> LayerShares:
    """Read a choice of layers, written as in a print dialog, with how much of the style each takes.

    Args:
        text: Parts with commas between them, each with a share after a colon where that is not 1:
            "8-", "0-3,7", "pose:0.5,features,colours:0.25". A part is a range ("8-", "0-3", "-3", "7"),
            "all", a group by resolution ("pose": 4 to 8 px, "features": 16 and 32, "colours": 64 and up), or
            "auto", the layers for random styles: the colours, of StyleGAN2 without the first of them, as in
            the paper (8–17 of 18); so is an empty text. A layer that several parts name has the share of the
            last of them: "all:0.2,features" is a little of everything and all of the features. Four digits
            after the point count.
        resolutions: The size in pixels at which each layer of the model acts.

    Returns:
        The share, 0 to 1, of each layer that is named, by its number, ascending; at least one layer. One
        with the share 0 is not mixed.

    Raises:
        InputError: The text cannot be understood, or names a layer that is not there.
    """
    last = len(resolutions) - 1
    named: dict[int, float] = {}
    share = 1.0
    for part in (plain_layers(text) or "auto").split(","):
        match = LAYERS_PART.fullmatch(part)
        if not match or match["range"] in ("", "-"):
            raise InputError(f"The layers {text[:40]!r} cannot be understood.", LAYERS_GRAMMAR)
        share = round(float(match["share"] or 1), SHARE_DIGITS)
        found = _group(match["word"], resolutions) if match["word"] else _range(match["range"], last)
        named.update(dict.fromkeys(found, share))
    return dict(sorted(named.items())) or {last: share}  # a small model has no layers of some groups


def write_layers(layers: LayerShares) -> str:
    """Return layers as ``parse_layers`` reads them, shortest form: "0-2,7:0.5"."""
    runs: list[tuple[int, int, float]] = []
    for layer, share in sorted(layers.items()):
        if runs and (layer - 1, share) == runs[-1][1:]:
            runs[-1] = (runs[-1][0], layer, share)
        else:
            runs.append((layer, layer, share))
    return ",".join(
        (f"{low}" if low == high else f"{low}-{high}") + ("" if share == 1 else f":{_decimal(share)}")
        for low, high, share in runs
    )


def group_shares(layers: LayerShares, resolutions: tuple[int, ...]) -> dict[str, float]:
    """Return how much of the style each group of layers takes, by the names of ``GROUPS``.

    Where the layers of a group differ, it is the share of the middle one when they are ordered by it.
    """
    found = {name: _group(name, resolutions) for name in GROUPS}
    return {
        name: median_high(layers.get(layer, 0.0) for layer in group) if group else 0.0
        for name, group in found.items()
    }


def _decimal(share: float) -> str:
    """Return a share without an exponent: 0.0001, not 1e-04."""
    return f"{share:.{SHARE_DIGITS}f}".rstrip("0").rstrip(".")


def _range(text: str, last: int) -> range:
    """Return the layers of "8-", "0-3", "-3" or "7".

    Raises:
        InputError: It is no range, or names a layer that is not there.
    """
    first, dash, end = text.partition("-")
    low = int(first or 0)
    high = int(end or last) if dash else low
    if low > high or high > last:
        raise InputError(f"There is no layer range {text!r} in this model.", f"Its layers are 0 to {last}.")
    return range(low, high + 1)


def _group(name: str, resolutions: tuple[int, ...]) -> tuple[int, ...]:
    """Return the layers of a group, "all" or "auto"; a small model may have none of it."""
    fine = tuple(index for index, size in enumerate(resolutions) if size >= _FINE)
    if name == "all":
        return tuple(range(len(resolutions)))
    if name == "auto":
        return fine[1:] if resolutions.count(_FINE) == 2 else fine  # two layers a size: a StyleGAN2
    if name == "colours":
        return fine
    pose = name == "pose"
    return tuple(i for i, size in enumerate(resolutions) if size < _FINE and (size <= _COARSE) == pose)


def recipe_of_codes(file: BinaryIO) -> Recipe | None:
    """Return the recipe in the header of a file of codes; None where there is none. The codes are not read.

    Args:
        file: At its start.

    Raises:
        ValueError: It is no safetensors file.
    """
    text = metadata_of(file).get("recipe")
    return None if text is None else recipe_from_json(text)


def metadata_of(file: BinaryIO) -> dict[str, str]:
    """Return the texts in the header of a safetensors file; the tensors are not read.

    Args:
        file: At its start.

    Raises:
        ValueError: It is no safetensors file.
    """
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length)) if length <= _LONGEST_HEADER else {}
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    texts = metadata.items() if isinstance(metadata, dict) else ()
    return {name: text for name, text in texts if isinstance(text, str)}

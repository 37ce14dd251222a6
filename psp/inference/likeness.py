"""Likeness beyond codes: what the generator's features lack of a photo, found in one pass and added."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from psp.checkpoints.small_networks import load_residual
from psp.codes.details import Details, Map, details_of
from psp.errors import InputError
from psp.inference.previews import decode_preview
from psp.models.begun import Begun
from psp.models.mobile import MobileGenerator
from psp.models.psp import PSP
from psp.models.residual import FeatureResidual

# By model: on a Space its numbers cannot be read later (``psp.inference.loaded``).
_known: weakref.WeakKeyDictionary[PSP, bool] = weakref.WeakKeyDictionary()

_SEEN = 64  # side in pixels of the features that tell where a picture changed

_LACKS = "This model cannot make an exact likeness: only the generator of mobile-1024 has a network for that."


def is_known(psp: PSP) -> bool:
    """Return whether there is a network for the model's generator; found once."""
    known = _known.get(psp)
    if known is None:
        generator = psp.decoder
        known = isinstance(generator, MobileGenerator) and _network(psp.device).fits(generator)
        _known[psp] = known
    return known


def begin(psp: PSP, codes: Tensor) -> Begun:
    """Return the decoding of ``codes`` [1,n,dim] up to 64 px, where details begin and changes are seen.

    Raises:
        InputError: There is no network for the model's generator.
    """
    generator = _for(psp)[1]
    begun = generator.begin(codes, sum(size <= _SEEN for size in generator.config.resolutions))
    assert begun is not None, "a generator that is known has 64 px"
    return begun


def details_of_photo(psp: PSP, photo: Tensor, codes: Tensor, begun: Begun | None = None) -> Details:
    """Return what ``codes`` [1,n,dim] cannot say of ``photo`` [1,3,S,S] in [−1,1].

    Args:
        psp: The model.
        photo: The photo.
        codes: What was found of it.
        begun: Their decoding, if it is begun.

    Raises:
        InputError: There is no network for the model's generator.
    """
    network, generator = _for(psp)
    size = network.config.size
    # The true picture instead would cost as much as the result: LPIPS 0.012 instead of 0.015.
    begun = begun or begin(psp, codes)
    made = decode_preview(generator, codes, size, begun=begun)
    if photo.shape[-1] != size:
        photo = F.interpolate(photo, size=(size, size), mode="bilinear", antialias=True)
    coarse, fine = network.details(photo, made, begun.x)
    return details_of(coarse[0].cpu().numpy(), fine[0].cpu().numpy())


def faded(psp: PSP, details: Details, before: Begun, after: Begun) -> Details:
    """Return ``details`` without what belongs to the parts of a picture that changed.

    They hold places: hair that is elsewhere now, or a hat that has gone, would stand over the new picture as
    a ghost. What changed is seen in the generator's features at 64 px.

    Args:
        psp: The model.
        details: Of the photo.
        before: The decoding of the codes that they were made for.
        after: The decoding of what became of these.

    Raises:
        InputError: There is no network for the model's generator, or the details are of another shape.
    """
    kept = _for(psp)[0].kept(before.x, after.x)
    # In the maps' own terms, so that the file holds what this picture was made with.
    coarse, fine = _times(psp, details, kept)
    return details_of(coarse[0].cpu().numpy(), fine[0].cpu().numpy())


def carried(
    psp: PSP, photos: Sequence[tuple[Tensor, Callable[[], Details]]], begun: Begun, mixed: Tensor
) -> Details | None:
    """Return what a mixture of photos keeps of their details; None where it is too far from all of them.

    Args:
        psp: The model.
        photos: Codes [1,n,dim] of each, and what gives its details, asked where these hold.
        begun: The decoding of the mixture.
        mixed: The codes [1,n,dim] of the mixture.

    Raises:
        InputError: There is no network for the model's generator, or details are of another shape.
    """
    network, generator = _for(psp)
    kept: list[tuple[Tensor, Tensor]] = []
    # Colours are those of the layers that act where the details do, and after.
    colours = sum(size < _SEEN for size in generator.config.resolutions)
    for before, details in photos:
        shaped = torch.cat([mixed[:, :colours], before[:, colours:]], dim=1)
        share = network.kept_mixed(begin(psp, before).x, begun.x, begin(psp, shaped).x)
        if share.any():
            kept.append(_times(psp, details(), share))
    if not kept:
        return None
    coarse, fine = (torch.stack(each).sum(dim=0) for each in zip(*kept, strict=True))
    return details_of(coarse[0].cpu().numpy(), fine[0].cpu().numpy())


def decoder_near(
    psp: PSP, anchors: Sequence[tuple[Tensor, Details]], size: int | None
) -> Callable[[Tensor], Tensor]:
    """Return what decodes codes [1,n,dim] with what still fits them of the details of photos near them.

    Args:
        psp: The model.
        anchors: Codes [1,n,dim] and details of each photo; there is one at least.
        size: Of previews in pixels; None: the model's.

    Raises:
        InputError: There is no network for the model's generator, or details are of another shape.
    """
    network, generator = _for(psp)
    known = [(begin(psp, before).x, details) for before, details in anchors]

    def decode(codes: Tensor) -> Tensor:
        begun = begin(psp, codes)
        maps = [_times(psp, details, network.kept(before, begun.x)) for before, details in known]
        coarse, fine = (torch.stack(each).sum(dim=0) for each in zip(*maps, strict=True))
        return _decode(generator, codes, size, network.additions(coarse, fine), begun)

    return decode


def _times(psp: PSP, details: Details, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of details, coarse and fine, each place of them times what is kept [1,1,64,64]."""
    _require_shape(_for(psp)[0], details)
    coarse, fine = (_tensor(each, psp.device) for each in (details.coarse, details.fine))
    return coarse * kept, fine * F.interpolate(kept, scale_factor=2, mode="bilinear", align_corners=False)


def decoder(
    psp: PSP, details: Details, size: int | None = None, begun: Begun | None = None
) -> Callable[[Tensor], Tensor]:
    """Return what decodes codes [1,n,dim] with ``details``.

    Args:
        psp: The model.
        details: Of the photo.
        size: Of previews in pixels; None: the model's.
        begun: The decoding of codes that will probably be asked for.

    Raises:
        InputError: There is no network for the model's generator, or the details are of another shape.
    """
    network, generator = _for(psp)
    _require_shape(network, details)
    added = network.additions(*(_tensor(each, psp.device) for each in (details.coarse, details.fine)))
    return lambda codes: _decode(
        generator, codes, size, added, begun if begun is not None and begun.fits(codes) else None
    )


def _decode(
    generator: MobileGenerator,
    codes: Tensor,
    size: int | None,
    added: Mapping[int, Tensor],
    begun: Begun | None,
) -> Tensor:
    if size is not None:
        return decode_preview(generator, codes, size, added, begun)
    return generator(codes, None, added, begun)  # type: ignore[no-any-return]  # nn.Module's own call


def _require_shape(network: FeatureResidual, details: Details) -> None:
    if tuple(each.steps.shape for each in (details.coarse, details.fine)) != network.config.shapes:
        raise InputError(
            "The details beside the codes are of another shape than this model's.",
            "Choose the model that they were made with.",
        )


def _tensor(kept: Map, device: torch.device) -> Tensor:
    return torch.from_numpy(kept.numbers())[None].to(device)


def _for(psp: PSP) -> tuple[FeatureResidual, MobileGenerator]:
    """Return the network and the generator that it was trained with."""
    if not is_known(psp):
        raise InputError(_LACKS, "Use likeness=quick or close.")
    assert isinstance(psp.decoder, MobileGenerator), "it is known"
    return _network(psp.device), psp.decoder


@cache
def _network(device: torch.device) -> FeatureResidual:
    return load_residual().to(device)

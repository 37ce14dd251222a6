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
from psp.models.mobile import MobileGenerator
from psp.models.psp import PSP
from psp.models.residual import FeatureResidual

# By model: on a Space its numbers cannot be read later (``psp.inference.loaded``).
_known: weakref.WeakKeyDictionary[PSP, bool] = weakref.WeakKeyDictionary()

_LACKS = "This model cannot make an exact likeness: only the generator of mobile-1024 has a network for that."


def is_known(psp: PSP) -> bool:
    """Return whether there is a network for the model's generator; found once."""
    known = _known.get(psp)
    if known is None:
        generator = psp.decoder
        known = isinstance(generator, MobileGenerator) and _network(psp.device).fits(generator)
        _known[psp] = known
    return known


def details_of_photo(psp: PSP, photo: Tensor, codes: Tensor) -> Details:
    """Return what ``codes`` [1,n,dim] cannot say of ``photo`` [1,3,S,S] in [−1,1].

    Raises:
        InputError: There is no network for the model's generator.
    """
    network, generator = _for(psp)
    size = network.config.size
    # The true picture instead would cost as much as the result: LPIPS 0.012 instead of 0.015.
    made = decode_preview(generator, codes, size)
    if photo.shape[-1] != size:
        photo = F.interpolate(photo, size=(size, size), mode="bilinear", antialias=True)
    coarse, fine = network.details(photo, made, generator.features(codes, 64))
    return details_of(coarse[0].cpu().numpy(), fine[0].cpu().numpy())


def faded(psp: PSP, details: Details, before: Tensor, after: Tensor) -> Details:
    """Return ``details`` without what belongs to the parts of a picture that changed.

    They hold places: hair that is elsewhere now, or a hat that has gone, would stand over the new picture as
    a ghost. What changed is seen in the generator's features at 64 px.

    Args:
        psp: The model.
        details: Of the photo.
        before: The codes [1,n,dim] that they were made for.
        after: What became of these.

    Raises:
        InputError: There is no network for the model's generator, or the details are of another shape.
    """
    network, generator = _for(psp)
    kept = network.kept(generator.features(before, 64), generator.features(after, 64))
    # In the maps' own terms, so that the file holds what this picture was made with.
    coarse, fine = _times(psp, details, kept)
    return details_of(coarse[0].cpu().numpy(), fine[0].cpu().numpy())


def carried(
    psp: PSP, photos: Sequence[tuple[Tensor, Callable[[], Details]]], mixed: Tensor
) -> Details | None:
    """Return what a mixture of photos keeps of their details; None where it is too far from all of them.

    Args:
        psp: The model.
        photos: Codes [1,n,dim] of each, and what gives its details, asked where these hold.
        mixed: The codes [1,n,dim] of the mixture.

    Raises:
        InputError: There is no network for the model's generator, or details are of another shape.
    """
    network, generator = _for(psp)
    after, kept = generator.features(mixed, 64), []
    # Colours are those of the layers that act where the details do, and after.
    colours = sum(size < 64 for size in generator.config.resolutions)
    for before, details in photos:
        shaped = torch.cat([mixed[:, :colours], before[:, colours:]], dim=1)
        share = network.kept_mixed(generator.features(before, 64), after, generator.features(shaped, 64))
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
    known = [(generator.features(before, 64), details) for before, details in anchors]

    def decode(codes: Tensor) -> Tensor:
        after = generator.features(codes, 64)
        maps = [_times(psp, details, network.kept(before, after)) for before, details in known]
        coarse, fine = (torch.stack(each).sum(dim=0) for each in zip(*maps, strict=True))
        return _decode(generator, codes, size, network.additions(coarse, fine))

    return decode


def _times(psp: PSP, details: Details, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of details, coarse and fine, each place of them times what is kept [1,1,64,64]."""
    _require_shape(_for(psp)[0], details)
    coarse, fine = (_tensor(each, psp.device) for each in (details.coarse, details.fine))
    return coarse * kept, fine * F.interpolate(kept, scale_factor=2, mode="bilinear", align_corners=False)


def decoder(psp: PSP, details: Details, size: int | None = None) -> Callable[[Tensor], Tensor]:
    """Return what decodes codes [1,n,dim] with ``details``; as previews of ``size`` px where that is said.

    Raises:
        InputError: There is no network for the model's generator, or the details are of another shape.
    """
    network, generator = _for(psp)
    _require_shape(network, details)
    added = network.additions(*(_tensor(each, psp.device) for each in (details.coarse, details.fine)))
    return lambda codes: _decode(generator, codes, size, added)


def _decode(
    generator: MobileGenerator, codes: Tensor, size: int | None, added: Mapping[int, Tensor]
) -> Tensor:
    if size is not None:
        return decode_preview(generator, codes, size, added)
    return generator(codes, None, added)  # type: ignore[no-any-return]  # nn.Module's own call


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

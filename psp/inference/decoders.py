"""What decodes the codes of a job, and what becomes of them: details, closer codes, blended weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from psp.codes.details import Details
from psp.errors import ModelNotFoundError
from psp.inference import likeness
from psp.inference.ahead import looking_ahead
from psp.inference.errands import Floats, Moved, Work
from psp.inference.loaded import Step
from psp.inference.previews import decode_preview
from psp.inference.refine import STEPS
from psp.inference.refine import refined as refined_codes
from psp.models.psp import PSP

__all__ = [
    "Decode",
    "between",
    "decoder",
    "exactly",
    "looking_ahead",
    "mixed",
    "near_anchors",
    "refined",
    "sharing",
]

Decode = Callable[[torch.Tensor], torch.Tensor]
"""Codes [B,n,dim] to images [B,3,H,W]."""


def decoder(psp: PSP, size: int | None) -> Decode:
    """Return what decodes codes, at the size of the model or as previews."""
    return psp.decode if size is None else partial(decode_preview, psp.decoder, size=size)


def sharing(psp: PSP, variants: torch.Tensor) -> Decode:
    """Return what decodes ``variants`` [v,n,dim] at the size of the model, the layers that they share once.

    The pictures are those of ``psp.decode``.
    """
    alike = (variants == variants[:1]).all(dim=2).all(dim=0)  # [n]
    layers = int(alike.long().cumprod(dim=0).sum())
    begun = psp.decoder.begin(variants[:1], layers) if len(variants) > 1 else None
    return partial(psp.decode, begun=begun)


def refined(
    psp: PSP, work: Work, codes: torch.Tensor, step: Step | None
) -> tuple[torch.Tensor, Moved | None]:
    """Return the codes [B,n,dim] of photos, moved closer to them one by one, where their likeness is close.

    With them comes how they did, where the job says that it is told. Exact likeness moves no codes.
    """
    if work.likeness != "close" or work.inputs is None:
        return codes, Moved(_plain(psp, codes), 0, 0) if work.refines else None
    photos = torch.from_numpy(work.inputs).to(psp.device)
    pairs = zip(torch.split(photos, 1), torch.split(codes, 1), strict=True)
    made = [refined_codes(psp, photo, each, STEPS, step, keeps=work.refines) for photo, each in pairs]
    moved = None
    if work.refines:
        (one,) = made  # of one photo
        start = _plain(psp, codes) if one.start is None else one.start.float().cpu().numpy()
        moved = Moved(start, one.steps, STEPS)
    return torch.cat([each.codes for each in made]), moved


def _plain(psp: PSP, codes: torch.Tensor) -> Floats:
    """Return the picture of codes alone."""
    return psp.decode(codes).float().cpu().numpy()


def exactly(psp: PSP, work: Work, before: torch.Tensor, codes: torch.Tensor) -> tuple[Details, Decode]:
    """Return what codes cannot say of the photo, and what decodes ``codes`` with it.

    Args:
        psp: The model.
        work: The job.
        before: The codes [1,n,dim] of the photo.
        codes: What became of them.
    """
    details, begun = work.details, None
    if details is None:
        assert work.inputs is not None and len(before) == 1, "the details of one photo"
        begun = likeness.begin(psp, before)
        details = likeness.details_of_photo(psp, torch.from_numpy(work.inputs).to(psp.device), before, begun)
    if work.shift is not None:
        start, begun = begun or likeness.begin(psp, before), likeness.begin(psp, codes)
        details = likeness.faded(psp, details, start, begun)
    return details, likeness.decoder(psp, details, work.size, begun)


def near_anchors(psp: PSP, work: Work) -> Decode:
    """Return what decodes codes with what still fits them of the details of the job's anchors."""
    anchors = [(torch.from_numpy(codes).to(psp.device), details) for codes, details in work.anchors]
    return likeness.decoder_near(psp, anchors, work.size)


def mixed(
    psp: PSP, work: Work, style: torch.Tensor | None, variants: torch.Tensor
) -> tuple[Details | None, Decode]:
    """Return what a mixture keeps of the details of its photos, and what decodes it with that.

    Args:
        psp: The model.
        work: The job; its anchors are the photos whose details are known.
        style: The codes [1,n,dim] of a second picture; its details are found where the mixture is near it.
        variants: The codes [1,n,dim] of the mixture.
    """
    assert len(variants) == 1, "each mixture has its own details"
    photos = [(torch.from_numpy(codes).to(psp.device), partial(_same, each)) for codes, each in work.anchors]
    if style is not None and work.style_inputs is not None:
        photo = torch.from_numpy(work.style_inputs).to(psp.device)
        photos.append((style, partial(likeness.details_of_photo, psp, photo, style)))
    begun = likeness.begin(psp, variants)
    details = likeness.carried(psp, photos, begun, variants)
    if details is None:
        return None, decoder(psp, work.size)
    return details, likeness.decoder(psp, details, work.size, begun)


def _same(details: Details) -> Details:
    return details


def between(plain: PSP, other: PSP, strength: float, size: int | None) -> Decode:
    """Return the decoder whose weights lie between those of two generators of one descent.

    Layers of a fine-tuned generator stay aligned with those of its parent (Pinkney and Adler 2020), so that
    weights can be blended; neither model is changed.
    """
    ours, theirs = plain.decoder.state_dict(), other.decoder.state_dict()
    if {name: value.shape for name, value in ours.items()} != {name: v.shape for name, v in theirs.items()}:
        raise ModelNotFoundError(
            "The generators of 'encode' and of this model have different shapes.", "Use strength=1."
        )
    blended = {name: torch.lerp(value, theirs[name], strength) for name, value in ours.items()}
    return lambda codes: torch.func.functional_call(plain.decoder, blended, (codes, size))

"""Closer codes: the encoder's answer, moved a little until its picture is nearer to the photo.

Adam goes down the paper's losses (L2, LPIPS and identity; section 3.1) from where the encoder ends, in W+. It
looks at previews; what these lack of the true picture is found anew every few steps and added, or colours
would drift to where the preview head leaves what it was trained on. No number moves further than the sum of
the steps, 0.66 in forty: codes stay where edits work (``benchmarks/likeness.py``).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.errors import EnoughError, TimeLimitError
from psp.inference.loaded import APPROACHING, Step
from psp.inference.previews import decode_preview
from psp.inference.quality import lpips_network
from psp.losses.identity import DescriptorLoss
from psp.losses.lpips import LPIPS
from psp.models.psp import PSP
from psp.pictures.images import to_pictures

STEPS = 40
"""How many steps "close" takes."""

_SIZE = 256  # pixels of the pictures that are compared
_RATE, _LAST_RATE = 0.03, 0.002
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.99
_SHOWN_EVERY = 4  # steps
_CORRECTED_EVERY = 20  # steps; oftener brought nothing to the eye, and takes as long as five steps
_L1, _LPIPS, _IDENTITY = 0.5, 3.0, 0.2


@runtime_checkable
class Shows(Protocol):
    """A step that is shown pictures on the way, too."""

    def show(self, picture: Image.Image) -> None:
        """Take a preview: small, and not quite the true picture of the codes by then."""


@dataclass(frozen=True, eq=False)
class Refined:
    """Codes that came closer.

    Attributes:
        codes: [1,n,dim].
        steps: How many steps they were moved.
        start: The true picture before, [1,3,H,W]; None where there was no time for it.
    """

    codes: Tensor
    steps: int
    start: Tensor | None


def refined(
    psp: PSP,
    photo: Tensor,
    codes: Tensor,
    steps: int = STEPS,
    step: Step | None = None,
    *,
    keeps: bool = False,
) -> Refined:
    """Return codes [1,n,dim] whose picture is nearer to the photo; the same for the same photo and steps.

    Args:
        psp: The model.
        photo: [1,3,S,S] in [−1,1].
        codes: Where they start: the encoder's answer, or others.
        steps: How many.
        step: Told how far it is; may raise to stop the work. If it ``Shows``, it gets previews.
        keeps: Whether to return the best codes by then where ``step`` has enough of it (``EnoughError``), or
            the time is over; else that ends the work, as all else does.
    """
    # Tensors of inference mode cannot be differentiated through.
    with torch.inference_mode(False), torch.enable_grad():
        way = _Way(psp, photo.clone(), codes.clone(), steps)
        for index in range(steps):
            try:
                if step:
                    step(APPROACHING, index / steps)
            except (EnoughError, TimeLimitError):
                if not keeps:
                    raise
                return Refined(way.best, way.best_at, way.true_start)
            made = way.go(index)
            if index % _SHOWN_EVERY == 0 and isinstance(step, Shows):
                step.show(to_pictures(made.float().cpu())[0])
        return Refined(way.codes, steps, way.true_start)


class _Way:
    """The way of codes towards a photo, by Adam.

    Args:
        psp: The model.
        photo: [1,3,S,S] in [−1,1].
        start: Codes [1,n,dim].
        steps: How many steps there will be: the rate goes down over them.

    Attributes:
        best: The codes whose picture was nearest to the photo by now, of those that were looked at.
        best_at: After how many steps they were reached.
        true_start: The true picture of the start, once it is made.
    """

    def __init__(self, psp: PSP, photo: Tensor, start: Tensor, steps: int) -> None:
        if photo.shape[-1] != _SIZE:
            photo = F.interpolate(photo, size=(_SIZE, _SIZE), mode="bilinear", antialias=True)
        self._psp, self._start, self._steps = psp, start, steps
        self._gap_to = _Gap(photo)
        self._size = min(_SIZE, psp.config.generator.size)
        self._moved = torch.zeros_like(start, requires_grad=True)
        self._first, self._second = torch.zeros_like(start), torch.zeros_like(start)
        self._lacks = torch.zeros(1, device=psp.device)
        self.best, self.best_at, self._least = start, 0, math.inf
        self.true_start: Tensor | None = None

    @property
    def codes(self) -> Tensor:
        """The codes by now."""
        return (self._start + self._moved).detach()

    def go(self, index: int) -> Tensor:
        """Take the step of that number, from 0; return the picture [1,3,256,256] before it."""
        codes = self._start + self._moved
        if index % _CORRECTED_EVERY == 0:
            self._correct(codes.detach())
        made = _at(decode_preview(self._psp.decoder, codes, self._size) + self._lacks)
        gap = self._gap_to(made)
        if float(gap.detach()) < self._least:
            self.best, self.best_at, self._least = codes.detach(), index, float(gap.detach())
        (slope,) = torch.autograd.grad(gap, self._moved)
        self._first = _FIRST_DECAY * self._first + (1 - _FIRST_DECAY) * slope
        self._second = _SECOND_DECAY * self._second + (1 - _SECOND_DECAY) * slope.square()
        rate = _LAST_RATE + (_RATE - _LAST_RATE) * (1 + math.cos(math.pi * index / self._steps)) / 2
        mean = self._first / (1 - _FIRST_DECAY ** (index + 1))
        spread = (self._second / (1 - _SECOND_DECAY ** (index + 1))).sqrt()
        with torch.no_grad():
            self._moved -= rate * mean / (spread + 1e-8)
        return made.detach()

    def _correct(self, codes: Tensor) -> None:
        """Find anew what previews lack of true pictures; what they seemed to be before counts no more."""
        with torch.no_grad():
            true = self._psp.decode(codes)
            if self.true_start is None:
                self.true_start = true
            small = F.avg_pool2d(true, true.shape[-1] // self._size)
            self._lacks = small - decode_preview(self._psp.decoder, codes, self._size)
        self._least = math.inf


class _Gap:
    """How far a picture is from a photo, whose side is worked out once.

    Args:
        photo: [1,3,256,256] in [−1,1].
    """

    def __init__(self, photo: Tensor) -> None:
        self._lpips, self._identity = _lpips(photo.device), _identity(photo.device)
        with torch.no_grad():
            self._photo, self._features = photo, self._lpips.features(photo)
            self._described = self._identity.embed(photo)

    def __call__(self, made: Tensor) -> Tensor:
        """Return the loss of a picture of the photo's shape; gradients reach it."""
        apart = made - self._photo
        loss = apart.square().mean() + _L1 * apart.abs().mean()
        loss = loss + _LPIPS * self._lpips.between(self._lpips.features(made), self._features).sum()
        identity = self._identity.between(self._identity.embed(made), self._described)
        return loss + _IDENTITY * identity.sum()


def _at(made: Tensor) -> Tensor:
    """Return a picture at the size of the comparison."""
    if made.shape[-1] == _SIZE:
        return made
    return F.interpolate(made, size=(_SIZE, _SIZE), mode="bilinear", align_corners=False)


@cache
def _lpips(device: torch.device) -> LPIPS:
    return copy.deepcopy(lpips_network()).to(device)


@cache
def _identity(device: torch.device) -> DescriptorLoss:
    with torch.inference_mode(False):
        return DescriptorLoss(load_face_descriptor()).to(device)

"""Closer codes: the encoder's answer, moved a little until its picture is nearer to the photo.

Adam goes down the paper's losses (L2, LPIPS and identity; section 3.1) from where the encoder ends, in W+. It
looks at previews; what these lack of the true picture is found anew every few steps and added, or colours
would drift to where the preview head leaves what it was trained on. No number moves further than the sum of
the steps, 0.66 in forty: codes stay where edits work (``benchmarks/likeness.py``).
"""

from __future__ import annotations

import copy
import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.inference.loaded import Step
from psp.inference.previews import decode_preview
from psp.inference.quality import lpips_network
from psp.losses.identity import DescriptorLoss
from psp.losses.lpips import LPIPS
from psp.models.psp import PSP

STEPS = 40
"""How many steps "close" takes."""

_SIZE = 256  # pixels of the pictures that are compared
_RATE, _LAST_RATE = 0.03, 0.002
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.99
_CORRECTED_EVERY = 20  # steps; oftener brought nothing to the eye, and takes as long as five steps
_L1, _LPIPS, _IDENTITY = 0.5, 3.0, 0.2


def refined(psp: PSP, photo: Tensor, codes: Tensor, steps: int = STEPS, step: Step | None = None) -> Tensor:
    """Return codes [1,n,dim] whose picture is nearer to the photo; the same for the same photo and steps.

    Args:
        psp: The model.
        photo: [1,3,S,S] in [−1,1].
        codes: The encoder's answer.
        steps: How many.
        step: Told how far it is; may raise to stop the work.
    """
    # Tensors of inference mode cannot be differentiated through.
    with torch.inference_mode(False), torch.enable_grad():
        return _descended(psp, photo.clone(), codes.clone(), steps, step)


def _descended(psp: PSP, photo: Tensor, start: Tensor, steps: int, step: Step | None) -> Tensor:
    if photo.shape[-1] != _SIZE:
        photo = F.interpolate(photo, size=(_SIZE, _SIZE), mode="bilinear", antialias=True)
    gap_to = _Gap(photo)
    size = min(_SIZE, psp.config.generator.size)
    moved = torch.zeros_like(start, requires_grad=True)
    first, second, lacks = torch.zeros_like(start), torch.zeros_like(start), torch.zeros(1, device=psp.device)
    for index in range(steps):
        if step:
            step("Coming closer", index / steps)
        if index % _CORRECTED_EVERY == 0:
            with torch.no_grad():
                lacks = _true(psp, start + moved, size) - decode_preview(psp.decoder, start + moved, size)
        made = _at(decode_preview(psp.decoder, start + moved, size) + lacks)
        (slope,) = torch.autograd.grad(gap_to(made), moved)
        first = _FIRST_DECAY * first + (1 - _FIRST_DECAY) * slope
        second = _SECOND_DECAY * second + (1 - _SECOND_DECAY) * slope.square()
        rate = _LAST_RATE + (_RATE - _LAST_RATE) * (1 + math.cos(math.pi * index / steps)) / 2
        mean = first / (1 - _FIRST_DECAY ** (index + 1))
        spread = (second / (1 - _SECOND_DECAY ** (index + 1))).sqrt()
        with torch.no_grad():
            moved -= rate * mean / (spread + 1e-8)
    return (start + moved).detach()


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


def _true(psp: PSP, codes: Tensor, size: int) -> Tensor:
    """Return the true picture, each pixel the mean of those that it stands for."""
    made = psp.decode(codes)
    return F.avg_pool2d(made, made.shape[-1] // size)


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

"""Closer codes: the encoder's answer, moved a little until its picture is nearer to the photo.

Adam goes down the paper's losses (L2, LPIPS and identity; section 3.1) from where the encoder ends, in W+. It
looks at previews; what these lack of the true picture is found anew every few steps and added, or colours
would drift to where the preview head leaves what it was trained on. No number moves further than the sum of
the steps, 0.45 in forty: codes stay where edits work.
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
_RATE, _LAST_RATE = 0.02, 0.002
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.99
_CORRECTED_EVERY = 10  # steps
_L1, _IDENTITY = 0.5, 0.4


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
    lpips, apart = _lpips(psp.device), _identity(psp.device)
    if photo.shape[-1] != _SIZE:
        photo = F.interpolate(photo, size=(_SIZE, _SIZE), mode="bilinear", antialias=True)
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
        gap = made - photo
        loss = gap.square().mean() + _L1 * gap.abs().mean() + lpips(made, photo).sum()
        loss = loss + _IDENTITY * apart(made, photo).sum()
        (slope,) = torch.autograd.grad(loss, moved)
        first = _FIRST_DECAY * first + (1 - _FIRST_DECAY) * slope
        second = _SECOND_DECAY * second + (1 - _SECOND_DECAY) * slope.square()
        rate = _LAST_RATE + (_RATE - _LAST_RATE) * (1 + math.cos(math.pi * index / steps)) / 2
        mean = first / (1 - _FIRST_DECAY ** (index + 1))
        spread = (second / (1 - _SECOND_DECAY ** (index + 1))).sqrt()
        with torch.no_grad():
            moved -= rate * mean / (spread + 1e-8)
    return (start + moved).detach()


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

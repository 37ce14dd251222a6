"""A face turned to look ahead: what a frontalising encoder leaves of the turn is taken out along a direction.

InterFaceGAN's edit (Shen et al. 2020, section 3.3), its amount found on the picture: a few secant steps
on how far the nose is off the middle of the face, by landmarks on small previews.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import yaw
from psp.inference import likeness
from psp.inference.directions import directions_of
from psp.inference.previews import decode_preview
from psp.models.psp import PSP
from psp.pictures.images import to_pictures

_SIZE = 256  # pixels
_AHEAD = 0.02  # of the yaw: what two pictures of one face differ by
_STEPS = 3
_FIRST = 0.4  # of the direction


def looking_ahead(psp: PSP, codes: Tensor) -> Tensor:
    """Return codes [B,n,dim] of the same faces, as they look ahead; as they are, where no direction is known.

    Args:
        psp: The model; the direction that comes along is for the generator of mobile-1024.
        codes: Of faces.
    """
    if not likeness.is_known(psp):
        return codes
    turn = directions_of(psp)["yaw"]
    along, safe = torch.from_numpy(turn.shift).to(codes)[None], (turn.named.low, turn.named.high)
    return torch.cat([_ahead(psp, each, along, safe) for each in torch.split(codes, 1)])


def _ahead(psp: PSP, codes: Tensor, along: Tensor, safe: tuple[float, float]) -> Tensor:
    """Return the codes [1,n,dim] of one face, moved along a direction by an amount within its safe range."""
    amount, turned = 0.0, _turned(psp, codes)
    best, least = amount, abs(turned)
    following = -_FIRST if turned > 0 else _FIRST
    for _ in range(_STEPS):
        if least < _AHEAD:
            break
        before, amount = (amount, turned), min(max(following, safe[0]), safe[1])
        turned = _turned(psp, codes + amount * along)
        if abs(turned) < least:
            best, least = amount, abs(turned)
        slope = (turned - before[1]) / (amount - before[0]) if amount != before[0] else 0.0
        if slope <= 0:  # the direction turns to where it points, or landmarks have lost the face
            break
        following = amount - turned / slope
    return codes + best * along


def _turned(psp: PSP, codes: Tensor) -> float:
    """Return how far a face is turned, by its picture."""
    (picture,) = to_pictures(decode_preview(psp.decoder, codes, _SIZE).float().cpu())
    return yaw(aligned_landmarks(np.asarray(picture)))

"""Whether a photo is of the kind that the models know, and if not, what to do: no network, 6 ms.

The thresholds were set on 700 portraits with sunglasses and masks of many shapes and colours drawn on every
second one. On 1714 others, eyes were told to be covered in 98.4 % of the pictures with sunglasses drawn on
and in 0.2 % of those without, mouths in 85 % of those with a mask and in none of the others
(``benchmarks/covered_faces.py``).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.detection import Points, aligned_landmarks
from psp.faces.landmarks import yaw
from psp.parameters import ALIGN_OFF
from psp.pictures.raster import Plane, fill_outline, to_lab

__all__ = ["DOUBT", "MIN_SIDE", "photo_warnings"]

_Mask: TypeAlias = NDArray[np.bool_]

MIN_SIDE = 96
"""Pixels a side of the crop in the photo below which a face is told to be tiny."""

DOUBT = (
    "This may be no face: the detector is hardly sure of it. If the crop shows something else, use a photo "
    f"in which the face is larger, uncovered and from the front, or crop the face yourself and {ALIGN_OFF}."
)
"""What is said of a detection that may be something else than a face."""

# Side in pixels at which the face is looked at.
_SIDE = 256
# ``psp.faces.landmarks.yaw`` of a face that is turned far; 2 % of the portraits.
_TURNED = 0.5
# CIE Lab: so far apart, lightness counting half, colours may be and still be those of the same skin.
_SAME_SKIN = 10.0
# Share of skin around the eyes, and around the mouth, below which they are covered.
_BARE_EYES, _BARE_MOUTH = 0.05, 0.15
# Standard deviation of the lips' lightness below which there are none: a beard hides skin, but not lips.
_LIPS = 9.0


def photo_warnings(
    crop: Image.Image, side: float, sure: bool = True, *, task: str = "encode"
) -> tuple[str, ...]:
    """Return what is unusual about a face and may spoil the result, each with what to do.

    Args:
        crop: The face, aligned as FFHQ, square.
        side: Side of the crop in pixels of the photo.
        sure: Whether the detector was sure that it is a face (``psp.faces.alignment.Alignment.sure``).
        task: What is made: small faces are what super-resolution is for, and turned ones what is frontalised.

    Raises:
        PspError: dlib or its model file is not installed.
    """
    warnings = []
    if side < MIN_SIDE and task != "super_resolution":
        warnings.append(
            f"The face is tiny: its crop is {side:.0f} pixels a side in the photo, so detail is invented. "
            "Use a larger photo, or the task super-resolution."
        )
    if not sure:  # what landmarks say of something else is nothing
        return (DOUBT, *warnings)
    frame = np.array(crop.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
    points = aligned_landmarks(frame)
    if abs(yaw(points)) > _TURNED and task != "frontalize":
        warnings.append(
            "The face is turned far to the side, as few faces are that the models know. "
            "If the result is not like it, use a photo that is taken more from the front."
        )
    warnings += [
        f"The {part} seem to be covered, so that they are invented. Use a photo that shows them."
        for part in _covered(to_lab(frame), points)
    ]
    return tuple(warnings)


def _covered(lab: Plane, points: Points) -> list[str]:
    """Return which parts of a face are covered."""
    up = points[27] - points[33]
    up = up / max(float(np.hypot(*up)), 1.0)
    width = float(np.hypot(*(points[39] - points[36])))
    brow, bridge = points[17:27], _bridge(points, up * width)
    forehead = fill_outline(np.concatenate([brow + up * width * 0.35, (brow + up * width)[::-1]]), _SIDE)
    nose = fill_outline(np.concatenate([points[27:28], points[31:36]]), _SIDE)
    eyes = _around(points[36:42], up, width) | _around(points[42:48], up, width)
    lips = fill_outline(points[48:60], _SIDE)
    # A hat or a fringe may hide the forehead, and a mask the nose: the better of two places counts.
    jaw = fill_outline(np.concatenate([points[3:14], points[35:30:-1]]), _SIDE) & ~lips
    found = []
    if max(_skin(lab, eyes, forehead), _skin(lab, eyes, nose)) < _BARE_EYES:
        found.append("eyes")
    bare = max(_skin(lab, jaw, forehead), _skin(lab, jaw, bridge))
    if bare < _BARE_MOUTH and lips.any() and float(lab[lips][:, 0].std()) < _LIPS:
        found.append("mouth and chin")
    return found


def _skin(lab: Plane, where: _Mask, known: _Mask) -> float:
    """Return the share of a part of the face that has the colour of a part known as skin; 0 to 1."""
    if not where.any() or not known.any():
        return 1.0
    apart = (lab[where] - np.median(lab[known], axis=0)) * np.array([0.5, 1.0, 1.0])
    return float((np.linalg.norm(apart, axis=1) < _SAME_SKIN).mean())


def _around(eye: Points, up: Points, width: float) -> _Mask:
    """Return where a lens would be, [256,256]: an ellipse around an eye, a little below its middle."""
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None]
    right = np.array([-up[1], up[0]])
    middle = eye.mean(axis=0) - up * width * 0.1
    return fill_outline(
        middle + right * np.cos(turns) * width * 0.75 + up * np.sin(turns) * width * 0.5, _SIDE
    )


def _bridge(points: Points, up: Points) -> _Mask:
    """Return the bridge of the nose between the eyes, [256,256]; ``up`` is as long as an eye is wide."""
    top = points[27]
    left, right = (points[corner] * 0.4 + top * 0.6 for corner in (39, 42))
    return fill_outline(np.array([left, top + up * 0.3, right, points[29]]), _SIDE)

"""Numbers of any type as levels of 8 bits: what is black and what is white follows from type and range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from psp.errors import PictureError

_OVERSHOOT = 0.1
"""Resampling overshoots by up to so much of the range; what is beyond black and white by less is clipped."""

_DIMMEST = 1 / 16
"""Where the range is guessed, values below this share of it are of another: 12 bits in uint16, indices."""


def to_levels(array: NDArray[Any], white: float | None = None) -> NDArray[np.uint8]:
    """Scale numbers to 8 bits.

    Args:
        array: bool, any integers, or floats: from 0 to 1, 255 or 65535, up to a tenth beyond.
        white: The value that is white, where a file's format says it; None: it follows from type and range.

    Raises:
        PictureError: The range cannot be told: values between two ranges, far below 0, or not finite.
    """
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind not in "uif":
        raise PictureError(f"Values of type {array.dtype} are not a picture.", "Give uint8, uint16 or float.")
    smallest, largest = float(array.min()), float(array.max())
    if not np.isfinite(largest) or not np.isfinite(smallest):
        raise _refuse("The picture holds values that are not finite.")
    white = white or _white(kind, array.dtype.itemsize, largest)
    if smallest < -_OVERSHOOT * white:
        raise _refuse("The picture holds values below 0.")
    scaled = np.rint(array.astype(np.float32) * (255.0 / white))
    levels: NDArray[np.uint8] = np.clip(scaled, 0, 255).astype(np.uint8)
    return levels


def _white(kind: str, size: int, largest: float) -> float:
    """Return the value that is white.

    Args:
        kind: "u", "i" or "f".
        size: Bytes a value.
        largest: The largest value.
    """
    if largest <= 0:
        return 1.0  # black, whatever white is
    if kind == "u" and size == 2:
        whites: tuple[float, ...] = (65535.0,)
    else:
        whites = (1.0, 255.0, 65535.0) if kind == "f" else (255.0, 65535.0)
    white = next((level for level in whites if largest <= level * (1 + _OVERSHOOT)), largest)
    if white > 1 and largest <= _DIMMEST * white:
        raise _refuse(
            f"The values of the picture reach {largest:g}: it would be black, if {white:g} is white."
        )
    return white


def _refuse(problem: str) -> PictureError:
    return PictureError(
        problem, "Scale the values to 0..255 (uint8), 0..65535 (uint16) or 0..1 (float), black to white."
    )

"""Raster operations that several rooms share: smooth steps, CIE Lab, filled outlines, discs."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.float32]


def smoothstep(values: Plane, start: float, end: float) -> Plane:
    """Map values of any shape to [0,1]: 0 up to ``start``, 1 from ``end``, smooth between.

    ``start`` may be the larger: then it falls.
    """
    share = np.clip((values - start) / (end - start), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


def to_lab(pixels: NDArray[np.uint8] | Plane) -> Plane:
    """Return RGB of 0 to 255, [H,W,3], as CIE Lab: lightness 0 to 100, a and b about −128 to 127."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    values = np.asarray(pixels, dtype=np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2Lab), dtype=np.float32)


def from_lab(lab: Plane) -> Plane:
    """Return CIE Lab [H,W,3] as RGB of 0 to 255."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), dtype=np.float32) * np.float32(255)


def fill_outline(points: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Return the pixels [side,side] within a polygon [N,2] of (x, y), its outline included."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    filled = np.zeros((side, side), np.uint8)
    # Sixteenths of a pixel, which is what fillPoly can do.
    cv2.fillPoly(filled, [np.rint(points * 16).astype(np.int32)], 1, shift=4)
    return filled > 0


def disc(diameter: float) -> NDArray[np.uint8]:
    """Return a disc of ones [D,D], D odd and at least 1, to grow or shrink masks with."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    side = 2 * round((diameter - 1.0) / 2.0) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)

"""Where on a sheet the drawing is, and whether it is a drawing of a face at all.

Lengths are in units of 1/128 of the side. Thresholds were set on 200 photos and on drawings of them by
``photo_to_sketch``; ``benchmarks/doubts.py`` measures them on others.
"""

from __future__ import annotations

import numpy as np

from psp.pictures.raster import Plane, disc

__all__ = ["drawn_box", "extent", "is_shaded", "small_pieces"]

# Ink from which a pixel is drawn.
_DRAWN = 0.3
# Units that strokes of one drawing are apart at most.
_GAP = 6.0
# Ink of a part beside the largest, as a share of that, from which it belongs to the drawing; less is a
# signature, a date, a speck.
_PART = 0.15
# Width in units of areas that differ from the paper, from which they are no lines, and what is left to look
# at of one, away from its edge.
_AREA, _EDGE = 9.0, 3.0
# Change of grey (0 to 1) a pixel at 256 px from which an area is shaded, and the share of the picture that
# is shaded in photos: 0.02 or more in 99 % of them, nothing in drawings.
_CHANGE, _SHADED = 0.02, 0.02
# How wide a drawing of a face is at most, as a multiple of its height. Extent of the largest stroke, as a
# share of the drawing's, below which there are small pieces alone; below the other, pieces in rows are text.
_WIDEST, _LARGE_STROKE, _ROW_STROKE = 1.8, 0.33, 0.6
# Empty rows, in units, that part two lines of text; and how many such gaps make a text.
_LINE_GAP, _LINE_GAPS = 1.5, 2


def extent(box: tuple[int, int, int, int]) -> int:
    """Return the longer side of a box (left, top, right, bottom)."""
    return max(box[2] - box[0], box[3] - box[1])


def drawn_box(ink: Plane, unit: float) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom) of the drawing in ink [H,W], without specks far off; None: no ink.

    Args:
        ink: 0 to 1.
        unit: How many pixels a unit is.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    drawn = (ink > _DRAWN).astype(np.uint8)
    reach = max(3, round(_GAP * unit))
    joined = cv2.dilate(drawn, np.ones((reach, reach), np.uint8))
    _, parts = cv2.connectedComponents(joined)
    parts = parts * drawn
    sums = np.bincount(parts.ravel(), weights=ink.ravel())
    sums[0] = 0.0
    if not sums.any():
        return None
    rows, columns = np.nonzero(np.isin(parts, np.nonzero(sums >= _PART * sums.max())[0]))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def is_shaded(picture: Plane, distance: Plane, spread: float, unit: float) -> bool:
    """Tell whether large areas change in tone, as in a photo or a painting; drawn areas are of one tone.

    Args:
        picture: [H,W,3], 0 to 1, about 256 pixels a side.
        distance: Of each pixel from the paper's colour, [H,W].
        spread: Distance up to which a pixel is paper.
        unit: How many pixels a unit is.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    areas = cv2.morphologyEx((distance > spread).astype(np.uint8), cv2.MORPH_OPEN, disc(_AREA * unit))
    inner = cv2.erode(areas, disc(_EDGE * unit)) > 0
    grey = cv2.blur(picture.mean(axis=2), (3, 3))
    change = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float((inner & (change > _CHANGE)).mean()) > _SHADED


def small_pieces(ink: Plane, unit: float) -> bool:
    """Tell whether ink [H,W] has no stroke as large as a face's outline, or lies in rows, as text does."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    box = drawn_box(ink, unit)
    if box is None:
        return True
    left, top, right, bottom = box
    if right - left > _WIDEST * (bottom - top):
        return True
    part = (ink[top:bottom, left:right] > _DRAWN).astype(np.uint8)
    joined = cv2.dilate(part, disc(2.0 * unit))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    largest = float(stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max()) / extent(box)
    empty = np.flatnonzero(np.diff(np.pad((~part.any(axis=1)).astype(np.int8), 1)))
    gaps = int((empty[1::2] - empty[::2] >= _LINE_GAP * unit).sum())
    return largest < _LARGE_STROKE or (gaps >= _LINE_GAPS and largest < _ROW_STROKE)

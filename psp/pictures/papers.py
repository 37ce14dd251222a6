"""What a drawing lies on: transparent layers, bars around it, checkerboards that stand for transparency.

Each is taken away before lines are looked for, so that what is left is a drawing on plain paper.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.pictures.images import MAX_PIXELS, PictureSource, load_picture

__all__ = ["put_on_paper", "read_drawing"]

# Pixels of the longer side at which papers are looked at.
_SEEN = 512
# Grey levels, of 0 to 1, that ink and paper are apart where one is to be seen on the other.
_VISIBLE = 0.2
# White paper is left only for one on which the strokes are so many times better to see.
_BETTER = 1.25
# Strokes are at most this wide, as a share of the longer side; more than this share of a layer may be wider.
_STROKE, _WIDE = 0.07, 0.2
# Levels (of 255) within which a row is of one colour, and that a bar is apart from what it surrounds.
_EVEN, _APART = 16, 64
# Rows between a bar and what it surrounds that may be mixtures of both, and the least that bars must leave.
_SOFT, _LEAST = 3, 32
# Checkerboards: levels that both squares vary by, are apart at least, and their least share of the picture.
_VARY, _SQUARES_APART, _SQUARES_SHARE = 10, 12, 0.15
# Longest side of a square in pixels, and how well squares must repeat (1: perfectly).
_LONGEST_SQUARE, _REPEATS = 128, 0.6
# Pixels a side of the part in which squares are looked for, and of what is made plain.
_PART, _LARGEST = 768, 1024


def put_on_paper(drawing: PictureSource) -> Image.Image:
    """Read a drawing, RGB, on plain paper.

    Strokes on a transparent layer come on paper on which they are seen, also white ones. Bars or a frame at
    the edges, as letterboxes and screenshots have them, are cut off. A checkerboard, the sign for
    transparency that was saved as a picture, becomes one colour.

    Args:
        drawing: Anything that ``load_picture`` reads.

    Raises:
        PictureError: The drawing cannot be read.
    """
    picture = read_drawing(drawing)
    picture = picture if picture.mode == "RGB" else _on_one_paper(picture)
    return _without_checkerboard(_without_bars(picture))


def read_drawing(drawing: PictureSource, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read a drawing as ``load_picture`` does, but keep what is transparent: RGBA then, else RGB.

    Raises:
        PictureError: As ``load_picture``.
    """
    if isinstance(drawing, np.ndarray) and (drawing.ndim != 3 or drawing.shape[2] not in (2, 4)):
        return load_picture(drawing, max_pixels)
    kept = load_picture(drawing, max_pixels, flat=False)
    if kept.mode[0] in "IF":  # levels beyond 8 bits, whose range the file says
        return load_picture(drawing, max_pixels)
    if not kept.has_transparency_data:
        return load_picture(kept, max_pixels)
    return kept.convert("RGBA")


def _on_one_paper(layer: Image.Image) -> Image.Image:
    """Lay an RGBA picture on white, or on black or grey where white would hide strokes."""
    small = layer.copy()
    small.thumbnail((_SEEN, _SEEN), Image.Resampling.BOX)
    rgba = np.asarray(small, dtype=np.float32) / 255.0
    light, there = rgba[:, :, :3].mean(axis=2), rgba[:, :, 3]
    papers = {"white": 1.0, "black": 0.0, "grey": 0.5}
    seen = {name: float((there * (np.abs(light - level) > _VISIBLE)).sum()) for name, level in papers.items()}
    best = max(seen, key=lambda name: seen[name])
    # Of a sheet that was cut out, with lines on it, the lines count, unless there are none.
    hidden = not seen["white"] or (_is_strokes(there > 0.5) and seen[best] > _BETTER * seen["white"])
    if not hidden:
        return load_picture(layer)
    paper = Image.new("RGBA", layer.size, {"white": "white", "black": "black", "grey": "#808080"}[best])
    paper.alpha_composite(layer)
    return paper.convert("RGB")


def _is_strokes(mask: NDArray[np.bool_]) -> bool:
    """Tell whether a mask [H,W] consists of strokes and not of areas."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    side = max(3, round(_STROKE * max(mask.shape)))
    wide = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return float(wide.sum()) <= _WIDE * max(1.0, float(mask.sum()))


def _without_bars(picture: Image.Image) -> Image.Image:
    """Cut off bars of one colour at the edges of an RGB picture, where something else begins abruptly."""
    for _ in range(2):  # bars, and a frame within them
        small = picture.convert("L")
        small.thumbnail((_SEEN, _SEEN), Image.Resampling.BOX)
        grey = np.asarray(small, dtype=np.int16)
        top, bottom = _bar(grey), _bar(grey[::-1])
        middle = grey[top : grey.shape[0] - bottom].T
        left, right = _bar(middle), _bar(middle[::-1])
        if not (top or bottom or left or right):
            break
        x, y = picture.width / small.width, picture.height / small.height
        box = (
            round(left * x),
            round(top * y),
            picture.width - round(right * x),
            picture.height - round(bottom * y),
        )
        if min(box[2] - box[0], box[3] - box[1]) < _LEAST:
            break
        picture = picture.crop(box)
    return picture


def _bar(grey: NDArray[np.int16]) -> int:
    """Return how many rows at the top of grey levels [H,W] are a bar; 0: none is."""
    low, high = grey.min(axis=1), grey.max(axis=1)
    even = (high - low <= _EVEN) & (np.abs(low - low[0]) <= _EVEN)
    rows = len(even) if even.all() else int(even.argmin())
    if not 0 < rows < len(even) - _SOFT:
        return 0
    for soft in range(1, _SOFT + 1):
        if abs(float(np.median(grey[rows + soft])) - float(grey[0].mean())) > _APART:
            return rows + soft
    return 0


def _without_checkerboard(picture: Image.Image) -> Image.Image:
    """Give an RGB picture on a checkerboard one paper; return any other as it is."""
    grey = np.asarray(picture.convert("L"))
    top, left = (max(0, (side - _PART) // 2) for side in grey.shape)
    part = grey[top : top + _PART, left : left + _PART]
    levels = _two_levels(part)
    if levels is None or not _repeats(_signs(part, levels)):
        return picture
    if max(picture.size) > _LARGEST:
        picture = picture.copy()
        picture.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    colours = np.asarray(picture, dtype=np.float32)
    signs = _signs(np.asarray(picture.convert("L")), levels)
    if not (signs > 0).any() or not (signs < 0).any():  # the squares are too small to survive the shrinking
        return picture
    first, second = (np.median(colours[signs == sign], axis=0) for sign in (1, -1))
    # Where squares meet, colours lie between both: whatever lies there is paper, and ink is the rest.
    step = second - first
    along = np.clip((colours - first) @ step / float(step @ step), 0.0, 1.0)
    ink = colours - first - along[..., None] * step
    return Image.fromarray(np.clip(np.rint(ink + (first + second) / 2), 0, 255).astype(np.uint8))


def _two_levels(grey: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Return the two commonest grey levels where each fills much of a picture [H,W]."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    near = np.convolve(counts, np.ones(2 * _VARY + 1), "same") / grey.size
    counts = np.convolve(counts, np.ones(3), "same")
    first = int(counts.argmax())
    counts[max(0, first - _SQUARES_APART) : first + _SQUARES_APART + 1] = 0
    second = int(counts.argmax())
    return (first, second) if min(near[first], near[second]) >= _SQUARES_SHARE else None


def _signs(grey: NDArray[np.uint8], levels: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 where grey [H,W] is near the first level, −1 near the second, else 0."""
    gaps = [np.abs(grey.astype(np.int16) - level) for level in levels]
    first = (gaps[0] <= _VARY) & (gaps[0] <= gaps[1])
    second = (gaps[1] <= _VARY) & (gaps[1] < gaps[0])
    return first.astype(np.float32) - second.astype(np.float32)


def _repeats(signs: NDArray[np.float32]) -> bool:
    """Tell whether signs [H,W] alternate both ways, as the squares of a checkerboard do."""
    longest = min(_LONGEST_SQUARE, min(signs.shape) // 3)
    found = [_agreement(signs[::4], 0, shift) for shift in range(1, longest)]
    if not found or min(found) > -_REPEATS:
        return False
    side = 1 + next(index for index, value in enumerate(found) if value <= 0.95 * min(found))
    return (
        _agreement(signs, side, 0) < -_REPEATS
        and _agreement(signs, side, side) > _REPEATS
        and _agreement(signs, 0, 2 * side) > _REPEATS
    )


def _agreement(signs: NDArray[np.float32], down: int, right: int) -> float:
    """Return how signs [H,W] agree with themselves, moved: 1 where all are alike, −1 where none is."""
    height, width = signs.shape
    product: NDArray[Any] = signs[: height - down, : width - right] * signs[down:, right:]
    return float(product.sum() / max(float(np.abs(product).sum()), 1.0))

"""Maps of the 19 face classes as pictures and tensors: the palette, what people upload, one-hot, agreement.

A map, "labels", is uint8 [H,W] with values 0..18: indices into ``CLASSES``.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError

if TYPE_CHECKING:
    import torch

Labels: TypeAlias = NDArray[np.uint8]

CLASSES: tuple[str, ...] = (
    "background",
    "skin",
    "nose",
    "glasses",
    "left eye",
    "right eye",
    "left brow",
    "right brow",
    "left ear",
    "right ear",
    "mouth",
    "upper lip",
    "lower lip",
    "hair",
    "hat",
    "earring",
    "necklace",
    "neck",
    "cloth",
)
"""The classes of CelebAMask-HQ in pSp's order; left and right are the person's."""

PALETTE: tuple[tuple[int, int, int], ...] = (
    (0, 0, 0),
    (204, 0, 0),
    (76, 153, 0),
    (204, 204, 0),
    (51, 51, 255),
    (204, 0, 204),
    (0, 255, 255),
    (255, 204, 204),
    (102, 51, 0),
    (255, 0, 0),
    (102, 204, 0),
    (255, 255, 0),
    (0, 0, 153),
    (0, 0, 204),
    (255, 51, 153),
    (0, 204, 204),
    (0, 51, 0),
    (255, 153, 51),
    (0, 204, 0),
)
"""One RGB colour a class, those that CelebAMask-HQ's own pictures have."""

_BACKGROUND, _SKIN = 0, 1
# Pixels: a map needs no more than a model sees, and drawings need a few to be drawings.
_MAX_SIDE, _MIN_SIDE = 1024, 32
# Distances in RGB. The closest two colours of the palette are 51 apart.
_NEAR, _FAR = 24.0, 40.0
# Level of every channel from which a pixel is unpainted paper; the lightest class has 204 in two of them.
_WHITE = 250
# Antialiased edges are at most this wide, in pixels; a foreign colour that fills more is no edge.
_EDGE = 5
# Share of the map, from which foreign colours are worth a warning.
_WORTH_SAYING = 0.002


def map_to_picture(labels: Labels) -> Image.Image:
    """Draw a map [H,W] in the colours of the palette.

    Raises:
        ValueError: A value is not one of the 19 classes, or the array has another shape.
    """
    _check(labels)
    return Image.fromarray(np.array(PALETTE, dtype=np.uint8)[labels])


def picture_to_map(picture: Image.Image) -> tuple[Labels, tuple[str, ...]]:
    """Read a map that somebody drew or saved.

    Understood are pictures in the colours of the palette (antialiased edges go to one of the two classes that
    meet there) and index pictures: grey, with no value above 18. What is transparent or white, as unpainted
    paper is, is background.

    Args:
        picture: Square, at least 32 pixels a side, of any mode; shrunk (nearest) where larger than 1024.

    Returns:
        The map, uint8 [H,W] with values 0..18, and sentences that warn of what was guessed (none if all is
        well).

    Raises:
        PictureError: The picture is not square, or smaller than 32 pixels.
    """
    width, height = picture.size
    if width != height:
        raise PictureError(
            f"The segmentation map is not square: {width}×{height} pixels.",
            "Crop it to a square with the face in the middle, or pad it with background (black).",
        )
    if width < _MIN_SIDE:
        raise PictureError(
            f"The segmentation map is too small: {width}×{height} pixels.",
            f"Each side needs at least {_MIN_SIDE} pixels; models see 128 or 256.",
        )
    labels = _indices(picture)
    warnings: list[str] = []
    if labels is None:
        if width > _MAX_SIDE:
            picture = picture.resize((_MAX_SIDE, _MAX_SIDE), Image.Resampling.NEAREST)
        labels, warnings = _snap(*_colours(picture))
    elif width > _MAX_SIDE:
        labels = _resize(labels, _MAX_SIDE)
    if not (labels == _SKIN).any():
        warnings.append(
            "The map has no skin, so there is no face to follow: draw one, or check that it has this palette."
        )
    return labels, tuple(warnings)


def map_to_tensor(labels: Labels, size: int) -> torch.Tensor:
    """Turn a map [H,W] into one-hot planes [1,19,size,size], float32; resized by nearest neighbour.

    Raises:
        ValueError: A value is not one of the 19 classes, or the array has another shape.
    """
    import torch  # noqa: PLC0415  # torch comes after the page

    _check(labels)
    index = torch.from_numpy(_resize(labels, size).astype(np.int64))
    planes = torch.zeros(1, len(CLASSES), size, size)
    return planes.scatter_(1, index[None, None], 1.0)


def map_agreement(a: Labels, b: Labels) -> float:
    """Return the mean IoU of two maps [H,W] over the classes that either has: 0 to 1, 1 for equal maps.

    Raises:
        ValueError: The maps differ in size, or are no maps.
    """
    _check(a)
    _check(b)
    if a.shape != b.shape:
        raise ValueError(f"maps of different size: {list(a.shape)} and {list(b.shape)}")
    count = len(CLASSES)
    pairs = np.bincount(a.astype(np.int64).ravel() * count + b.ravel(), minlength=count * count)
    pairs = pairs.reshape(count, count)
    both = np.diag(pairs)
    either = pairs.sum(axis=0) + pairs.sum(axis=1) - both
    return float((both[either > 0] / either[either > 0]).mean())


def resize_map(labels: Labels, size: int) -> Labels:
    """Resize a map [H,W] to [size,size] by nearest neighbour.

    Raises:
        ValueError: A value is not one of the 19 classes, or the array has another shape.
    """
    _check(labels)
    return _resize(labels, size)


def _check(labels: Labels) -> None:
    if labels.ndim != 2 or labels.size == 0:
        raise ValueError(f"a map must be [H,W], not {list(labels.shape)}")
    if int(labels.max()) >= len(CLASSES) or int(labels.min()) < 0:
        raise ValueError(f"a map has values 0 to {len(CLASSES) - 1}, not {labels.min()} to {labels.max()}")


def _resize(labels: Labels, size: int) -> Labels:
    if labels.shape == (size, size):
        return labels
    rows, columns = (((np.arange(size) + 0.5) * side / size).astype(np.int64) for side in labels.shape)
    return np.ascontiguousarray(labels[rows[:, None], columns[None, :]])


def _indices(picture: Image.Image) -> Labels | None:
    """Return the map [H,W] of an index picture: grey, also if stored as RGB, with no value above 18."""
    if picture.mode == "F" or picture.has_transparency_data:
        return None
    grey = picture.mode == "L" or picture.mode.startswith("I")
    values = np.asarray(picture if grey else picture.convert("RGB"))
    if int(values.max()) >= len(CLASSES) or int(values.min()) < 0:
        return None
    if values.ndim == 3:
        if (values != values[:, :, :1]).any():
            return None
        values = values[:, :, 0]
    return values.astype(np.uint8)


def _colours(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the colours [H,W,3] of a picture and what of it is transparent or white [H,W]."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("L")
    rgba = np.asarray(picture.convert("RGBA"))
    colours = np.ascontiguousarray(rgba[:, :, :3])
    return colours, (rgba[:, :, 3] < 128) | (colours.min(axis=2) >= _WHITE)


def _snap(colours: NDArray[np.uint8], clear: NDArray[np.bool_]) -> tuple[Labels, list[str]]:
    """Take each pixel for the class of the nearest colour; on an edge, of the nearest that is nearby.

    Half black, half the blue of hair is the blue of the lower lip: on an edge only the classes count that
    fill pixels within ``_EDGE``.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    codes, inverse = np.unique(_codes(colours), return_inverse=True)
    unique = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    gaps = np.stack([np.square(unique - np.array(each, np.float32)).sum(axis=1) for each in PALETTE], axis=1)
    nearest, distance = gaps.argmin(axis=1).astype(np.uint8), np.sqrt(gaps.min(axis=1))
    inverse = inverse.reshape(clear.shape)
    labels, off = nearest[inverse], distance[inverse]
    labels[clear] = _BACKGROUND
    off[clear] = 0.0

    if not off.any():  # no edge is soft, so that no colour is a mixture
        return labels, []
    pure = (off <= _NEAR) & ~_mixtures(labels, off <= _NEAR)
    mixed = ~pure
    edge = np.ones((_EDGE, _EDGE), np.uint8)
    foreign = cv2.morphologyEx((off > _FAR).astype(np.uint8), cv2.MORPH_OPEN, edge) > 0
    warnings = _foreign_warning(colours, labels, foreign)
    where = np.nonzero(mixed & ~foreign)
    if where[0].size:
        allowed = np.full((where[0].size, len(CLASSES)), np.inf, np.float32)
        for index in np.unique(labels[pure]):
            near = cv2.dilate((pure & (labels == index)).astype(np.uint8), edge)[where] > 0
            allowed[near, index] = gaps[inverse[where], index][near]
        known = np.isfinite(allowed.min(axis=1))
        snapped = np.where(known, allowed.argmin(axis=1), labels[where])
        labels[where] = snapped.astype(np.uint8)
    return labels, warnings


@cache
def _between() -> tuple[tuple[int, int, int], ...]:
    """Return the classes (c, a, b) where a mixture of the colours of a and b is that of c."""
    colours = np.array(PALETTE, dtype=np.float64)
    found = []
    for a, b in combinations(range(len(CLASSES)), 2):
        step = colours[b] - colours[a]
        along = np.clip((colours - colours[a]) @ step / (step @ step), 0, 1)
        gaps = np.linalg.norm(colours - colours[a] - along[:, None] * step, axis=1)
        found += [(int(c), a, b) for c in np.nonzero(gaps < _NEAR)[0] if c not in (a, b)]
    return tuple(found)


def _mixtures(labels: Labels, pure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels [H,W] of a palette colour that are thin, between two classes that mix to it."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    thick, window = np.ones((3, 3), np.uint8), np.ones((_EDGE, _EDGE), np.uint8)
    planes = {int(c): (pure & (labels == c)).astype(np.uint8) for c in np.unique(labels[pure])}
    solid = {c: cv2.morphologyEx(plane, cv2.MORPH_OPEN, thick) for c, plane in planes.items()}
    near = {c: cv2.dilate(plane, window) > 0 for c, plane in solid.items()}
    found = np.zeros_like(pure)
    for c, a, b in _between():
        if c in planes and a in planes and b in planes:
            found |= (planes[c] > solid[c]) & near[a] & near[b]
    return found


def _foreign_warning(colours: NDArray[np.uint8], labels: Labels, foreign: NDArray[np.bool_]) -> list[str]:
    """Name the commonest colour that is not in the palette, and what it was taken for."""
    share = float(foreign.mean())
    if share < _WORTH_SAYING:
        return []
    codes = _codes(colours)[foreign]
    found, counts = np.unique(codes, return_counts=True)
    commonest = found[counts.argmax()]
    taken = CLASSES[int(labels[foreign][codes == commonest][0])]
    example = f"#{int(commonest):06x}"
    percent = f"{share * 100:.0f} %" if share >= 0.01 else "Less than 1 %"
    return [
        f"{percent} of the map has colours that are not in the palette, for example {example}; "
        f"they were taken for the nearest colour, that one for '{taken}'."
    ]


def _codes(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return colours [H,W,3] as one number each, [H,W]: 0xRRGGBB."""
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    codes: NDArray[np.int32] = red << 16 | green << 8 | blue
    return codes

"""Maps as pictures and tensors: the palette of the 19 face classes, what people upload, one-hot, agreement.

A map, "labels", is uint8 [H,W]: indices into its classes, which are the 19 of ``CLASSES`` where nothing else
is said.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError
from psp.maps.classes import Colour, MapClasses
from psp.pictures.index_maps import class_numbers, foreign_number

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

FACE_CLASSES = MapClasses(CLASSES, PALETTE)
"""Both together."""

PHOTO_FOR_MAP = "This looks like a photo and no map"
"""How the warning about a photo that was given as a map begins."""

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
# A photo has at least this share of foreign colours, and at most this share of pixels whose neighbours have
# their colour to two levels, once it is shrunk to 128 px. Of maps, those neighbours are most.
_PHOTO_FOREIGN, _PHOTO_FLAT, _PHOTO_SIDE, _SAME_LEVEL = 0.3, 0.6, 128, 2
# Share of single pixels, at 256 px at most, unlike all four neighbours: under 0.006 in maps of photos, over
# 0.03 in numbers that went through JPEG, over 0.01 in 90 % of photos that were reduced to 16 colours.
_SPECKLED, _SPECKLE_SIDE = 0.01, 256


def map_to_picture(labels: Labels, classes: MapClasses = FACE_CLASSES) -> Image.Image:
    """Draw a map [H,W] in the colours of its classes.

    Raises:
        ValueError: A value is none of the classes, or the array has another shape.
    """
    _check(labels, len(classes))
    return Image.fromarray(np.array(classes.colours, dtype=np.uint8)[labels])


def picture_to_map(
    picture: Image.Image, classes: MapClasses = FACE_CLASSES
) -> tuple[Labels, tuple[str, ...]]:
    """Read a map that somebody drew or saved.

    Understood are pictures in the colours of the palette (antialiased edges go to one of the two classes that
    meet there) and pictures of the classes' numbers, 0 to 18, however they are stored
    (``psp.pictures.index_maps``); 255 is "ignore". What is transparent, ignored or white, as unpainted paper
    is, is background.

    Args:
        picture: Square, at least 32 pixels a side, of any mode; shrunk (nearest) where larger than 1024.
        classes: The classes of the map.

    Returns:
        The map, uint8 [H,W], and sentences that warn of what was guessed (none if all is
        well).

    Raises:
        PictureError: The picture is not square, or smaller than 32 pixels.
    """
    width, height = picture.size
    if width != height:
        raise PictureError(
            f"The segmentation map is not square: {width}×{height} pixels.",
            "Crop it to a square with the face in the middle, or pad it with background (black); "
            "of a photo, make a map first (photo_to_mask; on the page, From a photo).",
        )
    if width < _MIN_SIDE:
        raise PictureError(
            f"The segmentation map is too small: {width}×{height} pixels.",
            f"Each side needs at least {_MIN_SIDE} pixels; models see 128 or 256.",
        )
    labels = class_numbers(picture, len(classes), classes.colours)
    of_face = classes == FACE_CLASSES
    if labels is None:
        number = foreign_number(picture, len(classes), classes.colours)
        if number is not None:
            raise PictureError(
                f"The map holds the number {number:g}, which is no class.",
                f"Its classes are 0 to {len(classes) - 1}, and 255 for none of them.",
            )
        if width > _MAX_SIDE:
            picture = picture.resize((_MAX_SIDE, _MAX_SIDE), Image.Resampling.NEAREST)
        labels, warnings = _snap(*_colours(picture), classes)
    else:
        warnings = _speckle_warning(_resize(labels, min(width, _SPECKLE_SIDE))) if of_face else []
        labels = _resize(labels, min(width, _MAX_SIDE))
    if of_face and not (labels == _SKIN).any():
        warnings.append(
            "The map has no skin, so there is no face to follow: draw one, or check that it has this palette."
        )
    return labels, tuple(warnings)


def is_photo(picture: Image.Image) -> bool:
    """Return whether a picture, of any mode and shape, is a photo where a map of a face is wanted."""
    side = min(picture.size)
    if side < _MIN_SIDE:
        return False
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    try:
        _, warnings = picture_to_map(square)
    except PictureError:  # a map that has something of no class
        return False
    return any(warning.startswith(PHOTO_FOR_MAP) for warning in warnings)


def map_to_tensor(labels: Labels, size: int, count: int = len(CLASSES)) -> torch.Tensor:
    """Turn a map [H,W] into one-hot planes [1,count,size,size], float32; resized by nearest neighbour.

    Raises:
        ValueError: A value is none of the ``count`` classes, or the array has another shape.
    """
    import torch  # noqa: PLC0415  # torch comes after the page

    _check(labels, count)
    index = torch.from_numpy(_resize(labels, size).astype(np.int64))
    planes = torch.zeros(1, count, size, size)
    return planes.scatter_(1, index[None, None], 1.0)


def map_agreement(a: Labels, b: Labels, count: int = len(CLASSES)) -> float:
    """Return the mean IoU of two maps [H,W] over the classes that either has: 0 to 1, 1 for equal maps.

    Raises:
        ValueError: The maps differ in size, or are no maps.
    """
    _check(a, count)
    _check(b, count)
    if a.shape != b.shape:
        raise ValueError(f"maps of different size: {list(a.shape)} and {list(b.shape)}")
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
    _check(labels, len(CLASSES))
    return _resize(labels, size)


def _check(labels: Labels, count: int) -> None:
    if labels.ndim != 2 or labels.size == 0:
        raise ValueError(f"a map must be [H,W], not {list(labels.shape)}")
    if int(labels.max()) >= count or int(labels.min()) < 0:
        raise ValueError(f"a map has values 0 to {count - 1}, not {labels.min()} to {labels.max()}")


def _resize(labels: Labels, size: int) -> Labels:
    if labels.shape == (size, size):
        return labels
    rows, columns = (((np.arange(size) + 0.5) * side / size).astype(np.int64) for side in labels.shape)
    return np.ascontiguousarray(labels[rows[:, None], columns[None, :]])


def _colours(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the colours [H,W,3] of a picture and what of it is transparent or white [H,W]."""
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = picture.convert("L")
    rgba = np.asarray(picture.convert("RGBA"))
    colours = np.ascontiguousarray(rgba[:, :, :3])
    return colours, (rgba[:, :, 3] < 128) | (colours.min(axis=2) >= _WHITE)


def _snap(
    colours: NDArray[np.uint8], clear: NDArray[np.bool_], classes: MapClasses
) -> tuple[Labels, list[str]]:
    """Take each pixel for the class of the nearest colour; on an edge, of the nearest that is nearby.

    Half black, half the blue of hair is the blue of the lower lip: on an edge only the classes count that
    fill pixels within ``_EDGE``.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    codes, inverse = np.unique(_codes(colours), return_inverse=True)
    unique = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    # One class at a time: the gaps of all colours to 256 classes would take a gigabyte.
    nearest, distance = np.zeros(len(unique), np.uint8), np.full(len(unique), np.inf, np.float32)
    for index, colour in enumerate(classes.colours):
        gap = _gaps(unique, colour)
        nearest[gap < distance] = index
        distance = np.minimum(distance, gap)
    inverse = inverse.reshape(clear.shape)
    labels, off = nearest[inverse], distance[inverse]
    labels[clear] = _BACKGROUND
    off[clear] = 0.0

    if not off.any():  # no edge is soft, so that no colour is a mixture
        return labels, []
    close = _near(classes.colours)
    pure = (off <= close) & ~_mixtures(labels, off <= close, classes.colours)
    mixed = ~pure
    edge = np.ones((_EDGE, _EDGE), np.uint8)
    foreign = cv2.morphologyEx((off > _FAR).astype(np.uint8), cv2.MORPH_OPEN, edge) > 0
    warnings = _foreign_warning(colours, labels, foreign, classes)
    where = np.nonzero(mixed & ~foreign)
    if where[0].size:
        snapped, least = labels[where], np.full(where[0].size, np.inf, np.float32)
        for index in np.unique(labels[pure]):
            near = cv2.dilate((pure & (labels == index)).astype(np.uint8), edge)[where] > 0
            gap = _gaps(unique, classes.colours[index])[inverse[where]]
            better = near & (gap < least)
            snapped[better], least[better] = index, gap[better]
        labels[where] = snapped
    return labels, warnings


def _gaps(unique: NDArray[np.int32], colour: Colour) -> NDArray[np.float32]:
    """Return the distance in RGB of each of the colours ``unique`` [N,3] to ``colour``."""
    steps = unique.astype(np.float32) - np.array(colour, np.float32)
    gaps: NDArray[np.float32] = np.sqrt(np.square(steps).sum(axis=1))
    return gaps


@cache
def _near(colours: tuple[Colour, ...]) -> float:
    """Return how far from a class's colour a pixel still is of it: less than half way to any other's."""
    closest = min(math.dist(a, b) for a, b in combinations(colours, 2))
    return min(_NEAR, 0.49 * closest)


@lru_cache(maxsize=64)
def _between(palette: tuple[Colour, ...], there: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Return the classes (c, a, b) where a mixture of the colours of a and b is that of c.

    Args:
        palette: The colours of all classes.
        there: Which of them are on the map.
    """
    colours = np.array(palette, dtype=np.float64)
    found = []
    for a, b in combinations(there, 2):
        step = colours[b] - colours[a]
        along = np.clip((colours - colours[a]) @ step / (step @ step), 0, 1)
        gaps = np.linalg.norm(colours - colours[a] - along[:, None] * step, axis=1)
        found += [(int(c), a, b) for c in np.nonzero(gaps < _NEAR)[0] if c in there and c not in (a, b)]
    return tuple(found)


def _mixtures(labels: Labels, pure: NDArray[np.bool_], palette: tuple[Colour, ...]) -> NDArray[np.bool_]:
    """Return the pixels [H,W] of a palette colour that are thin, between two classes that mix to it."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    thick, window = np.ones((3, 3), np.uint8), np.ones((_EDGE, _EDGE), np.uint8)
    planes = {int(c): (pure & (labels == c)).astype(np.uint8) for c in np.unique(labels[pure])}
    solid = {c: cv2.morphologyEx(plane, cv2.MORPH_OPEN, thick) for c, plane in planes.items()}
    near = {c: cv2.dilate(plane, window) > 0 for c, plane in solid.items()}
    found = np.zeros_like(pure)
    for c, a, b in _between(palette, tuple(planes)):
        found |= (planes[c] > solid[c]) & near[a] & near[b]
    return found


def _foreign_warning(
    colours: NDArray[np.uint8], labels: Labels, foreign: NDArray[np.bool_], classes: MapClasses
) -> list[str]:
    """Name the commonest colour that is not in the palette, and what it was taken for."""
    share = float(foreign.mean())
    if share < _WORTH_SAYING:
        return []
    codes = _codes(colours)[foreign]
    found, counts = np.unique(codes, return_counts=True)
    commonest = found[counts.argmax()]
    taken = classes.names[int(labels[foreign][codes == commonest][0])]
    example = f"#{int(commonest):06x}"
    percent = f"{share * 100:.0f} %" if share >= 0.01 else "Less than 1 %"
    if share > _PHOTO_FOREIGN and _flat_share(colours) < _PHOTO_FLAT:
        step = "Make a map of it first: photo_to_mask, or on the page, From a photo."
        return [
            f"{PHOTO_FOR_MAP}: {percent} of it has colours that are not in the palette. "
            f"{step if classes == FACE_CLASSES else 'Give its map, in the colours of the classes.'}"
        ]
    return [
        f"{percent} of the map has colours that are not in the palette, for example {example}; "
        f"they were taken for the nearest colour, that one for '{taken}'. Use the palette's colours, "
        f"or save the classes' numbers, 0 to {len(classes) - 1}, as grey values."
    ]


def _speckle_warning(labels: Labels) -> list[str]:
    """Tell numbers [H,W] that change from pixel to pixel, which those of classes do not."""
    middle = labels[1:-1, 1:-1]
    sides = labels[:-2, 1:-1], labels[2:, 1:-1], labels[1:-1, :-2], labels[1:-1, 2:]
    if float(np.all([middle != side for side in sides], axis=0).mean()) < _SPECKLED:
        return []
    return [
        "The numbers of this map change from pixel to pixel, as those of a photo or a compressed picture do. "
        "Save maps as PNG, without smoothing; of a photo, make a map first (photo_to_mask)."
    ]


def _flat_share(colours: NDArray[np.uint8]) -> float:
    """Return the share of a picture [H,W,3] where neighbours have the same colour, 0 to 1."""
    small = Image.fromarray(colours).resize((_PHOTO_SIDE, _PHOTO_SIDE), Image.Resampling.BOX)
    levels = np.asarray(small).astype(np.int16)
    across = np.abs(np.diff(levels, axis=1)).max(axis=2)[:-1]
    down = np.abs(np.diff(levels, axis=0)).max(axis=2)[:, :-1]
    return float((np.maximum(across, down) <= _SAME_LEVEL).mean())


def _codes(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return colours [H,W,3] as one number each, [H,W]: 0xRRGGBB."""
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    codes: NDArray[np.int32] = red << 16 | green << 8 | blue
    return codes

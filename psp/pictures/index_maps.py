"""Maps that hold the numbers of classes: which numbers, whatever a program has wrapped them in.

Labelling tools write the same numbers as grey levels, as a palette of any colours, with an opaque alpha, in
one channel of three, in 16 bits, as floats, with 255 for "ignore this". All of these are the same map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["array_as_stored", "class_numbers"]

_Values: TypeAlias = NDArray[Any]
_Mask: TypeAlias = NDArray[np.bool_]

# What stands for "no class": in bytes, in 16 bits, in signed numbers. Floats have NaN as well.
_IGNORED = (255, 65535, -1)
# An 8-bit map that was stretched to 16 bits has 257 times its numbers; to floats in 0..1, a 255th of them.
_STRETCHED, _SHARES = 257.0, 1.0 / 255.0
# Numbers of a map that has some of no class at most, and classes that it has at least.
_MOST_NUMBERS, _LEAST_CLASSES = 64, 3
# Opacity, in levels, from which a pixel is there.
_OPAQUE = 128
# Distance in RGB up to which a palette's colour is a class's: programs that reduce colours average them.
_SAME = 6.0


def class_numbers(
    picture: Image.Image, count: int, colours: Sequence[tuple[int, int, int]] = ()
) -> NDArray[np.uint8] | None:
    """Return the classes [H,W] of a picture whose values are their numbers.

    What is transparent or marked as ignored (255; 65535, −1 or NaN where these can be) is class 0, the
    background. Opaque alpha is no alpha.

    Args:
        picture: Of any mode, as it was stored.
        count: How many classes there are: numbers below it are classes.
        colours: The RGB colours of the classes, where maps may be painted in them as well: a palette of these
            says the class by its colours, in whatever order; any other palette only decorates the numbers.

    Returns:
        uint8 [H,W] with values 0..count − 1; None: the picture has other values, so it is no map of numbers.
    """
    values, clear = _numbers(picture, count, colours)
    return None if values is None else _classes(values, clear, count)


def foreign_number(
    picture: Image.Image, count: int, colours: Sequence[tuple[int, int, int]] = ()
) -> float | None:
    """Return the least number of a map of numbers that is none of its classes; None where it is no such map.

    Photos and drawings have many levels, and maps few, most of which are classes.

    Args:
        picture: As ``class_numbers`` takes it, which found that it is none.
        count: How many classes there are.
        colours: As there.
    """
    values, clear = _numbers(picture, count, colours)
    if values is None:
        return None
    seen = values[~clear].astype(np.float64)
    found, pixels = np.unique(seen[np.isfinite(seen)], return_counts=True)
    classes = ((found >= 0) & (found < count) & (found == np.rint(found))) | np.isin(found, _IGNORED)
    many = (
        len(found) > _MOST_NUMBERS
        or 2 * pixels[classes].sum() < pixels.sum()
        or classes.sum() < _LEAST_CLASSES
    )
    return None if many or classes.all() else float(found[~classes][0])


def _numbers(
    picture: Image.Image, count: int, colours: Sequence[tuple[int, int, int]]
) -> tuple[_Values | None, _Mask]:
    """Return the numbers [H,W] that a picture may hold, None where it holds none, and what is transparent."""
    if picture.mode in ("P", "PA"):
        indices, clear = _palette_parts(picture)
        return _palette_values(picture, indices, clear, count, colours), clear
    values, clear = _parts(picture)
    return _one_channel(values, clear) if values is not None and values.ndim == 3 else values, clear


def array_as_stored(array: NDArray[Any]) -> Image.Image | None:
    """Return an array as a picture of the mode that holds its numbers, as those of classes, unscaled.

    Args:
        array: [H,W] or [H,W,C] with 1 to 4 channels.

    Returns:
        Mode 1, L, I;16, I or F for one channel; LA, RGB or RGBA for several with whole numbers from 0 to 255.
        None: Pillow has no mode that holds such numbers.
    """
    kind, values = array.dtype.kind, array.reshape(*array.shape[:2], -1)
    if kind not in "buif" or array.size == 0:
        return None
    if values.shape[2] > 1:
        fits = kind != "b" and bool(values.min() >= 0) and bool(values.max() <= 255)
        if kind == "f" and fits:  # up to 1 they are shares of white
            fits = bool(values.max() > 1) and bool((values == np.rint(values)).all())
        return Image.fromarray(np.ascontiguousarray(values, dtype=np.uint8)) if fits else None
    values = values[:, :, 0]
    if array.dtype not in (np.bool_, np.uint8, np.uint16):
        values = values.astype(np.float32 if kind == "f" else np.int32)
    return Image.fromarray(np.ascontiguousarray(values))


def _palette_parts(picture: Image.Image) -> tuple[_Values, _Mask]:
    """Return the indices of a palette picture, and what of it is transparent, both [H,W]."""
    stored = np.asarray(picture)
    if picture.mode == "PA":
        return stored[:, :, 0], stored[:, :, 1] < _OPAQUE
    key = picture.info.get("transparency")
    if key is None:
        return stored, np.zeros(stored.shape, np.bool_)
    opacity = np.full(256, 255, np.uint8)
    if isinstance(key, bytes):
        opacity[: len(key)] = np.frombuffer(key, np.uint8)[:256]
    else:
        opacity[int(key)] = 0
    return stored, opacity[stored] < _OPAQUE


def _palette_values(
    picture: Image.Image,
    indices: _Values,
    clear: _Mask,
    count: int,
    colours: Sequence[tuple[int, int, int]],
) -> _Values | None:
    """Return the numbers [H,W] that a palette picture holds; None where its colours say the classes."""
    stored = np.array(picture.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
    palette = np.zeros((256, 3), np.int64)
    palette[: len(stored)] = stored[:256]
    pixels = np.bincount(indices[~clear], minlength=256)
    used = np.nonzero(pixels)[0]
    if colours and _is_painted(palette[used], used, pixels[used], colours):
        return None
    # A grey map that was saved with a palette: its program sorts the levels, so that indices say nothing.
    levels = palette[used, 0]
    grey = bool((palette[used] == levels[:, None]).all())
    if grey and len(np.unique(levels)) == len(used) > 1 and ((levels < count) | (levels == 255)).all():
        return palette[:, 0][indices]
    return indices


def _is_painted(
    palette: _Values, used: _Values, pixels: _Values, colours: Sequence[tuple[int, int, int]]
) -> bool:
    """Tell whether a palette consists of the classes' own colours, in any order.

    Palettes of other makers share single colours with ours, pure red for one, so that most of the picture
    must have ours; and where the numbers would give class 1, skin, the colours must as well, or all be ours.

    Args:
        palette: The colours [N,3] that are in use.
        used: Their indices [N].
        pixels: How many pixels have them [N].
        colours: The colours of the classes.
    """
    gaps = np.linalg.norm(palette[:, None] - np.array(colours)[None], axis=2)
    classes, ours = gaps.argmin(axis=1), gaps.min(axis=1) <= _SAME
    # Black is the background everywhere, and white is paper: neither tells one palette from another.
    telling = (palette.max(axis=1) > _SAME) & (palette.min(axis=1) < 250)
    if 2 * pixels[telling & ours].sum() < pixels[telling].sum() or not (telling & ours).any():
        return False
    if bool((ours & (classes == 1)).any()) or 1 not in used:
        return True
    return bool(ours[telling].all()) and len(np.unique(classes[telling])) > 1


def _parts(picture: Image.Image) -> tuple[_Values | None, _Mask]:
    """Return the values [H,W] or [H,W,3] of a picture without a palette, and what is transparent [H,W]."""
    key = picture.info.get("transparency")
    if picture.mode in ("1", "L", "F") or picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.dtype == np.bool_:
            values, key = values.astype(np.uint8), key if key is None else int(bool(key))
        return values, values == key if isinstance(key, int) else np.zeros(values.shape, np.bool_)
    if picture.mode in ("LA", "La"):
        stored = np.asarray(picture.convert("LA"))
        return stored[:, :, 0], stored[:, :, 1] < _OPAQUE
    if picture.mode == "RGBX":  # the fourth channel means nothing
        picture = picture.convert("RGB")
    stored = np.asarray(picture.convert("RGBA"))
    return stored[:, :, :3], stored[:, :, 3] < _OPAQUE


def _one_channel(values: _Values, clear: _Mask) -> _Values | None:
    """Return the numbers [H,W] of a picture of three channels: all alike, or in one, the others empty."""
    white = (values == 255).all(axis=2)
    seen = values[~(clear | white)]
    if (seen == seen[:, :1]).all():
        return values[:, :, 0]
    filled = np.nonzero(seen.any(axis=0))[0]
    # Nothing but "ignore" in one channel is no map of numbers: a class has that pure colour.
    if len(filled) != 1 or np.isin(seen[:, filled[0]], (0, 255)).all():
        return None
    return values[:, :, filled[0]]


def _classes(values: _Values, clear: _Mask, count: int) -> NDArray[np.uint8] | None:
    """Return values [H,W] as classes where all of them are, as they stand or stretched to a wider range."""
    if values.dtype == np.uint8:  # nearly all
        allowed = np.arange(256) < count
        allowed[255] = True
        used = np.bincount(values[~clear], minlength=256) > 0
        if (used & ~allowed).any():
            return None
        return np.where(clear | (values >= count), 0, values).astype(np.uint8)
    numbers = values.astype(np.float64)
    clear = clear | np.isnan(numbers)
    scales = (1.0, _SHARES) if values.dtype.kind == "f" else (1.0, _STRETCHED)
    for scale in scales:
        scaled = numbers / scale
        whole = np.rint(np.where(clear, 0.0, scaled))
        near = np.abs(np.where(clear, 0.0, scaled) - whole) <= 1e-3
        known = (whole >= 0) & (whole < count)
        if (near & (known | np.isin(whole, _IGNORED))).all():
            return np.where(known, whole, 0.0).astype(np.uint8)
    return None

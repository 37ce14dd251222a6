"""Putting a generated face back into the photo that it was cropped from.

Mask and colours are worked out on the crop at one small size; only the blending sees the photo's own pixels,
a few rows at a time, so that a huge photo costs little more than its copy. Coordinates are those of
``psp.faces.alignment``: the centre of the top-left pixel is (0, 0).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.alignment import crop_quad, quad_side
from psp.faces.detection import Points, aligned_landmarks
from psp.faces.landmarks import FaceShape
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES
from psp.pictures.raster import Plane, fill_outline, from_lab, smoothstep, to_lab

__all__ = ["Mask", "paste_back"]

Box: TypeAlias = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the photo; right and bottom are outside."""
Mask: TypeAlias = Literal["face", "crop"]
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)

# Side in pixels of the crop on which masks are drawn: what dlib's landmarks of aligned faces are made for.
_SIDE = 256
# Pixels of these: how far the mask's middle lies outside the face's outline, how wide it fades out, the blur
# that takes the corners off it, and how wide it fades out towards the crop's edges whatever is there.
_GROW, _FEATHER, _ROUND, _RIM = 2.0, 12.0, 2.0, 10.0
# Pixels of these: above the brows by this much, hair is hair for sure.
_CLEAR = 8
# The soft square of mask="crop", in the same pixels: radius of its corners and width of its fading.
_CORNER, _FADE = 76.0, 38.0
# Side in pixels at which colours are compared: light and shade are seen there, skin and lashes are not.
_COARSE = 64
# Sigma, in pixels of these, of what counts as light: about half a face.
_LIGHT = 9.0
# CIE Lab: how far lightness, a and b may be moved, and by which factors their contrast; so a drawing stays a
# drawing.
_MOST = np.array([12.0, 10.0, 10.0], dtype=np.float32)
_GAIN = (0.9, 1.1)
# Side in pixels beyond which a picture is not enlarged before it is blended.
_FINEST = 2048
# Pixels blended at a time.
_BAND = 1 << 19


def paste_back(
    photo: Image.Image, made: Image.Image, quad: Points, *, mask: Mask = "face", match: bool = True
) -> Image.Image:
    """Put a picture made from a crop of a photo back to where the crop was cut.

    Args:
        photo: The photo that the crop was cut from: RGB, upright, of any size.
        made: The picture: RGB, square, of any size; its pixels lie where the crop's did.
        quad: Corners of the crop in photo pixels, float [4,2], as ``psp.faces.alignment.Alignment.quad`` has
            them: top-left, bottom-left, bottom-right, top-right. May lie outside the photo.
        mask: What is replaced. "face": the face from chin to hairline, wherever it is in the photo or in the
            picture; hair, ears and background stay the photo's. "crop": all of the crop, softly faded out,
            with new hair and another background around it.
        match: Whether lightness and colours of the picture are brought towards those of the photo.

    Returns:
        RGB, of the photo's size. Pixels outside the mask are the photo's own, exactly.

    Raises:
        PspError: The mask is a face, and dlib or its model file is not installed.
    """
    assert photo.mode == "RGB" and made.mode == "RGB", (photo.mode, made.mode)
    assert made.width == made.height, made.size
    assert quad.shape == (4, 2) and bool(np.isfinite(quad).all()), quad
    assert quad_side(quad) > 0, quad
    # np.array copies: dlib wants memory that is writable.
    crop = np.array(crop_quad(photo, quad, _SIDE))
    seen = np.array(made.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
    if mask == "face":
        ours, theirs = aligned_landmarks(crop), aligned_landmarks(seen)
        old, new = (
            fill_outline(FaceShape.of(ours).outline, _SIDE),
            fill_outline(FaceShape.of(theirs).outline, _SIDE),
        )
        brows = float(min(ours[17:27, 1].min(), theirs[17:27, 1].min()))
        bare = ~_same_hair(_hair(crop), _hair(seen), old | new, brows)
        cover = _face_mask(old & bare, new & bare)
        skin = fill_outline(_features(ours), _SIDE) & fill_outline(_features(theirs), _SIDE)
    else:
        cover = _crop_mask()
        skin = cover > 0.5
    if match:
        made = _match(made, _coarse(crop), _coarse(seen), _coarse(skin.astype(np.float32)))
    return _blend(photo, made, cover, quad)


def _features(points: Points) -> Points:
    """Return the outline [N,2] of the face below the brows: skin, whatever the hair."""
    return np.concatenate([points[:17], points[26:16:-1]])


def _hair(crop: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the pixels [256,256] of the hair, and of a hat, which looks like it."""
    return np.asarray(photo_to_map(Image.fromarray(crop)) == CLASSES.index("hair"))


def _same_hair(
    ours: NDArray[np.bool_], theirs: NDArray[np.bool_], face: NDArray[np.bool_], brows: float
) -> NDArray[np.bool_]:
    """Return where a fringe or a hat, which both pictures have, may stay the photo's own, [256,256].

    Args:
        ours: Pixels of the photo's hair.
        theirs: Pixels of the picture's hair.
        face: Pixels of the face.
        brows: Row of the higher brow; nothing below is hair.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    both = (ours & theirs).astype(np.uint8)
    both[max(round(brows) - _CLEAR, 0) :] = 0
    both = np.asarray(cv2.morphologyEx(both, cv2.MORPH_OPEN, np.ones((_CLEAR - 1,) * 2, np.uint8)))
    # A shadow on the forehead is no hair: hair goes on beyond the face.
    _, parts = cv2.connectedComponents(both)
    beyond = np.unique(parts[(both > 0) & ~face])
    return np.asarray(np.isin(parts, beyond[beyond > 0]))


def _face_mask(old: NDArray[np.bool_], new: NDArray[np.bool_]) -> Plane:
    """Return the share of the picture at each pixel of the crop, [256,256], 0 at its edges.

    Args:
        old: Pixels of the photo's face.
        new: Pixels of the picture's face.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    was, depth = _depth(old), _depth(new)
    # Where the old face is the larger one its outline must go altogether, or there would be two.
    depth = np.maximum(depth, was + np.clip(was - depth, 0, _FEATHER / 2))
    soft = smoothstep((depth + _GROW) / _FEATHER + 0.5, 0.0, 1.0)
    rounded = np.asarray(cv2.GaussianBlur(soft, (0, 0), _ROUND), dtype=np.float32)
    # The blur has no end: what is too faint to be seen is nothing.
    rounded[rounded < 1 / 512] = 0
    return rounded * _square(0.0, _RIM)


def _depth(mask: NDArray[np.bool_]) -> Plane:
    """Return how deep in a mask each pixel lies, in pixels; negative outside."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    inside, outside = (
        cv2.distanceTransform(each.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for each in (mask, ~mask)
    )
    return np.asarray(inside - outside, dtype=np.float32)


def _crop_mask() -> Plane:
    """Return a soft square with round corners, [256,256], 0 at the crop's edges."""
    return _square(_CORNER, _FADE)


def _square(corner: float, fade: float) -> Plane:
    """Return a square with corners of a radius that fades out towards the crop's edges, [256,256]."""
    # Distance from the middle lines; the outermost pixels get exactly 0.
    off = np.abs(np.arange(_SIDE, dtype=np.float32) - (_SIDE - 1) / 2)
    reach = (_SIDE - 1) / 2 - corner
    if corner == 0:
        depth = reach - np.maximum(off[:, None], off[None, :])
    else:
        over = np.maximum(off - reach, 0)
        depth = corner - np.hypot(over[:, None], over[None, :])
    return smoothstep(depth / fade, 0.0, 1.0)


def _coarse(plane: NDArray[np.uint8] | Plane) -> Plane:
    """Average [256,256,…] down to [64,64,…]."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    small = cv2.resize(plane, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _match(made: Image.Image, ours: Plane, theirs: Plane, where: Plane) -> Image.Image:
    """Bring light and colours of a picture towards the photo's, within limits.

    Moved are the mean, the contrast, and what is left of light from a side; equal pictures stay as they are.

    Args:
        made: The picture, of any size.
        ours: The photo's crop, [64,64,3], 0 to 255.
        theirs: The picture at that size.
        where: What is compared, [64,64], 0 to 1.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    if where.sum() < 1:
        return made
    weight = where[:, :, None] / where.sum()
    wanted, given = to_lab(ours), to_lab(theirs)
    goal, mean = (wanted * weight).sum(axis=(0, 1)), (given * weight).sum(axis=(0, 1))
    spread = np.sqrt((np.square(wanted - goal) * weight).sum(axis=(0, 1)))
    found = np.sqrt((np.square(given - mean) * weight).sum(axis=(0, 1)))
    gain = np.clip((spread + 1) / (found + 1), *_GAIN)  # +1: nothing is made of a plain colour's noise

    left = wanted - ((given - mean) * gain + mean)
    near = np.asarray(cv2.GaussianBlur(weight[:, :, 0], (0, 0), _LIGHT), dtype=np.float32)[:, :, None]
    light = np.asarray(cv2.GaussianBlur(left * weight, (0, 0), _LIGHT), dtype=np.float32)
    # Far from all that is compared, the mean alone counts.
    faint = near.max() * 0.05
    light = np.clip((light + (goal - mean) * faint) / (near + faint), -_MOST, _MOST)

    pixels = np.asarray(made, dtype=np.float32)
    lab = to_lab(pixels)
    smooth = cv2.resize(light, made.size, interpolation=cv2.INTER_LINEAR)
    moved = (lab - mean) * gain + mean + smooth
    # The difference is added, so that a picture that is not moved stays exactly as it is.
    pixels = pixels + (from_lab(moved) - from_lab(lab))
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _blend(photo: Image.Image, made: Image.Image, cover: Plane, quad: Points) -> Image.Image:
    """Lay a picture over the quad of a photo where the mask [256,256] says so."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    pasted = photo.copy()
    left, top, right, bottom = _bounds(cover, quad, photo.size)
    if left >= right or top >= bottom:
        return pasted
    # To the size that it has in the photo, so that nothing aliases, and from there to a finer grid, on which
    # linear sampling blurs little. OpenCV's cubic filter would shift it by up to a twentieth of a pixel.
    side = max(round(quad_side(quad)), 1)
    if side < made.width:
        made = made.resize((side, side), Image.Resampling.BICUBIC)
    fine = min(2 * side, _FINEST)
    picture = np.asarray(made.resize((fine, fine), Image.Resampling.BICUBIC))
    if side < _SIDE:
        cover = np.asarray(cv2.resize(cover, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)

    rows = max(_BAND // (right - left), 1)
    for start in range(top, bottom, rows):
        box = (left, start, right, min(start + rows, bottom))
        share = _warp(cover, quad, box)[:, :, None]
        under = np.asarray(photo.crop(box), dtype=np.float32)
        over = _warp(picture, quad, box)
        mixed = under + share * (over - under)
        pasted.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), box)
    return pasted


def _bounds(cover: Plane, quad: Points, limits: tuple[int, int]) -> Box:
    """Return the part of the photo, of size ``limits``, that a mask can reach."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not rows.size:
        return 0, 0, 0, 0
    x, y = (np.array([each[0] - 1, each[-1] + 2]) / _SIDE for each in (columns, rows))
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    corners = np.array([quad[0] + u * across + v * down for u in x for v in y])
    low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, limits).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2, 0, limits).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _warp(picture: NDArray[_Pixel], quad: Points, box: Box) -> NDArray[_Pixel]:
    """Return what a square picture [S,S,…] that lies over a quad shows in a box of the photo.

    Args:
        picture: The picture; with channels its edges go on beyond the quad, without there is 0.
        quad: Where it lies.
        box: The part of the photo.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    axes = np.stack([quad[3] - quad[0], quad[1] - quad[0]], axis=1) / len(picture)
    inverse = np.linalg.inv(axes)
    # From the quad's corner, which is the corner of the first pixel, to the centre of that.
    shift = inverse @ (np.array(box[:2]) - quad[0]) - 0.5
    warped = cv2.warpAffine(
        picture,
        np.hstack([inverse, shift[:, None]]),
        (box[2] - box[0], box[3] - box[1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT if picture.ndim == 2 else cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, dtype=picture.dtype)

"""A photo's map of the 19 face classes, made without a network: dlib's landmarks and colour.

The landmarks draw the features and say where skin, hair, clothes and background are likely; the colours found
there then say where they are (``psp.maps.colour_regions``). Maps as pictures and tensors:
``psp.maps.palette``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError
from psp.faces.detection import Points, aligned_landmarks
from psp.faces.landmarks import FaceShape
from psp.maps.colour_regions import BACK, CLOTH, HAIR, SKIN, colour_regions
from psp.maps.palette import CLASSES, Labels, resize_map
from psp.pictures.raster import Plane, fill_outline, smoothstep

_INDEX = {name: index for index, name in enumerate(CLASSES)}
# Pixels: the map is made at one size whatever the crop's, so that the maps agree; dlib sees twice that.
_SIDE = 128
_SEEN = 256

# Pixels: smaller islands of background are gaps.
_CRUMB = 100


def photo_to_map(crop: Image.Image, size: int | None = None) -> Labels:
    """Map an aligned face.

    Always returns a map with a face: the alignment says where it is. Hats, earrings, necklaces and glasses
    are not told from what they cover.

    Args:
        crop: A square face crop, aligned as FFHQ, of any mode; RGB of 128 to 1024 pixels is meant.
        size: Side of the map in pixels; None: the crop's.

    Returns:
        uint8 [size,size] with values 0..18.

    Raises:
        PictureError: The crop is not square.
        PspError: dlib or its model file is not installed.
    """
    if crop.width != crop.height:
        raise PictureError(
            f"The picture to map is not square: {crop.width}×{crop.height} pixels.",
            "Align the face first, or crop the picture to a square.",
        )
    photo = crop if crop.mode == "RGB" else crop.convert("RGB")
    layout = _Layout.of(_landmarks(photo))
    prior = _prior(layout)
    odd = _fill_all(layout.points, _HAVE_OWN_COLOURS)
    crown = (np.abs(layout.outside - 0.07) < 0.06) & (layout.above > 0.8 * layout.hairline)
    regions = colour_regions(_lab(photo), prior, _seeds(prior, layout), odd, crown, layout.above > 0)
    labels = _name_regions(regions, layout)
    _draw_features(labels, layout.points)
    return resize_map(labels, crop.width if size is None else size)


def _landmarks(photo: Image.Image) -> Points:
    """Return the 68 landmarks [68,2] as (x, y) in pixels of the map."""
    seen = np.array(photo.resize((_SEEN, _SEEN), Image.Resampling.BILINEAR))
    return (aligned_landmarks(seen) + 0.5) * (_SIDE / _SEEN) - 0.5


def _lab(photo: Image.Image) -> NDArray[np.uint8]:
    """Return the photo in CIE Lab, uint8 [128,128,3]."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    small = np.asarray(photo.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2Lab), dtype=np.uint8)


@cache
def _grid() -> tuple[Plane, Plane]:
    y, x = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    return x, y


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the face is, in pixels of the map.

    Attributes:
        points: The landmarks, float64 [68,2].
        face: Pixels within jaw and hairline, bool [128,128].
        width: Distance of the jaw's two ends.
        outside: Distance from the face in widths; negative within it.
        across: Distance from the face's axis in widths, signed, to the picture's right.
        above: Height above the jaw's ends (about the eyes) in widths; negative below.
        chin: ``above`` of the chin.
        brows: ``above`` of the brows.
        hairline: ``above`` of the expected hairline.
    """

    points: Points
    face: NDArray[np.bool_]
    width: float
    outside: Plane
    across: Plane
    above: Plane
    chin: float
    brows: float
    hairline: float

    @classmethod
    def of(cls, points: Points) -> _Layout:
        import cv2  # noqa: PLC0415  # on first use: the page starts without it

        shape = FaceShape.of(points)
        up, right, middle = shape.up, shape.right, shape.middle
        width = max(2 * float(np.hypot(*shape.half)), 16.0)
        face = fill_outline(shape.outline, _SIDE)
        away = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, 5)
        deep = cv2.distanceTransform(face.astype(np.uint8), cv2.DIST_L2, 5)
        x, y = _grid()
        dx, dy = x - np.float32(middle[0]), y - np.float32(middle[1])
        return cls(
            points,
            face,
            width,
            np.asarray((away - deep) / width, dtype=np.float32),
            np.asarray((dx * right[0] + dy * right[1]) / width, dtype=np.float32),
            np.asarray((dx * up[0] + dy * up[1]) / width, dtype=np.float32),
            float((points[8] - middle) @ up) / width,
            float((shape.brow - middle) @ up) / width,
            shape.hairline / width,
        )


def _prior(layout: _Layout) -> Plane:
    """Return how likely each kind of region is at each pixel for the landmarks alone, [4,128,128], sum 1."""
    out, up, side = np.maximum(layout.outside, 0), layout.above, np.abs(layout.across)
    high = smoothstep(up, -0.15, 0.1)  # beside the eyes and above
    low = smoothstep(up, layout.chin + 0.12, layout.chin - 0.1)  # below the chin
    near = np.exp(-np.square(out / 0.26))

    hair = near * (0.85 * high + (1 - high) * (0.22 * (1 - low) + 0.06 * low * smoothstep(side, 0.25, 0.5)))
    neck = low * smoothstep(side, 0.5, 0.25) * np.exp(-np.square(out / 0.3))
    ears = np.exp(-np.square(out / 0.07)) * (1 - high) * (1 - low)
    skull = 0.3 * np.exp(-np.square(out / 0.2)) * high
    skin = 0.75 * neck + 0.35 * ears + skull
    _, y = _grid()
    cloth = 0.85 * smoothstep(y, 0.72 * _SIDE, 0.97 * _SIDE) * low * (1 - 0.8 * neck)
    back = (1 - np.exp(-np.square(out / 0.3))) * (1 - 0.75 * low * smoothstep(y, 0.72 * _SIDE, _SIDE)) + 0.04
    back = back * (1 - 0.9 * low * smoothstep(side, 0.5, 0.25))
    outer = np.stack([back, skin + 0.005, hair + 0.01, cloth + 0.004])

    forehead = smoothstep(up, layout.brows + 0.02, layout.hairline)
    rim = smoothstep(layout.outside, -0.06, 0.0) * smoothstep(up, -0.1, layout.brows)
    fringe = 0.003 + 0.3 * forehead + 0.12 * rim
    inner = np.stack([0.005 + 0.06 * rim, 1 - fringe, fringe, np.full_like(up, 0.002)])
    prior = np.where(layout.face, inner, outer)
    return np.asarray(prior / prior.sum(axis=0), dtype=np.float32)


def _seeds(prior: Plane, layout: _Layout) -> Plane:
    """Return where each kind of region is surest for the landmarks alone, [4,128,128]."""
    out, up = layout.outside, layout.above
    _, y = _grid()
    seeds = prior * prior
    seeds[BACK] *= ((out > 0.25) | ((out > 0.14) & (up < 0))) & (y < 0.7 * _SIDE)
    seeds[SKIN] *= (out < -0.08) & (up < layout.brows + 0.12)
    seeds[HAIR] *= (np.abs(out - 0.08) < 0.1) & (up > 0)
    seeds[CLOTH] *= y > 0.85 * _SIDE
    return seeds


def _name_regions(regions: NDArray[np.uint8], layout: _Layout) -> Labels:
    """Tell face, ears and neck apart by where they are, and drop what hangs together with nothing."""
    up = layout.above
    labels = np.full(regions.shape, _INDEX["background"], np.uint8)
    bottom = np.zeros_like(layout.face)
    bottom[-2:] = True
    hair = _touching(regions == HAIR, (layout.outside < 0.12) & (up > -0.05))
    stray = (regions == HAIR) & ~hair & (up < layout.chin + 0.15)
    cloth = _touching((regions == CLOTH) | stray, bottom)
    labels[hair] = _INDEX["hair"]
    labels[cloth] = _INDEX["cloth"]
    skin = _touching(regions == SKIN, layout.face)
    below = ~layout.face & (up < layout.chin + 0.3)
    ears = skin & ~layout.face & (up < layout.brows + 0.08) & ~below
    labels[skin] = _INDEX["skin"]
    labels[skin & below] = _INDEX["neck"]
    labels[ears & (layout.across > 0)] = _INDEX["left ear"]
    labels[ears & (layout.across < 0)] = _INDEX["right ear"]
    gaps = _gaps(labels, up > 0)
    labels[gaps] = _INDEX["hair"]
    gaps = _small(labels == _INDEX["background"])
    labels[gaps] = np.where(up > layout.chin, _INDEX["hair"], _INDEX["cloth"])[gaps]
    return labels


def _gaps(labels: Labels, high: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the background [128,128] that lies in narrow gaps of the hair and between hair and face."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    hair = np.isin(labels, (_INDEX["hair"], _INDEX["skin"])).astype(np.uint8)
    if not (labels == _INDEX["hair"]).any():
        return np.zeros_like(high)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    padded = cv2.copyMakeBorder(hair, 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    padded = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    # A highlight may run from the hair to the upper edge of the picture.
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((1, 17), np.uint8))[8:-8, 8:-8] > 0
    return np.asarray(closed & (labels == _INDEX["background"]) & high, dtype=bool)


def _small(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the connected parts of a mask of less than ``_CRUMB`` pixels."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    keep = np.bincount(parts.ravel()) < _CRUMB
    keep[0] = False
    return np.asarray(keep[parts], dtype=bool)


def _touching(mask: NDArray[np.bool_], anchor: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the connected parts of a mask that share a pixel with an anchor."""
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    keep = np.zeros(count, dtype=bool)
    keep[np.unique(parts[mask & anchor])] = True
    keep[0] = False
    return np.asarray(keep[parts], dtype=bool)


_HAVE_OWN_COLOURS: tuple[tuple[int, ...], ...] = (
    tuple(range(36, 42)),
    tuple(range(42, 48)),
    tuple(range(48, 60)),
    tuple(range(17, 22)),
    tuple(range(22, 27)),
)


def _fill_all(points: Points, outlines: tuple[tuple[int, ...], ...]) -> NDArray[np.bool_]:
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    masks = np.any([fill_outline(points[list(each)], _SIDE) for each in outlines], axis=0)
    return np.asarray(cv2.dilate(masks.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def _draw_features(labels: Labels, points: Points) -> None:
    """Draw brows, nose, eyes and mouth over the map; a picture's left is the person's right."""
    up = points[27] - points[33]
    up = up / max(float(np.hypot(*up)), 1.0)
    right = np.array([-up[1], up[0]])
    for name, ids in (("right brow", range(17, 22)), ("left brow", range(22, 27))):
        line = points[list(ids)]
        thick = np.array([0.6, 1.6, 1.8, 1.6, 1.2]) if name == "left brow" else None
        thick = np.array([1.2, 1.6, 1.8, 1.6, 0.6])[:, None] if thick is None else thick[::-1][:, None]
        labels[fill_outline(np.concatenate([line + up * 0.6, (line - up * (thick + 1.0))[::-1]]), _SIDE)] = (
            _INDEX[name]
        )

    bridge = points[27]
    reach = max(float((points[35] - points[31]) @ right), 6.0)
    wing = 0.22 * reach
    nose = [
        bridge - right * reach * 0.22,
        points[29] - right * reach * 0.36,
        points[31] - right * wing + up * reach * 0.3,
        points[31] - right * wing,
        *(points[31:36] - up * 0.8),
        points[35] + right * wing,
        points[35] + right * wing + up * reach * 0.3,
        points[29] + right * reach * 0.36,
        bridge + right * reach * 0.22,
    ]
    labels[fill_outline(np.array(nose), _SIDE)] = _INDEX["nose"]
    for name, ids in (("right eye", range(36, 42)), ("left eye", range(42, 48))):
        eye = points[list(ids)]
        middle = eye.mean(axis=0)
        labels[fill_outline(middle + (eye - middle) * 1.1, _SIDE)] = _INDEX[name]
    labels[fill_outline(points[[*range(48, 55), *range(64, 59, -1)]], _SIDE)] = _INDEX["upper lip"]
    labels[fill_outline(points[[*range(54, 60), 48, 60, *range(67, 63, -1)]], _SIDE)] = _INDEX["lower lip"]
    inner = points[60:68]
    if float((inner[1:4].mean(axis=0) - inner[5:8].mean(axis=0)) @ up) > 1.5:
        labels[fill_outline(inner, _SIDE)] = _INDEX["mouth"]

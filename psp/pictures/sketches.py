"""Photo -> line drawing, any drawing -> the same style, and drawings -> tensors.

A "sketch" is a square Pillow image of mode L: dark lines on white paper. ``photo_to_sketch`` sets the style
that the sketch models are trained on; ``normalize_sketch`` brings what people draw near to it. Lengths are in
units of 1/128 of the picture's side, so that a drawing looks the same at every size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError
from psp.pictures.drawing_checks import drawn_box, extent, is_shaded, small_pieces
from psp.pictures.images import PictureSource
from psp.pictures.papers import put_on_paper
from psp.pictures.raster import disc, smoothstep

if TYPE_CHECKING:
    import torch

_SMALLEST, _LARGEST = 128, 512
"""Lines are drawn at a side between these, in pixels; other pictures are resized there and back."""

_LIGHT = np.array((0.45, 0.50, 0.05), np.float32) / 255.0
"""How red, green and blue make grey: hardly any blue, so that skin stands out from blue-grey walls."""

_PEN = 0.55
"""Sigma of the finer Gaussian of a line, in units; the coarser one is 1.6 times that."""

_FAINTEST, _DARKEST = 0.025, 0.15
"""Difference of the Gaussians, relative to the contrast around, that is still paper, and that is black."""

_USUAL_CONTRAST, _LEAST_CONTRAST = 0.22, 0.06
"""Standard deviation of grey (in 0..1) that photos are brought to, and the least that is stretched to it."""

_CONTRAST_FLOOR = 0.02
"""Added to the contrast (grey levels in 0..1), so that flat regions do not show their noise."""

_SPOTS = 0.6
"""Share of the lines before they are smoothed along the edges: keeps pupils, nostrils, lips."""

_LINE = 1.75
"""Usual width of a line of ``photo_to_sketch``, in units."""

_FAT, _THIN = 2.2, 0.7
"""Drawings whose usual line is more, or less, than this many times ``_LINE`` wide are drawn anew."""

_FILL = 9.0
"""Dark areas wider than this, in units, are filled areas and not lines: their outline is drawn."""

_PAPER_SPREAD = 0.06
"""Colours nearer to the paper's than this (root mean square over RGB in 0..1) are paper."""

_EMPTY = 0.0005
"""Share of dark pixels below which there is no drawing."""

_LOOKED_AT = 256
"""Side in pixels at which a photo is told from a drawing."""

_SMALL, _MARGIN, _ENLARGEABLE = 0.5, 0.1, 24
"""Share of its sheet below which a drawing is enlarged, with such a margin, if it has so many pixels a side.

Drawings of photos fill 0.7 and more.
"""

PHOTO_FOR_SKETCH = (
    "This looks like a photo or a painting and no line drawing, so little of it is understood. Draw it as a "
    "sketch first (photo_to_sketch; on the page, From a photo), or use Encode."
)
NO_FACE_DRAWN = (
    "There is nothing like a face in this drawing: no outline of a head, small pieces or text alone. Draw a "
    "face that fills the paper; if you did, use darker and longer lines, or crop to it."
)
_CROP = "If that is not the face, crop the sheet around it and try again."


def photo_to_sketch(picture: Image.Image) -> Image.Image:
    """Draw a photo as dark lines on white paper.

    The lines are a flow-guided difference of Gaussians (Kang, Lee and Chui 2007; Winnemöller 2012): a dark
    line stands at the dark side of an edge, smoothed along the edge, so that contours hold together and
    texture falls apart. Contrast is taken relative to the neighbourhood, so dark photos give lines as well.

    Args:
        picture: RGB, square, 64 to 1024 pixels a side; usually an aligned face.

    Returns:
        Mode L, of the same size; 255 is paper. The same picture always gives the same bytes.

    Raises:
        ValueError: The picture is not square.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    size, height = picture.size
    if size != height:
        raise ValueError(f"photo_to_sketch takes a square picture, not {size}x{height}")
    side = min(max(size, _SMALLEST), _LARGEST)
    grey = np.asarray(picture.convert("RGB"), dtype=np.float32) @ _LIGHT
    grey = grey * (_USUAL_CONTRAST / max(float(grey.std()), _LEAST_CONTRAST))
    if side != size:
        way = cv2.INTER_AREA if side < size else cv2.INTER_CUBIC
        grey = cv2.resize(grey, (side, side), interpolation=way)
    unit = side / 128.0
    grey = cv2.bilateralFilter(grey, 2 * min(round(2 * unit), 4) + 1, 0.05, 1.2 * unit)
    fine = np.asarray(cv2.GaussianBlur(grey, (0, 0), _PEN * unit), dtype=np.float32)
    coarse = cv2.GaussianBlur(grey, (0, 0), 1.6 * _PEN * unit)
    wide = cv2.GaussianBlur(grey, (0, 0), 8.0 * unit)
    energy = cv2.GaussianBlur((grey - wide) ** 2, (0, 0), 10.0 * unit)
    contrast = np.sqrt(0.5 * energy + 0.5 * float(energy.mean())) + _CONTRAST_FLOOR
    raw = (coarse - fine) / contrast
    lines = np.maximum(_along_edges(raw, fine, unit), _SPOTS * raw)
    sketch = _to_sketch(smoothstep(lines, _FAINTEST, _DARKEST))
    return sketch if side == size else sketch.resize((size, size), _filter(side, size))


def normalize_sketch(drawing: PictureSource) -> Image.Image:
    """Bring any drawing to the style of ``photo_to_sketch``.

    The paper may be of any colour, dark, or a photo in uneven light; the lines of any colours, hair-thin or
    fat; filled areas become outlines. Text, ruled paper and the table around a sheet count as lines.

    Args:
        drawing: Anything that ``load_picture`` reads.

    Returns:
        Mode L, dark lines on white, square by white margins and not by stretching; its side is the drawing's
        longer side, but at least 128 and at most 512 pixels. Bars at the edges and most of a large empty
        sheet are cut off first.

    Raises:
        PictureError: The drawing cannot be read, or there is nothing on the paper.
    """
    return read_sketch(drawing)[0]


def read_sketch(drawing: PictureSource) -> tuple[Image.Image, tuple[str, ...]]:
    """Do what :func:`normalize_sketch` does, and tell what is doubtful about the drawing.

    Returns:
        The sketch, and sentences that say what to do: it is no line drawing but a photo, it is small on its
        sheet (and was enlarged), or it has nothing of a face, as text has not.

    Raises:
        PictureError: As :func:`normalize_sketch`.
    """
    picture = put_on_paper(drawing)
    if _shaded(picture):
        try:
            return _normalized(picture)[0], (PHOTO_FOR_SKETCH,)
        except PictureError as error:
            raise PictureError(
                "This is a photo, not a line drawing, and no lines stand out in it.",
                "Make a sketch of it first: photo_to_sketch, or From a photo on the page.",
            ) from error
    sketch, ink, unit = _normalized(picture)
    warnings = []
    box = drawn_box(ink, unit)
    if box is not None and extent(box) < _SMALL * max(ink.shape):
        percent = f"{100 * extent(box) / max(ink.shape):.0f} %"
        scale = max(picture.size) / max(ink.shape)
        if extent(box) * scale < _ENLARGEABLE:
            warnings.append(f"There is only a speck on the sheet, {percent} of its side. {_CROP}")
        else:
            sketch, _, unit = _normalized(_cut_out(picture, box, scale))
            warnings.append(f"The drawing fills only {percent} of its sheet, so it was enlarged. {_CROP}")
    if small_pieces(1.0 - np.asarray(sketch, dtype=np.float32) / 255.0, unit):
        warnings.append(NO_FACE_DRAWN)
    return sketch, tuple(warnings)


def is_photo(drawing: PictureSource) -> bool:
    """Return whether a picture is a photo or a painting, where a line drawing is wanted.

    Raises:
        PictureError: It cannot be read.
    """
    return _shaded(put_on_paper(drawing))


def _shaded(picture: Image.Image) -> bool:
    """Return whether large areas of an RGB picture change in tone."""
    pixels, unit = _at_side(picture, _LOOKED_AT, _LOOKED_AT)
    apart = np.sqrt(np.mean((pixels - _paper_of(pixels)) ** 2, axis=2))
    return is_shaded(pixels, apart, _PAPER_SPREAD, unit)


def _at_side(picture: Image.Image, least: int, most: int) -> tuple[NDArray[np.float32], float]:
    """Return an RGB picture [H,W,3] in [0,1] with its longer side between two limits, and its unit."""
    longer = max(picture.size)
    side = min(max(longer, least), most)
    if side != longer:
        width, height = (max(1, round(length * side / longer)) for length in picture.size)
        picture = picture.resize((width, height), _filter(longer, side))
    return np.asarray(picture, dtype=np.float32) / 255.0, side / 128.0


def _normalized(picture: Image.Image) -> tuple[Image.Image, NDArray[np.float32], float]:
    """Return the sketch of a drawing on plain paper, the ink [H,W] that was found, and its unit."""
    pixels, unit = _at_side(picture, _SMALLEST, _LARGEST)
    found = _ink_of(pixels, unit)
    side = max(found.shape)
    rows, columns = side - found.shape[0], side - found.shape[1]
    ink = np.pad(found, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))
    return _to_sketch(_even_lines(ink, unit)), found, unit


def _cut_out(picture: Image.Image, box: tuple[int, int, int, int], scale: float) -> Image.Image:
    """Cut a drawing out of its sheet: the square around ``box``, times ``scale``, with a margin."""
    middle = (box[0] + box[2]) / 2 * scale, (box[1] + box[3]) / 2 * scale
    half = (0.5 + _MARGIN) * extent(box) * scale
    left, top = (max(0, math.floor(place - half)) for place in middle)
    right, bottom = (
        min(length, math.ceil(place + half)) for place, length in zip(middle, picture.size, strict=True)
    )
    return picture.crop((left, top, right, bottom))


def sketch_to_tensor(sketch: Image.Image, size: int) -> torch.Tensor:
    """Turn a sketch into a tensor [1,1,size,size], float32 in [0,1]; 1 is white paper.

    Args:
        sketch: Mode L (another mode is converted), square.
        size: The side that the model takes, in pixels; shrinking averages over areas.
    """
    import torch  # noqa: PLC0415  # torch comes after the page

    grey = sketch.convert("L")
    if grey.size != (size, size):
        grey = grey.resize((size, size), _filter(grey.size[0], size))
    return torch.from_numpy(np.array(grey, dtype=np.float32) / 255.0)[None, None]


def _filter(old: int, new: int) -> Image.Resampling:
    return Image.Resampling.BOX if new < old else Image.Resampling.BILINEAR


def _to_sketch(ink: NDArray[np.float32]) -> Image.Image:
    """Put ink [H,W] in [0,1] on white paper."""
    return Image.fromarray(np.rint(255.0 * (1.0 - ink)).astype(np.uint8))


def _along_edges(values: NDArray[np.float32], guide: NDArray[np.float32], unit: float) -> NDArray[np.float32]:
    """Average values [H,W] along the edges of a guide [H,W], three units to each side."""
    import cv2  # noqa: PLC0415

    across_x = cv2.Scharr(guide, cv2.CV_32F, 1, 0)
    across_y = cv2.Scharr(guide, cv2.CV_32F, 0, 1)
    xx, yy, xy = (  # the structure tensor
        cv2.GaussianBlur(product, (0, 0), 1.2 * unit)
        for product in (across_x * across_x, across_y * across_y, across_x * across_y)
    )
    angle = 0.5 * cv2.phase(xx - yy, 2.0 * xy)  # of the strongest change; the edge runs at right angles to it
    step_x, step_y = -np.sin(angle) * unit, np.cos(angle) * unit
    height, width = values.shape
    grid_x, grid_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    total, weights = values.copy(), 1.0
    for distance in (-3, -2, -1, 1, 2, 3):
        weight = math.exp(-0.5 * (distance / 2.0) ** 2)
        map_x, map_y = grid_x + distance * step_x, grid_y + distance * step_y
        moved = cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        total += weight * moved
        weights += weight
    return np.asarray(total / weights, dtype=np.float32)


def _paper_of(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Estimate the bare paper [H,W,3] under a drawing [H,W,3], both in [0,1], in uneven light.

    A quadratic surface a channel, fitted to the colours that are near to it: again and again, with less and
    less tolerance. It cannot follow lines or filled areas as a blur would. Then a blur over what is paper
    takes up the shadows that no quadratic describes.
    """
    import cv2  # noqa: PLC0415

    height, width = picture.shape[:2]
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    rows, columns = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64), indexing="ij")
    terms = np.stack([np.ones_like(rows), rows, columns, rows * rows, columns * columns, rows * columns], -1)
    terms, colours = terms.reshape(-1, 6), small.reshape(-1, 3).astype(np.float64)
    surface = np.median(colours, axis=0)[None]
    for tolerance in (0.30, 0.25, 0.20, 0.16, 0.13, 0.10, 0.08, 0.06, 0.06, 0.06):
        apart = np.mean((colours - surface) ** 2, axis=1) / tolerance**2
        near = np.exp(-0.5 * apart)[:, None] + 1e-9
        normal = (terms * near).T @ terms + 1e-6 * np.eye(6)
        surface = terms @ np.linalg.solve(normal, (terms * near).T @ colours)
    fitted = surface.reshape(64, 64, 3).astype(np.float32)
    near = np.exp(-0.5 * np.mean((small - fitted) ** 2, axis=2, keepdims=True) / 0.05**2)
    weight = cv2.GaussianBlur(near, (0, 0), 5.0)[..., None] + 0.02
    paper = fitted + cv2.GaussianBlur(near * (small - fitted), (0, 0), 5.0) / weight
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _ink_of(picture: NDArray[np.float32], unit: float) -> NDArray[np.float32]:
    """Find the ink, [H,W] in [0,1], of a drawing [H,W,3] in [0,1], whatever the colours."""
    import cv2  # noqa: PLC0415

    paper = _paper_of(picture)
    apart = picture - paper
    light, usual = paper.mean(axis=2), float(np.median(paper))
    strong = np.abs(apart.mean(axis=2)) > _PAPER_SPREAD
    if np.any(strong) and float(apart.mean(axis=2)[strong].mean()) < 0:
        # Dark lines reflect a share of the light: in the shade they differ less from the paper.
        apart = apart * np.clip(usual / np.maximum(light, 0.05), 0.5, 3.0)[..., None]
    distance = np.sqrt(np.mean(apart * apart, axis=2))
    smooth = np.sqrt(np.mean(cv2.GaussianBlur(apart, (0, 0), 0.5 * unit) ** 2, axis=2))
    grain = float(np.median(np.abs(distance - smooth)))
    distance = distance if grain < 0.004 else smooth
    floor = max(_PAPER_SPREAD, 5.0 * float(np.median(distance)))
    inked = distance > floor
    if float(inked.mean()) < _EMPTY:
        raise PictureError(
            "The sketch is empty: there are no lines on the paper.",
            "Draw a face with dark lines on the white paper, then try again.",
        )
    black = max(float(np.percentile(distance[inked], 75)), 1.5 * floor)
    low = 0.5 * floor if grain < 0.004 else floor
    return np.asarray(np.clip((distance - low) / (black - low), 0.0, 1.0), dtype=np.float32)


def _even_lines(ink: NDArray[np.float32], unit: float) -> NDArray[np.float32]:
    """Bring the lines of ink [S,S] in [0,1] to the usual width, and turn filled areas into outlines."""
    import cv2  # noqa: PLC0415

    mask = (ink > 0.5).astype(np.uint8)
    fills = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(_FILL * unit))
    outlines = np.zeros_like(mask)
    if fills.any():
        grown = mask * np.asarray(cv2.dilate(fills, disc(2.0 * unit)), np.uint8)
        outlines = grown - np.asarray(cv2.erode(grown, disc(2.0 * _LINE * unit), borderValue=1), np.uint8)
        ink = np.where(grown.astype(bool), outlines * ink, ink).astype(np.float32)
        mask = (ink > 0.5).astype(np.uint8)
    middle = _thinned(mask)
    if not middle.any():
        return ink
    width = float(ink.sum() / middle.sum()) / (_LINE * unit)
    if _THIN <= width <= _FAT:
        return ink
    to_middle = cv2.distanceTransform(1 - middle, cv2.DIST_L2, 5)
    pressure = cv2.dilate(ink, disc(2.0 * _LINE * unit))
    drawn = pressure * np.clip(0.5 * _LINE * unit + 0.5 - to_middle, 0.0, 1.0)
    return np.asarray(drawn if width > _FAT else np.maximum(ink, drawn), dtype=np.float32)


def _thinned(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin the ones of a mask [H,W] to lines one pixel wide, as Zhang and Suen (1984) do."""
    import cv2  # noqa: PLC0415

    bits = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)  # neighbours clockwise from the top
    tables = _lasting()
    mask = np.pad(mask, 1)
    while True:
        before = int(mask.sum())
        for table in tables:
            around = cv2.filter2D(mask, cv2.CV_8U, bits, borderType=cv2.BORDER_CONSTANT)
            mask = mask * np.asarray(cv2.LUT(around, table), np.uint8)
        if int(mask.sum()) == before:
            return np.ascontiguousarray(mask[1:-1, 1:-1])


def _lasting() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For each of the 256 neighbourhoods: does the pixel stay, in the first and in the second half step?"""
    codes = np.arange(256)
    ring = [(codes >> bit) & 1 for bit in range(8)]
    p2, p4, p6, p8 = ring[::2]  # their names for the pixels above, right, below and left
    count = sum(ring)
    rises = sum((1 - ring[i]) * ring[(i + 1) % 8] for i in range(8))
    edge = (count >= 2) & (count <= 6) & (rises == 1)
    first = edge & (p2 * p4 * p6 == 0) & (p4 * p6 * p8 == 0)
    second = edge & (p2 * p4 * p8 == 0) & (p2 * p6 * p8 == 0)
    return (~first).astype(np.uint8), (~second).astype(np.uint8)

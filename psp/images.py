"""Pictures in and out: the only home of PIL <-> tensor, value ranges, EXIF orientation and size limits.

A "picture" is a Pillow image, 8-bit RGB, upright, with no metadata; "images" is a tensor [B,3,H,W] in [-1,1].
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError

if TYPE_CHECKING:
    import torch

PictureSource: TypeAlias = "str | Path | bytes | Image.Image | NDArray[Any]"

MAX_PIXELS = 64_000_000
"""Pictures with more pixels are refused before they are decoded; also the default of Settings.max_pixels."""

MIN_SIDE = 32
"""Pictures with a shorter side than this, in pixels, are refused: there is no face to be seen in them."""

# What people upload. A list, because Pillow also opens formats that start other programs (EPS: Ghostscript).
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "MPO", "AVIF", "JPEG2000", "PPM", "ICO")

# What Pillow's readers raise on broken data; they promise no common class.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    struct.error,
    zlib.error,
)

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def limit_pillow(max_pixels: int) -> None:
    """Make Pillow itself raise on a picture of more than ``max_pixels``, whoever opens it.

    Done once at import with ``MAX_PIXELS``, since Gradio decodes an upload before our code sees it. Call it
    again at start where the settings say another limit; ``load_picture`` cannot read beyond it.
    """
    # Pillow raises only above twice its limit, and warns before; those warnings are noise to us.
    Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


limit_pillow(MAX_PIXELS)


def load_picture(source: PictureSource, max_pixels: int = MAX_PIXELS, *, flat: bool = True) -> Image.Image:
    """Read anything that is a picture as upright 8-bit RGB.

    The orientation in EXIF is applied, alpha is composited on white, 16-bit and float values are scaled to
    8 bits, animated files give their first frame. The result carries no metadata and shares no memory with
    ``source``.

    Args:
        source: A path, the bytes of a picture file, a Pillow image of any mode, or an array [H,W], [H,W,1],
            [H,W,2] (grey and alpha), [H,W,3] or [H,W,4]: bool, uint8, uint16, another integer, or float (in
            0..1; where the largest value is above 1, in 0..255).
        max_pixels: Width times height allowed; checked from the file's header, before decoding.
        flat: False keeps the picture's own mode, as index pictures and transparent maps need it.

    Raises:
        PictureError: The file is missing, empty, truncated, no picture, or too large or too small.
    """
    if isinstance(source, Image.Image):
        _check_size(source.size, max_pixels, "The picture")
        return _decode(source, "The picture", flat)
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, bytes):
        name, stream = "The picture", io.BytesIO(source)
        if not source:
            raise PictureError(f"{name} is empty (0 bytes).", "Choose another file, or upload it again.")
    elif isinstance(source, str | Path):
        name, stream = _name(Path(source)), _read(Path(source))
    else:
        raise PictureError("No picture was given.", "Choose a picture file (JPEG, PNG or WebP).")
    try:
        with Image.open(stream, formats=_known_formats()) as image:
            _check_size(image.size, max_pixels, name)
            return _decode(image, name, flat)
    except Image.DecompressionBombError as error:
        raise _too_large(name, "more", max_pixels) from error
    except _DECODER_ERRORS as error:  # only from open(): _decode raises PictureError
        raise PictureError(
            f"{name} is not a picture that can be read.", "Save it as JPEG or PNG and try again."
        ) from error


def to_tensor(image: Image.Image, size: int | None = None) -> torch.Tensor:
    """Turn one picture into images [1,3,H,W], float32 in [-1,1].

    Args:
        image: A picture of any mode; other than RGB is converted.
        size: If given, the picture is first resized to ``size`` x ``size`` pixels (Pillow's antialiased
            bilinear, as torchvision's Resize does).
    """
    import torch  # noqa: PLC0415  # torch comes after the page

    image = image if image.mode == "RGB" else _flatten(image)
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    levels = torch.from_numpy(np.array(image, dtype=np.float32))
    return (levels / 127.5 - 1.0).permute(2, 0, 1).unsqueeze(0).contiguous()


def to_pictures(images: torch.Tensor) -> list[Image.Image]:
    """Turn images [B,3,H,W] in [-1,1] into B pictures: clipped to the range and rounded to 8 bits.

    Raises:
        ValueError: The tensor has another shape.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be [B,3,H,W], not {list(images.shape)}")
    levels = ((images.detach().float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().permute(0, 2, 3, 1)
    array: NDArray[np.uint8] = levels.cpu().numpy().astype(np.uint8)
    return [Image.fromarray(picture) for picture in array]


def degrade(image: Image.Image, factor: int) -> Image.Image:
    """Return ``image`` as if taken with ``factor`` times fewer pixels a side, enlarged to its own size again.

    As the paper's code does it: bicubic down (antialiased), bilinear up.

    Raises:
        ValueError: The factor is not positive.
    """
    if factor < 1:
        raise ValueError(f"the factor must be 1 or more, not {factor}")
    if factor == 1:
        return image
    small = (max(1, image.width // factor), max(1, image.height // factor))
    return image.resize(small, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BILINEAR)


def center_square(image: Image.Image) -> tuple[int, int, int]:
    """Return the largest centred square of a picture as (left, top, side), in pixels."""
    width, height = image.size
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side


def _name(path: Path) -> str:
    """Name a file in a message: never its folder (that may be a server's), and never a page of text."""
    return f"The file {path.name[:80]!r}"


def _read(path: Path) -> io.BytesIO:
    """Read a file at once, so that an error of the disk is not taken for an error of the picture."""
    name = _name(path)
    try:
        if not path.exists():
            raise PictureError(f"{name} does not exist.", "Check the path.")
        if not path.is_file():  # a folder, or a device that never ends
            raise PictureError(f"{name} is not a file.", "Give the path of one picture file.")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise PictureError(f"{name} cannot be opened.", "Check that you may read it.") from error
    if not data:
        raise PictureError(f"{name} is empty (0 bytes).", "Choose another file, or upload it again.")
    return io.BytesIO(data)


def _known_formats() -> list[str]:
    Image.init()  # which formats there are depends on Pillow's version and build
    return [name for name in _FORMATS if name in Image.OPEN]


def _too_large(name: str, count: str, max_pixels: int) -> PictureError:
    return PictureError(
        f"{name} is too large: it has {count} than the {max_pixels / 1e6:.4g} million pixels allowed.",
        "Make it smaller (4000 pixels on the long side are plenty) and try again.",
    )


def _check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(name, f"{width}×{height} pixels, more", max_pixels)
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"{name} is too small: {width}×{height} pixels.",
            f"Each side needs at least {MIN_SIDE} pixels; for a good result take 256 or more.",
        )


def _decode(image: Image.Image, name: str, flatten: bool = True) -> Image.Image:
    """Decode the first frame, turn it upright, make it RGB (or, without ``flatten``, keep its mode)."""
    try:
        image.load()
    except (*_DECODER_ERRORS, Image.DecompressionBombError) as error:
        raise PictureError(
            f"{name} is truncated or damaged: its picture data break off or make no sense.",
            "Upload or copy the file again, or save it anew as JPEG or PNG.",
        ) from error
    try:
        turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODER_ERRORS:  # broken metadata, sound picture
        turn = None
    try:
        flat = _flatten(image) if flatten else image.copy()
    except _DECODER_ERRORS as error:
        raise PictureError(
            f"{name} has colours of a kind that cannot be read ({image.mode}).",
            "Save it as an RGB JPEG or PNG.",
        ) from error
    return flat if turn is None else flat.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """Draw a decoded image of any mode on white; the new RGB image has no metadata."""
    if image.mode.startswith("I") or image.mode == "F":  # Pillow's own conversion would clip these at 255
        image = Image.fromarray(_to_levels(np.asarray(image)))
    canvas = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas.paste(rgba, mask=rgba.getchannel("A"))
    else:
        canvas.paste(image if image.mode == "RGB" else image.convert("RGB"))
    return canvas


def _from_array(array: NDArray[Any], max_pixels: int) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise PictureError(
            f"An array of shape {list(array.shape)} is not a picture.", "Give [H,W], [H,W,3] or [H,W,4]."
        )
    _check_size((array.shape[1], array.shape[0]), max_pixels, "The picture")
    levels = _to_levels(array)
    if levels.ndim == 3 and levels.shape[2] == 1:
        levels = levels[:, :, 0]
    return _flatten(Image.fromarray(levels))


def _to_levels(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale numbers of any type to 8 bits; what is white follows from the type, then the largest value."""
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind not in "uif":
        raise PictureError(f"Values of type {array.dtype} are not a picture.", "Give uint8, uint16 or float.")
    largest, smallest = float(array.max()), float(array.min())
    if not np.isfinite(largest) or not np.isfinite(smallest) or smallest < 0:
        raise PictureError(
            "The picture holds values below 0 or not finite.",
            "Scale the values to 0..1 (float) or 0..255 (uint8).",
        )
    if kind == "u" and array.dtype.itemsize == 2:
        white = 65535.0
    else:
        whites = (1.0, 255.0, 65535.0) if kind == "f" else (255.0, 65535.0)
        white = next((level for level in whites if largest <= level), largest)
    levels: NDArray[np.uint8] = np.rint(array.astype(np.float32) * (255.0 / white)).astype(np.uint8)
    return levels

"""Pictures in and out: the only home of PIL <-> tensor, value ranges, EXIF orientation and size limits.

A "picture" is a Pillow image, 8-bit RGB, sRGB, upright, with no metadata; "images" is a tensor [B,3,H,W] in
[-1,1]. Nothing else in the studio opens picture files (``tests/test_one_home_for_pictures.py``).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError
from psp.pictures.formats import known_formats, limit_pillow
from psp.pictures.index_maps import array_as_stored
from psp.pictures.levels import to_levels
from psp.pictures.profiles import profile_of, to_srgb

if TYPE_CHECKING:
    import torch

__all__ = [
    "MAX_ASPECT",
    "MAX_PIXELS",
    "MIN_SIDE",
    "PictureSource",
    "center_square",
    "check_shape",
    "degrade",
    "file_content",
    "limit_pillow",
    "load_picture",
    "read_png_header",
    "to_pictures",
    "to_tensor",
]

PictureSource: TypeAlias = "str | Path | bytes | Image.Image | NDArray[Any]"

MAX_PIXELS = 64_000_000
"""Pictures with more pixels are refused before they are decoded; also the default of Settings.max_pixels."""

MIN_SIDE = 32
"""Pictures with a shorter side than this, in pixels, are refused: there is no face to be seen in them."""

MAX_ASPECT = 20
"""Pictures whose longer side is more than so many times the shorter are refused: no photo is such a strip."""

MAX_BYTES = 512_000_000
"""Larger files are refused unread: 64 million pixels of any format are less."""

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
_MOST_COLOURS = 256  # of a palette
_BITS_TAG = 258  # TIFF's BitsPerSample


# Done at import, since Gradio decodes an upload before our code sees it.
limit_pillow(MAX_PIXELS)


def load_picture(
    source: PictureSource,
    max_pixels: int = MAX_PIXELS,
    *,
    flat: bool = True,
    name: str = "",
    smallest: int = MIN_SIDE,
) -> Image.Image:
    """Read anything that is a picture as upright 8-bit RGB.

    The orientation in EXIF is applied, colours are brought to sRGB where a colour profile says that they are
    others, alpha is composited on white, 16-bit and float values are scaled to 8 bits, animated files give
    their first frame. The result carries no metadata and shares no memory with ``source``.

    Args:
        source: A path, the bytes of a picture file, a Pillow image of any mode, or an array [H,W], [H,W,1],
            [H,W,2] (grey and alpha), [H,W,3] or [H,W,4]: bool, uint8, uint16, another integer, or float (in
            0..1; where the largest value is above 1, in 0..255).
        max_pixels: Width times height allowed; checked from the file's header, before decoding.
        flat: False keeps the picture's own mode and numbers, as index maps and transparent drawings need.
        name: What errors call the picture, where ``source`` has no name of its own.
        smallest: Pixels that the shorter side needs.

    Raises:
        PictureError: The file is missing, empty, truncated, no picture, or too large, too small or too thin;
            or it cannot be told what is black and what is white in an array.
    """
    named = f"The file {name!r}" if name else "The picture"
    if isinstance(source, Image.Image):
        _check_size(source.size, max_pixels, named, smallest)
        return _decode(source, named, flat)
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels, flat)
    if isinstance(source, bytes):
        if not source:
            raise _empty(named)
        stream = io.BytesIO(source)
    elif isinstance(source, str | Path):
        named = named if name else _name(Path(source))
        stream = _read(Path(source), named)
    else:
        raise PictureError("No picture was given.", "Choose a picture file (JPEG, PNG or WebP).")
    try:
        with _opened(stream, named, max_pixels, known_formats()) as image:
            _check_size(image.size, max_pixels, named, smallest)
            picture = _decode(image, named, flat)
            _check_size(picture.size, max_pixels, named, smallest)  # an icon's header need not be true
            return picture
    except MemoryError as error:
        raise PictureError(
            f"{named} needs more memory than there is.", "Make it smaller and try again."
        ) from error


def file_content(source: PictureSource) -> tuple[bytes, str] | None:
    """Return the bytes of a picture's file and the file's name; None of a picture that is no file.

    ``load_picture`` of these bytes with that ``name`` says and does what it does of the file.

    Raises:
        PictureError: The file is missing, or is too large to be a picture.
    """
    if isinstance(source, bytes):
        return source, ""
    if isinstance(source, str | Path):
        path = Path(source)
        return _read(path, _name(path)).getvalue(), path.name[:80]
    return None


def read_png_header(path: str | Path) -> Image.Image:
    """Return what the header of a PNG says, its size and texts, as a picture without pixels.

    Raises:
        PictureError: The file cannot be opened, or is not a PNG.
    """
    named = _name(Path(path))
    _check_file(Path(path), named)
    with _opened(path, named, MAX_PIXELS, ["PNG"]) as image:
        return image


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


def to_pictures(images: torch.Tensor | NDArray[np.float32]) -> list[Image.Image]:
    """Turn images [B,3,H,W] in [-1,1] into B pictures: clipped to the range and rounded to 8 bits.

    Raises:
        ValueError: The tensor, or the array, has another shape.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    images = torch.as_tensor(images)
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


def check_shape(size: tuple[int, int], name: str = "The picture") -> None:
    """Refuse a picture of ``size`` (width, height) that is a strip: dlib's CNN corrupts memory on these.

    Raises:
        PictureError: One side is more than ``MAX_ASPECT`` times the other.
    """
    longer, shorter = max(size), min(size)
    if longer > MAX_ASPECT * shorter:
        raise PictureError(
            f"{name} is too thin: {size[0]}×{size[1]} pixels, "
            f"one side more than {MAX_ASPECT} times as long as the other.",
            "Crop it around the face and try again.",
        )


def _name(path: Path) -> str:
    """Name a file in a message: never its folder (that may be a server's), and never a page of text."""
    return f"The file {path.name[:80]!r}"


def _empty(name: str) -> PictureError:
    return PictureError(f"{name} is empty (0 bytes).", "Choose another file, or upload it again.")


def _check_file(path: Path, name: str) -> None:
    """Refuse what is no file, or too large a one to be a picture."""
    try:
        if not path.exists():
            raise PictureError(f"{name} does not exist.", "Check the path.")
        if not path.is_file():  # a folder, or a device that never ends
            raise PictureError(f"{name} is not a file.", "Give the path of one picture file.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise PictureError(f"{name} cannot be opened.", "Check that you may read it.") from error
    if size > MAX_BYTES:
        raise PictureError(
            f"{name} is too large for a picture: {size / 1e6:.0f} MB.",
            "Save it as JPEG or PNG and try again.",
        )


def _read(path: Path, name: str) -> io.BytesIO:
    """Read a file at once, so that an error of the disk is not taken for an error of the picture."""
    _check_file(path, name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{name} cannot be opened.", "Check that you may read it.") from error
    if not data:
        raise _empty(name)
    return io.BytesIO(data)


def _opened(source: io.BytesIO | str | Path, name: str, max_pixels: int, formats: list[str]) -> Image.Image:
    """Open a picture: its header is read, its pixels are not."""
    try:
        return Image.open(source, formats=formats)
    except Image.DecompressionBombError as error:
        raise _too_large(name, "more", max_pixels) from error
    except Exception as error:  # Pillow's readers promise no common class for broken files
        raise PictureError(
            f"{name} is not a picture that can be read.", "Save it as JPEG or PNG and try again."
        ) from error


def _too_large(name: str, count: str, max_pixels: int) -> PictureError:
    return PictureError(
        f"{name} is too large: it has {count} than the {max_pixels / 1e6:.4g} million pixels allowed.",
        "Make it smaller (4000 pixels on the long side are plenty) and try again.",
    )


def _check_size(size: tuple[int, int], max_pixels: int, name: str, smallest: int = MIN_SIDE) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(name, f"{width}×{height} pixels, more", max_pixels)
    if min(width, height) < max(smallest, 1):
        raise PictureError(
            f"{name} is too small: {width}×{height} pixels.",
            f"Each side needs at least {smallest} pixels; for a good result take 256 or more.",
        )
    check_shape(size, name)


def _decode(image: Image.Image, name: str, flatten: bool = True) -> Image.Image:
    """Decode the first frame, turn it upright, make it RGB (or, without ``flatten``, keep its mode)."""
    try:
        image.load()
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:  # a picture within an icon
        raise PictureError(f"{name} is larger than its header says.", "Save it as JPEG or PNG.") from error
    except Exception as error:  # as in _opened
        raise PictureError(
            f"{name} is truncated or damaged: its picture data break off or make no sense.",
            "Upload or copy the file again, or save it anew as JPEG or PNG.",
        ) from error
    try:
        turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001  # broken metadata, sound picture
        turn = None
    image = _mended(image)
    try:
        flat = _flatten(image) if flatten else _straight(image)
    except (MemoryError, PictureError):
        raise
    except Exception as error:  # as in _opened
        raise PictureError(
            f"{name} has colours of a kind that cannot be read ({image.mode}).",
            "Save it as an RGB JPEG or PNG.",
        ) from error
    return flat if turn is None else flat.transpose(turn)


def _mended(image: Image.Image) -> Image.Image:
    """Return a palette picture without transparency of colours that no palette has: Pillow fails on these."""
    clear = image.info.get("transparency")
    if image.mode != "P" or not isinstance(clear, bytes) or len(clear) <= _MOST_COLOURS:
        return image
    mended = image.copy()
    mended.info["transparency"] = clear[:_MOST_COLOURS]
    return mended


def _straight(image: Image.Image) -> Image.Image:
    """Return a copy whose colours are not multiplied by their alpha: hardly anything can be made of such."""
    straight = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)
    return image.convert(straight) if straight else image.copy()


def _flatten(image: Image.Image) -> Image.Image:
    """Draw a decoded image of any mode on white, in sRGB; the new RGB image has no metadata."""
    colours, alpha = _parts(image)
    colours = to_srgb(colours, profile_of(image))
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(colours if colours.mode == "RGB" else colours.convert("RGB"), mask=alpha)
    return canvas


def _parts(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours of a picture, 8 bits a channel, and what of it is opaque; None: all of it."""
    if image.mode.startswith("I") or image.mode == "F":  # Pillow's own conversion would clip these at 255
        values = np.asarray(image)
        clear = image.info.get("transparency")
        alpha = Image.fromarray(values != clear).convert("L") if isinstance(clear, int) else None
        return Image.fromarray(to_levels(values, _white(image))), alpha
    if not image.has_transparency_data:
        return image, None
    rgba = image.convert("RGBA")
    grey = image.mode in ("1", "L", "LA", "La")
    return rgba.getchannel("R") if grey else rgba.convert("RGB"), rgba.getchannel("A")


def _white(image: Image.Image) -> float | None:
    """Return which value is white in a picture of more than 8 bits, where its format says it."""
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(_BITS_TAG)  # TIFF alone has it
        return 4095.0 if bits == (12,) else 65535.0
    return 65535.0 if image.format == "PPM" else None


def _from_array(array: NDArray[Any], max_pixels: int, flat: bool) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise PictureError(
            f"An array of shape {list(array.shape)} is not a picture.", "Give [H,W], [H,W,3] or [H,W,4]."
        )
    _check_size((array.shape[1], array.shape[0]), max_pixels, "The picture")
    stored = None if flat else array_as_stored(array)
    if stored is not None:
        return stored
    levels = to_levels(array)
    if levels.ndim == 3 and levels.shape[2] == 1:
        levels = levels[:, :, 0]
    picture = Image.fromarray(np.ascontiguousarray(levels))
    return _flatten(picture) if flat else picture

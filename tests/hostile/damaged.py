"""Files that are no sound pictures: made here, byte by byte, so that none of them lies in the repository."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

from PIL import Image

_SIDE = 96
_FRIENDLY = {"JPEG": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif", "HEIF": ".heic"}
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM", "ICO")


def ending(form: str) -> str:
    """Return what the name of a file of a format ends with."""
    return _FRIENDLY.get(form, f".{form.lower()}")


@cache
def sound(form: str = "PNG", mode: str = "RGB", **more: object) -> bytes:
    """Return a sound small picture in a format."""
    if form == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    red, green = Image.linear_gradient("L"), Image.radial_gradient("L")
    picture = Image.merge("RGB", (red, green, red.rotate(90))).resize((_SIDE, _SIDE)).convert(mode)
    out = io.BytesIO()
    picture.save(out, form, **more)  # type: ignore[arg-type]
    return out.getvalue()


def cut(data: bytes, share: float) -> bytes:
    """Return the beginning of a file."""
    return data[: round(len(data) * share)]


def scratched(data: bytes) -> bytes:
    """Return a file with its middle overwritten."""
    middle = len(data) // 2
    return data[:middle] + bytes(range(255, 0, -1)) + data[middle + 255 :]


def flipped(data: bytes, seed: int) -> bytes:
    """Return a file in which every 23rd byte, from one on, has another bit."""
    changed = bytearray(data)
    for index in range(8 + seed, len(data), 23):
        changed[index] ^= 1 << (index + seed) % 8
    return bytes(changed)


def chunk(name: bytes, data: bytes, *, right: bool = True) -> bytes:
    """Return a chunk of a PNG, with its checksum or a wrong one."""
    return (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) ^ (not right))
    )


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    rows: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    """Return a PNG of any claim: without ``rows`` its pixels are a few bytes."""
    packed = zlib.compress(rows if rows is not None else b"\0" * 99)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", packed) + after + chunk(b"IEND", b"")


def plain_rows(width: int, height: int, pixel: bytes) -> bytes:
    """Return the rows of a PNG of one colour."""
    return (b"\0" + pixel * width) * height


@cache
def bits(width: int, height: int) -> bytes:
    """Return a true black PNG of one bit a pixel: some kilobytes, however large."""
    return png(width, height, depth=1, colour=0, rows=b"\0" * ((width + 7) // 8 + 1) * height)


def gif(width: int, height: int) -> bytes:
    """Return a GIF that claims a size."""
    start = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    return start + b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\0\x02\x02L\x01\0;"


def bmp(width: int, height: int) -> bytes:
    """Return a BMP that claims a size and has no pixels."""
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def tiff(width: int, height: int, *, following: int = 0, tags: bytes = b"", count: int = 0) -> bytes:
    """Return a TIFF that claims a size; ``following`` is where it says that the next page is."""
    pairs = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (278, height), (279, 100)]
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in pairs)
    return (
        b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(pairs) + count) + body + tags
        + struct.pack("<I", following) + bytes(200)
    )  # fmt: skip


def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG whose frame claims another size."""
    data = bytearray(sound("JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def with_exif(exif: bytes) -> bytes:
    """Return a JPEG with EXIF data as they are given."""
    return sound("JPEG", exif=b"Exif\0\0" + exif)


def exif_entry(tag: int, kind: int, count: int, value: int, following: int = 0) -> bytes:
    """Return EXIF data with one entry."""
    return b"II*\0" + struct.pack("<IHHHIII", 8, 1, tag, kind, count, value, following)


def ico(inner: bytes) -> bytes:
    """Return an icon with a picture in it, said to be of 64 pixels."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 64, 64, 0, 0, 1, 32, len(inner), 22) + inner


def animated(form: str, frames: int = 5) -> bytes:
    """Return a moving picture."""
    shown = [Image.new("RGB", (_SIDE, _SIDE), (40 * index, 90, 60)) for index in range(frames)]
    out = io.BytesIO()
    shown[0].save(out, form, save_all=True, append_images=shown[1:])
    return out.getvalue()

"""Hostile pictures: format and damage, size, depth, profile, EXIF, and other files in their clothes."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

from psp.pictures.profiles import display_p3
from tests.hostile.case import CONTRACT, ENDPOINTS, Case, File, first_of, share_of, values
from tests.hostile.damaged import (
    FORMATS,
    animated,
    bits,
    bmp,
    chunk,
    cut,
    ending,
    exif_entry,
    flipped,
    gif,
    ico,
    jpeg,
    plain_rows,
    png,
    scratched,
    sound,
    tiff,
    with_exif,
)  # fmt: skip

_Make = Callable[[], bytes]
_TAKE_PICTURES = tuple(name for name in ENDPOINTS if first_of(name) in ("photo", "sketch", "mask"))


def _damaged() -> Iterator[tuple[str, str, _Make, bool]]:
    """Yield damage, the file's name, its bytes, and whether it may still be a picture."""
    for form in FORMATS:
        name = f"me{ending(form)}"
        yield f"{form} of which 9 bytes are there", name, lambda form=form: sound(form)[:9], False
        for share in (0.3, 0.9):
            said = f"{form} cut at {share:.0%}"
            yield said, name, lambda form=form, share=share: cut(sound(form), share), form in _PATIENT
        yield f"{form} scratched", name, lambda form=form: scratched(sound(form)), True
        yield f"{form} with bits flipped", name, lambda form=form: flipped(sound(form), 0), True
        yield f"{form} with other bits flipped", name, lambda form=form: flipped(sound(form), 5), True
        yield f"{form} with words behind it", name, lambda form=form: sound(form) + b"<script>" * 99, True
        yield f"{form} behind words", name, lambda form=form: b"<html>" + sound(form), False


_PATIENT = ("PPM", "ICO", "JPEG2000")
"""Formats of which a part is a picture to their readers, or may be."""

CLOTHES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\0",
    "HTML": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><script>alert(1)</script></svg>',
    "SVG with an entity": b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(/etc/passwd) (r) file\nshowpage\n",
    "EPS of DOS": b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "text": b"me, smiling",
    "JSON": b'{"path": "/etc/passwd"}',
    "a shell script": b"#!/bin/sh\nrm -rf /\n",
    "a program": b"\x7fELF\x02\x01\x01" + bytes(99),
    "a program of Windows": b"MZ" + bytes(99),
    "gzip": b"\x1f\x8b\x08" + bytes(60),
    "a pickle": b"\x80\x04cposix\nsystem\n(S'true'\ntR.",
    "PSD": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 99, 99, 8, 3) + bytes(99),
    "TGA": bytes([0, 0, 2]) + bytes(9) + struct.pack("<HHBB", 64, 64, 24, 0) + bytes(64 * 64 * 3),
    "SGI": b"\x01\xda\0\x01\0\x02" + struct.pack(">HHH", 64, 64, 1) + bytes(9000),
    "PCX": b"\x0a\x05\x01\x08" + struct.pack("<4H", 0, 0, 63, 63) + bytes(9000),
    "XBM": b"#define a_width 64\n#define a_height 64\nstatic char a_bits[] = {\n0x00 };\n",
    "XPM": b'/* XPM */\nstatic char *a[] = {"64 64 1 1", "a c #000000"};\n',
    "FITS": b"SIMPLE  =                    T" + b" " * 2850,
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(99),
    "ICNS": b"icns" + struct.pack(">I", 99) + bytes(91),
    "DDS": b"DDS " + struct.pack("<I", 124) + bytes(120),
    "QOI": b"qoif" + struct.pack(">IIBB", 64, 64, 3, 0) + bytes(99),
    "a cursor": struct.pack("<HHH", 0, 2, 1) + bytes(99),
    "FLI": struct.pack("<IHHHHH", 128, 0xAF11, 1, 64, 64, 8) + bytes(200),
    "MP4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(99),
    "a web address": b"[InternetShortcut]\nURL=http://127.0.0.1:7860/\n",
    "NUL": bytes(5000),
    "0xff": b"\xff" * 5000,
}
"""What is no picture that the studio reads, whatever its name says."""


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("../../me.png", sound())
    return out.getvalue()


def _large_text(name: bytes) -> bytes:
    """Return a PNG with 80 MB of text, or of a colour profile, packed to some kilobytes."""
    packed = zlib.compress(b"\0" * (80 << 20), 9)
    before = chunk(name, b"Comment\0\0" + packed)
    return png(64, 64, before=before, rows=plain_rows(64, 64, b"\1\2\3"))


_VP8X = b"RIFF\x2e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0"

BOMBS: dict[str, _Make] = {
    "PNG of 400 megapixels": lambda: bits(20_000, 20_000),
    "PNG that claims 2 gigapixels a side": lambda: png(2**31 - 1, 2**31 - 1),
    "PNG that claims 8000 a side": lambda: png(8001, 8001),
    "GIF that claims 65535 a side": lambda: gif(65535, 65535),
    "BMP that claims 40000 a side": lambda: bmp(40_000, 40_000),
    "BMP upside down, that claims 40000 a side": lambda: bmp(40_000, -40_000),
    "BMP that claims a negative width": lambda: bmp(-5, 99),
    "TIFF that claims 60000 a side": lambda: tiff(60_000, 60_000),
    "TIFF that claims 4 billion a side": lambda: tiff(2**32 - 1, 2**32 - 1),
    "JPEG that claims 65500 a side": lambda: jpeg(65_500, 65_500),
    "PPM that claims 50000 a side": lambda: b"P6\n50000 50000\n255\n\0\0\0",
    "PPM that claims a number of 400 digits": lambda: b"P6\n" + b"9" * 400 + b" 64\n255\n\0",
    "PPM that claims a negative height": lambda: b"P6\n64 -64\n255\n" + bytes(999),
    "PPM without a white": lambda: b"P6\n64 64\n0\n" + bytes(64 * 64 * 3),
    "an icon of 400 megapixels": lambda: ico(bits(20_000, 20_000)),
    "WebP that claims 16383 a side": lambda: _VP8X + b"\xfe\x3f\0" * 2 + bytes(20),
    "PNG one row high": lambda: png(4000, 1, rows=plain_rows(4000, 1, b"\1\2\3")),
    "PNG of one pixel": lambda: png(1, 1, rows=plain_rows(1, 1, b"\1\2\3")),
    "PNG of no pixels": lambda: png(0, 0),
    "PNG of 31 pixels": lambda: png(31, 31, rows=plain_rows(31, 31, b"\1\2\3")),
    "PNG 32 wide, 100000 high": lambda: bits(32, 100_000),
    "PNG 100000 wide, 32 high": lambda: bits(100_000, 32),
    "PNG 21 times as wide as high": lambda: bits(40 * 21 + 1, 40),
}  # fmt: skip
"""What claims to be too large, or is too small or too thin."""

PACKED: dict[str, _Make] = {
    "PNG with 80 MB of packed text": lambda: _large_text(b"zTXt"),
    "PNG with a packed profile of 80 MB": lambda: _large_text(b"iCCP"),
    "PNG with packed international text": lambda: png(
        64,
        64,
        before=chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(80 << 20))),
        rows=plain_rows(64, 64, b"\1\2\3"),
    ),
    "PNG with 3000 texts": lambda: png(
        64, 64, before=chunk(b"tEXt", b"a\0" + b"x" * 99) * 3000, rows=plain_rows(64, 64, b"\1\2\3")
    ),
    "PNG whose rows go on for 60 MB": lambda: png(64, 64, rows=bytes(60 << 20)),
}
"""What is small on the way and large once it is here."""


def _tagged(colour: int, depth: int, clear: bytes, pixel: bytes, palette: bytes = b"") -> bytes:
    before = (chunk(b"PLTE", palette) if palette else b"") + chunk(b"tRNS", clear)
    return png(64, 64, depth=depth, colour=colour, before=before, rows=plain_rows(64, 64, pixel))


def _depths() -> Iterator[tuple[str, str, _Make]]:
    """Yield pictures of odd depths, which are pictures."""
    for mode in ("1", "L", "LA", "P", "RGBA", "I", "I;16"):
        yield f"PNG {mode}", "me.png", functools.partial(sound, "PNG", mode)
    for mode in ("1", "L", "LA", "P", "RGBA", "I", "I;16", "F", "CMYK", "LAB", "YCbCr"):
        yield f"TIFF {mode}", "me.tif", functools.partial(sound, "TIFF", mode)
    for mode in ("L", "CMYK"):
        yield f"JPEG {mode}", "me.jpg", functools.partial(sound, "JPEG", mode)
    for mode in ("L", "I", "1"):
        yield f"PPM {mode}", "me.ppm", functools.partial(sound, "PPM", mode)
    yield "PNG grey, transparent key of 65535", "me.png", lambda: _tagged(0, 8, b"\xff\xff", b"\5")
    yield "PNG grey, transparent key cut", "me.png", lambda: _tagged(0, 8, b"\xff", b"\5")
    yield "PNG in colours, transparent key cut", "me.png", lambda: _tagged(2, 8, b"\xff\xff\0", b"\5\6\7")
    yield (
        "PNG with more transparent colours than 256",
        "me.png",
        lambda: _tagged(3, 8, b"\1" * 600, b"\5", b"\1\2\3" * 9),
    )
    yield (
        "PNG whose pixels are beyond its palette",
        "me.png",
        lambda: _tagged(3, 8, b"\1", b"\xfe", b"\1\2\3"),
    )
    yield "PNG without its palette", "me.png", lambda: _tagged(3, 8, b"\1", b"\xfe")
    yield (
        "PNG with a palette of 300 bytes and one",
        "me.png",
        lambda: _tagged(3, 8, b"\1", b"\5", b"\1" * 301),
    )
    yield "PNG of 3 bits", "me.png", lambda: png(64, 64, depth=3, colour=0, rows=bytes(64 * 25))
    yield (
        "PNG of a colour type that there is not",
        "me.png",
        lambda: png(64, 64, colour=5, rows=bytes(64 * 99)),
    )
    yield "PNG with a wrong checksum", "me.png", lambda: png(
        64, 64, before=chunk(b"gAMA", b"\0\0\0\0", right=False), rows=plain_rows(64, 64, b"\1\2\3")
    )  # fmt: skip
    yield "PNG with no gamma", "me.png", lambda: png(
        64, 64, before=chunk(b"gAMA", b"\0\0\0\0"), rows=plain_rows(64, 64, b"\1\2\3")
    )  # fmt: skip
    yield "all transparent", "me.png", lambda: png(64, 64, colour=6, rows=plain_rows(64, 64, bytes(4)))
    yield "TIFF of floats that are NaN", "me.tif", lambda: _floats(float("nan"))
    yield "TIFF of floats that are infinite", "me.tif", lambda: _floats(float("inf"))
    yield "TIFF of floats of 1e38", "me.tif", lambda: _floats(1e38)
    yield "TIFF of floats below 0", "me.tif", lambda: _floats(-9.0)
    yield "TIFF of integers below 0", "me.tif", lambda: _saved(Image.new("I", (64, 64), -(2**31)))


def _saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "TIFF")
    return out.getvalue()


def _floats(value: float) -> bytes:
    return _saved(Image.new("F", (64, 64), value))


def _beside() -> Iterator[tuple[str, str, _Make]]:
    """Yield pictures whose pixels are sound, and what stands beside them is not."""
    profile = display_p3()
    for name, data in {
        "of nothing": b"\0",
        "that is text": b"sRGB, honestly" * 20,
        "cut": profile[:200],
        "scratched": scratched(profile),
        "of zeros": bytes(len(profile)),
        "that says it is CMYK": profile.replace(b"RGB ", b"CMYK", 1),
        "that says it is grey": profile.replace(b"RGB ", b"GRAY", 1),
        "that says it has 4 billion tags": profile[:128] + b"\xff" * 4 + profile[132:],
    }.items():
        for form in ("JPEG", "PNG"):
            yield f"{form} with a profile {name}", f"me{ending(form)}", functools.partial(
                sound, form, icc_profile=data
            )  # fmt: skip
    for name, data in {
        "whose orientation is text": exif_entry(0x0112, 2, 4, 0x41414141),
        "whose orientation is 99": exif_entry(0x0112, 3, 1, 99),
        "whose orientation is a list": exif_entry(0x0112, 3, 2, 0x00060006),
        "whose orientation is a fraction": exif_entry(0x0112, 5, 1, 8),
        "that goes round in a circle": exif_entry(0x0112, 3, 1, 6, following=8),
        "whose folder of Exif is itself": exif_entry(0x8769, 4, 1, 8),
        "whose folder of interoperability is itself": exif_entry(0xA005, 4, 1, 8),
        "whose folder lies outside": exif_entry(0xA005, 4, 1, 2**32 - 1),
        "with 4 billion values": exif_entry(0x010E, 2, 2**32 - 1, 8),
        "of an unknown type": exif_entry(0x0112, 99, 1, 6),
        "that breaks off": exif_entry(0x0112, 3, 1, 6)[:12],
        "of nothing": b"",
        "of no order": b"XX*\0" + bytes(40),
        "of 65000 bytes": exif_entry(0x010E, 2, 60_000, 26) + b"x" * 60_000,
    }.items():
        yield f"EXIF {name}", "me.jpg", functools.partial(with_exif, data)
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        yield f"{form} that moves", f"me{ending(form)}", functools.partial(animated, form)
    yield "TIFF whose next page is itself", "me.tif", lambda: tiff(64, 64, following=8)
    yield "TIFF with 60000 entries", "me.tif", lambda: tiff(64, 64, count=60_000)
    yield "TIFF whose strip lies outside", "me.tif", lambda: tiff(64, 6400)
    yield "GIF larger than it shows", "me.gif", lambda: gif(96, 96)


_KINDS = (("photo_to_sketch", "photo"), ("sketch_to_face", "sketch"), ("segmentation_to_face", "mask"))


def cases() -> Iterator[Case]:
    """Yield every hostile picture to one endpoint, and a few to every place that takes a picture."""
    for name, filename, make, may in _damaged():
        yield _case("damaged pictures", name, File(filename, make), served=may)
    for name, data in CLOTHES.items():
        yield _case("no pictures", name, File("me.png", lambda data=data: data), said="not a picture|empty")
    yield _case("no pictures", "an archive", File("me.png", _archive), said="not a picture")
    for name, make in BOMBS.items():
        yield _case("sizes", name, File("me.png", make))
    for name, make in PACKED.items():
        yield _case("packed", name, File("me.png", make), served=True)
    for turn, (name, filename, make) in enumerate(_depths()):
        for endpoint, parameter in share_of(_KINDS, turn, 3):
            more = {"align": False} if parameter == "photo" else {}
            given = values(endpoint, **{parameter: File(filename, make)}, **more)
            yield Case("depths", f"{name} as a {parameter}", endpoint, given, served=True)
    for name, filename, make in _beside():
        yield _case("beside the pixels", name, File(filename, make), served=True)
    yield from _everywhere()


def _everywhere() -> Iterator[Case]:
    few: dict[str, _Make] = {
        "HTML": lambda: CLOTHES["HTML"],
        "EPS": lambda: CLOTHES["EPS"],
        "nothing": bytes,
        "half a JPEG": lambda: cut(sound("JPEG"), 0.5),
        "a bomb": BOMBS["PNG of 400 megapixels"],
        "a speck": BOMBS["PNG of one pixel"],
    }
    for name, make in few.items():
        for endpoint in _TAKE_PICTURES:
            yield Case(
                "every input", name, endpoint, values(endpoint, **{first_of(endpoint): File("me.png", make)})
            )
        for endpoint in ("style_mix", "move"):
            yield Case(
                "every input", f"{name} as a style", endpoint, values(endpoint, style=File("me.png", make))
            )
        through = [File("me.png", make)] * 2
        yield Case("every input", f"{name} to go through", "move", values("move", through=through))
        yield Case("every input", f"{name} as a video", "video", values("video", video=File("me.mp4", make)))
        for parameter, endpoints in (("latents", ("decode", "refine")), ("directions", ("edit", "move"))):
            for endpoint in endpoints:
                given = values(endpoint, **{parameter: File("me.safetensors", make)})
                if "edits" in CONTRACT[f"/{endpoint}"][0]:
                    given = values(endpoint, edits="smile:1", **{parameter: File("me.safetensors", make)})
                yield Case("every input", f"{name} as {parameter}", endpoint, given)


def _case(kind: str, name: str, file: File, *, said: str = "", served: bool = False) -> Case:
    # It reads photos as all tasks do, and what is a picture after all costs it hardly anything.
    return Case(
        kind, name, "photo_to_sketch", values("photo_to_sketch", photo=file, align=False), said, served
    )

"""Colour profiles: what they say is followed, and plain sRGB keeps its very bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from psp.pictures.images import load_picture
from psp.pictures.profiles import adobe_rgb, display_p3, matrix_profile

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROPHOTO = matrix_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), [461])
COLOURS = np.array([[200, 50, 50], [60, 180, 90], [70, 80, 190], [128, 128, 128], [235, 200, 180], [9, 9, 9]])
# From XYZ (D65) to sRGB, and from both wide spaces to XYZ: the tables of Lindbloom and of the P3 standard.
TO_SRGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
ADOBE = np.array(
    [[0.5767309, 0.1855540, 0.1881852], [0.2973769, 0.6273491, 0.0752741], [0.0270343, 0.0706872, 0.9911085]]
)
P3 = np.array(
    [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0.0, 0.0451134, 1.0439444]]
)


def to_light(levels: np.ndarray) -> np.ndarray:
    shares = levels / 255.0
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def in_srgb(light: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    srgb = np.clip(light @ matrix.T @ TO_SRGB.T, 0.0, 1.0)
    return 255 * np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055)


WANTED = {
    "Adobe RGB": in_srgb((COLOURS / 255.0) ** (563 / 256), ADOBE),
    "Display P3": in_srgb(to_light(COLOURS), P3),
}


def stripes(colours: np.ndarray) -> Image.Image:
    """A picture with a field of 40×40 for each colour, so that no compression mixes them."""
    return Image.fromarray(np.kron(colours[None].astype(np.uint8), np.ones((40, 40, 1), np.uint8)))


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def fields(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)[20, 20::40].astype(int)


LOSSLESS: dict[str, Any] = {"quality": 100, "subsampling": 0}


@pytest.mark.parametrize(
    ("kind", "options", "off"),
    [
        ("PNG", {}, 1),
        ("TIFF", {}, 1),
        ("JPEG", LOSSLESS, 4),
        ("WEBP", {"lossless": True}, 1),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 6),
        ("HEIF", {"quality": -1}, 6),
    ],
)
@pytest.mark.parametrize(("name", "profile"), [("Adobe RGB", adobe_rgb()), ("Display P3", display_p3())])
def test_wide_colours_become_srgb_in_every_format(
    kind: str, options: dict[str, Any], off: int, name: str, profile: bytes
) -> None:
    load_picture(encoded(Image.new("RGB", (40, 40)), "PNG"))  # registers HEIF
    data = encoded(stripes(COLOURS), kind, icc_profile=profile, **options)
    assert np.abs(fields(load_picture(data)) - WANTED[name]).max() <= off


def test_prophoto_becomes_srgb() -> None:
    """A colour that both spaces have goes there and back."""
    srgb, prophoto = (ImageCms.ImageCmsProfile(io.BytesIO(each)) for each in (SRGB, PROPHOTO))
    given = stripes(COLOURS)
    wide = ImageCms.profileToProfile(given, srgb, prophoto, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    assert wide is not None and np.abs(fields(wide) - COLOURS).max() > 30
    data = encoded(wide, "PNG", icc_profile=PROPHOTO)
    assert np.abs(fields(load_picture(data)) - COLOURS).max() <= 6  # 8 bits are few for so wide a space


@pytest.mark.parametrize("profile", [None, SRGB, b"", b"no profile", SRGB[:200], bytes(4000)])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA"])
def test_plain_srgb_and_broken_profiles_change_no_byte(profile: bytes | None, mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    given = Image.fromarray(noise).convert(mode)
    options = {} if profile is None else {"icc_profile": profile}
    plain = load_picture(encoded(given, "PNG"))
    assert np.array_equal(load_picture(encoded(given, "PNG", **options)), plain)
    assert np.array_equal(plain, np.asarray(given.convert("RGB")))


def test_transparent_pictures_are_converted_before_they_are_laid_on_white() -> None:
    rgba = np.dstack([np.full((40, 40, 3), (200, 50, 50), np.uint8), np.full((40, 40), 255, np.uint8)])
    rgba[:20, :, 3] = 0
    picture = load_picture(encoded(Image.fromarray(rgba), "PNG", icc_profile=adobe_rgb()))
    assert picture.getpixel((5, 5)) == (255, 255, 255)
    assert np.abs(np.subtract(picture.getpixel((5, 30)), (232, 46, 46))).max() <= 1


def grey_profile(gamma: float) -> bytes:
    """A profile of one channel, of the parts of an RGB profile."""
    data = bytearray(
        matrix_profile(((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3127, 0.329), [round(gamma * 256)])
    )
    data[16:20] = b"GRAY"
    return bytes(data).replace(b"rTRC", b"kTRC", 1)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_grey_profiles_are_followed(mode: str) -> None:
    values = np.full((40, 40), 128, np.uint8)
    if mode == "I;16":
        given = Image.fromarray(values.astype(np.uint16) * 257)
    else:
        given = Image.fromarray(values).convert(mode)
    picture = load_picture(encoded(given, "PNG", icc_profile=grey_profile(1.0)))
    assert picture.getpixel((5, 5)) == pytest.approx((188, 188, 188), abs=1)  # half the light
    unlike = load_picture(
        encoded(Image.new("RGB", (40, 40), (9, 128, 9)), "PNG", icc_profile=grey_profile(1.0))
    )
    assert unlike.getpixel((5, 5)) == (9, 128, 9)  # a profile of another picture


def cmyk_profile() -> bytes:
    """A profile of ink that prints all colours half as dark as they are: four inputs, a table of 2 levels."""
    table = np.zeros((2, 2, 2, 2, 3))
    for c, m, y, k in np.ndindex(2, 2, 2, 2):
        table[c, m, y, k] = (100 - 40 * k - 15 * (c + m + y) / 3, 60 * (m - c), 60 * (y - m))
    lab = np.stack([table[..., 0] / 100 * 65280, *((table[..., i] + 128) * 256 for i in (1, 2))], axis=-1)
    lut = (
        b"mft2\0\0\0\0"
        + bytes([4, 3, 2, 0])
        + np.array([1, 0, 0, 0, 1, 0, 0, 0, 1], ">i4").__mul__(65536).tobytes()
    )
    lut += np.array([2, 2], ">u2").tobytes() + np.array([0, 65535] * 4, ">u2").tobytes()
    lut += np.rint(lab).astype(">u2").tobytes() + np.array([0, 65535] * 3, ">u2").tobytes()
    text = b"text\0\0\0\0test\0\0\0\0"
    white = b"XYZ \0\0\0\0" + np.rint(np.array([0.9642, 1, 0.8249]) * 65536).astype(">i4").tobytes()
    desc = b"desc\0\0\0\0\0\0\0\x05test\0" + bytes(79)
    parts = {b"desc": desc, b"cprt": text, b"wtpt": white, b"A2B0": lut, b"A2B1": lut}
    table_, body, start = len(parts).to_bytes(4, "big"), b"", 132 + 12 * len(parts)
    for name, part in parts.items():
        table_ += name + (start + len(body)).to_bytes(4, "big") + len(part).to_bytes(4, "big")
        body += part + bytes(-len(part) % 4)
    head = (
        (start + len(body)).to_bytes(4, "big") + bytes(4) + b"\x02\x10\0\0prtrCMYKLab " + bytes(12) + b"acsp"
    )
    return (head + bytes(28) + white[8:]).ljust(128, b"\0") + table_ + body


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_profiles_are_followed(kind: str) -> None:
    ink = Image.new("CMYK", (40, 40), (0, 0, 0, 255))
    options = {"quality": 100} if kind == "JPEG" else {}
    assert load_picture(encoded(ink, kind, **options)).getpixel((5, 5)) == (0, 0, 0)
    printed = load_picture(encoded(ink, kind, icc_profile=cmyk_profile(), **options)).getpixel((5, 5))
    assert printed == pytest.approx((145, 145, 145), abs=2)  # L* 60
    magenta = Image.new("CMYK", (40, 40), (0, 255, 0, 0))
    found = load_picture(encoded(magenta, kind, icc_profile=cmyk_profile(), **options)).getpixel((5, 5))
    plain = load_picture(encoded(magenta, kind, **options)).getpixel((5, 5))
    assert np.abs(np.subtract(found, plain)).max() > 30 and found[0] > found[1]


def test_cie_lab_is_read() -> None:
    lab = Image.merge("LAB", [Image.new("L", (40, 40), value) for value in (136, 128 + 80, 128 + 67)])
    assert load_picture(encoded(lab, "TIFF")).getpixel((5, 5)) == pytest.approx((250, 3, 11), abs=4)


def test_a_camera_that_names_adobe_rgb_in_exif_alone_is_believed() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    data = encoded(stripes(COLOURS), "JPEG", exif=exif, **LOSSLESS)
    assert np.abs(fields(load_picture(data)) - WANTED["Adobe RGB"]).max() <= 4


def test_maps_keep_their_numbers() -> None:
    data = encoded(stripes(COLOURS), "PNG", icc_profile=adobe_rgb())
    assert np.array_equal(fields(load_picture(data, flat=False)), COLOURS)


def test_a_pillow_image_with_a_profile_is_converted_once() -> None:
    opened = Image.open(io.BytesIO(encoded(stripes(COLOURS), "PNG", icc_profile=adobe_rgb())))
    once = load_picture(opened)
    assert not once.info and np.array_equal(load_picture(once), once)
    assert np.abs(fields(once) - WANTED["Adobe RGB"]).max() <= 1

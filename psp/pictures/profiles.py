"""Colour profiles: pictures in Adobe RGB, Display P3, ProPhoto, CMYK or a grey of their own, brought to sRGB.

A picture without a profile is sRGB, and so is one whose profile cannot be read: that is what browsers do.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's modes of the colour spaces of profiles."""

_SAME = 2
"""A profile that moves no colour by more levels (of 255) than this is sRGB in other words."""

_KEPT = 1_000_000
"""Larger profiles, in bytes, are worked out anew for every picture; smaller ones are remembered."""

_D65, _D50 = (0.3127, 0.3290), (0.3457, 0.3585)
# Primaries (x, y) of red, green, blue.
_ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))

# EXIF: the folder of interoperability, and the index in it that says Adobe RGB (DCF 2.0).
_INTEROP, _INDEX, _ADOBE_INDEX = 0xA005, 1, "R03"
# The number of ITU-T H.273 for Display P3's primaries.
_P3_NUMBER = 12


@dataclass(frozen=True, eq=False)
class _Conversion:
    """How a profile's colours become sRGB's.

    Attributes:
        mode: Pillow's mode that it takes: RGB, L or CMYK.
        transform: None: the profile is sRGB.
    """

    mode: str
    transform: ImageCms.ImageCmsTransform | None


def profile_of(image: Image.Image) -> bytes | None:
    """Return the colour profile of an opened picture; None where it is sRGB, or says nothing.

    Some pictures only name theirs: Adobe RGB in a camera's EXIF, Display P3 in a phone's HEIC.
    """
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        return profile
    numbers = image.info.get("nclx_profile")
    if isinstance(numbers, dict) and numbers.get("color_primaries") == _P3_NUMBER:
        return display_p3()
    if "exif" not in image.info:
        return None
    try:
        index = image.getexif().get_ifd(_INTEROP).get(_INDEX)
    except Exception:  # noqa: BLE001  # broken metadata, sound picture: Pillow's readers raise anything
        return None
    return adobe_rgb() if index == _ADOBE_INDEX else None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return ``image`` in sRGB.

    Args:
        image: Of any mode, without transparency; grey values of 8 bits.
        profile: Its colour profile; None: it is sRGB.

    Returns:
        Mode RGB where something was converted; else ``image`` itself.
    """
    if image.mode == "LAB":
        return _from_lab().apply(image)
    if profile is None:
        return image
    conversion = _remembered(profile) if len(profile) <= _KEPT else _conversion(profile)
    if conversion is None or conversion.transform is None:
        return image
    if image.mode != conversion.mode:
        if conversion.mode == "CMYK" or image.mode == "CMYK" or (conversion.mode, image.mode) == ("L", "RGB"):
            return image  # the profile of another picture
        image = image.convert(conversion.mode)
    return conversion.transform.apply(image)


def _conversion(profile: bytes) -> _Conversion | None:
    """Return what brings the colours of ``profile`` to sRGB; None where it cannot be read or used."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[source.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError, TypeError):
        return None
    if mode == "CMYK":
        return _Conversion(mode, transform)
    sample = _sample()
    made = np.asarray(transform.apply(sample.convert(mode)), dtype=np.int16)
    same = np.abs(made - np.asarray(sample.convert(mode).convert("RGB"))).max() <= _SAME
    return _Conversion(mode, None if same else transform)


_remembered = lru_cache(maxsize=16)(_conversion)


@cache
def _from_lab() -> ImageCms.ImageCmsTransform:
    """Return what turns CIE Lab, as a TIFF may have it, into sRGB; Pillow's own conversion cannot."""
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)


@cache
def _sample() -> Image.Image:
    """Return colours from all over the cube, 9 levels a channel, and all greys."""
    steps = np.linspace(0, 255, 9)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    return Image.fromarray(np.concatenate([cube, greys]).round().astype(np.uint8)[None])


@cache
def adobe_rgb() -> bytes:
    """Return a profile of Adobe RGB (1998): its primaries, and the power 563/256."""
    return matrix_profile(_ADOBE_RGB, _D65, [563])


@cache
def display_p3() -> bytes:
    """Return a profile of Display P3: its primaries, and sRGB's curve."""
    levels = np.linspace(0, 1, 1024)
    curve = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return matrix_profile(_DISPLAY_P3, _D65, np.rint(curve * 65535).astype(int).tolist())


def matrix_profile(
    primaries: Sequence[tuple[float, float]], white: tuple[float, float], curve: Sequence[int]
) -> bytes:
    """Return an ICC profile (version 2) of an RGB space: three primaries and a curve.

    Args:
        primaries: (x, y) of red, green and blue.
        white: (x, y) of white; it is adapted to D50 as Bradford does.
        curve: From level to light, 0 to 65535; a single number is a power in 256ths.
    """
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    from_white, to_white = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in (white, _D50))
    gains = np.diag((bradford @ to_white) / (bradford @ from_white))
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    colours = np.linalg.inv(bradford) @ gains @ bradford @ (columns * np.linalg.solve(columns, from_white))

    text = b"pSp Studio\0"
    xyz = [_xyz(to_white), *(_xyz(colour) for colour in colours.T)]
    trc = b"curv\0\0\0\0" + struct.pack(f">I{len(curve)}H", len(curve), *curve)
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": desc, b"cprt": b"text\0\0\0\0" + text}
    tags |= dict(zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), trc)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += _xyz(to_white)[8:]
    return head.ljust(128, b"\0") + table + body


def _xyz(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Return a colour as a profile holds it."""
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))

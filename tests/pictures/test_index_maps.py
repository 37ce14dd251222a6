"""One map of class numbers, in every wrapping that programs give it, is read as the same map."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from psp.errors import PictureError
from psp.inference.inputs import prepare_map
from psp.maps.palette import CLASSES, PALETTE, Labels, map_to_picture, picture_to_map
from psp.pictures.images import load_picture
from psp.pictures.index_maps import class_numbers, foreign_number

SKIN, HAIR, CLOTH = (CLASSES.index(name) for name in ("skin", "hair", "cloth"))
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def voc_palette(count: int = 256) -> list[int]:
    """The colours of PASCAL VOC, that many tools give to any map of numbers."""
    levels = []
    for index in range(count):
        for channel in range(3):
            bits = (index >> (3 * bit + channel) & 1 for bit in range(3))
            levels.append(sum(bit << (7 - place) for place, bit in enumerate(bits)))
    return levels


PALETTES = {
    "voc": voc_palette(),
    "primary": [255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 255, 0, 255, 0, 255, 255] * 20,
    "one colour": [0] * 768,
    "random": np.random.default_rng(5).integers(0, 256, 768).tolist(),
    "grey": [index for index in range(256) for _ in range(3)],
}


def drawn() -> Labels:
    """A head with all classes, 96 px."""
    sheet = Image.new("L", (96, 96), 0)
    draw = ImageDraw.Draw(sheet)
    draw.ellipse((16, 8, 80, 80), fill=HAIR)
    draw.ellipse((24, 16, 72, 84), fill=SKIN)
    draw.rectangle((0, 86, 95, 95), fill=CLOTH)
    for index in range(2, 18):
        if index != HAIR:
            x, y = 30 + 9 * (index % 4), 26 + 10 * (index // 4)
            draw.rectangle((x, y, x + 6, y + 5), fill=index)
    return np.asarray(sheet)


def stored(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def levels_of(file: bytes) -> Labels:
    return np.asarray(load_picture(file, flat=False))


def with_palette(labels: Labels, levels: list[int]) -> Image.Image:
    picture = Image.fromarray(labels)
    picture.putpalette(levels[:768])
    return picture


def bands(*each: Labels | int) -> Image.Image:
    parts = [part if isinstance(part, np.ndarray) else np.full((96, 96), part, np.uint8) for part in each]
    return Image.fromarray(np.stack(parts, axis=-1))


def ways() -> dict[str, bytes]:
    """Files of the same map."""
    labels = drawn()
    grey, wide = Image.fromarray(labels), labels.astype(np.uint16)
    keyed = with_palette(labels, PALETTES["voc"])
    profile = PngImagePlugin.PngInfo()
    profile.add(b"gAMA", (45455).to_bytes(4, "big"))
    found = {
        "grey": stored(grey),
        "grey with a gamma": stored(grey, pnginfo=profile),
        "grey and an opaque alpha": stored(bands(labels, 255)),
        "colours and an opaque alpha": stored(bands(labels, labels, labels, 255)),
        "three channels": stored(bands(labels, labels, labels)),
        "red alone": stored(bands(labels, 0, 0)),
        "blue alone, opaque": stored(bands(0, 0, labels, 255)),
        "grey, black is transparent": stored(grey, transparency=0),
        "grey, white is transparent": stored(grey, transparency=255),
        "colours, black is transparent": stored(bands(labels, labels, labels), transparency=(0, 0, 0)),
        "palette, the first is transparent": stored(keyed, transparency=0),
        "palette, all opaque": stored(keyed, transparency=b"\xff" * 19),
        "16 bits": stored(Image.fromarray(wide)),
        "16 bits, stretched": stored(Image.fromarray(wide * 257)),
        "16 bits, black is transparent": stored(Image.fromarray(wide), transparency=0),
        "float tiff": stored(Image.fromarray(labels.astype(np.float32)), "TIFF"),
        "float tiff, shares of 255": stored(Image.fromarray(labels.astype(np.float32) / 255), "TIFF"),
        "32-bit tiff": stored(Image.fromarray(labels.astype(np.int32)), "TIFF"),
        "16-bit tiff": stored(Image.fromarray(wide), "TIFF"),
        "cmyk tiff of a painted map": stored(map_to_picture(labels).convert("RGBA"), "TIFF"),
        "gif of grey": stored(grey, "GIF"),
        "gif of voc": stored(with_palette(labels, PALETTES["voc"]), "GIF"),
        "gif of a painted map": stored(map_to_picture(labels), "GIF"),
        "bmp": stored(grey, "BMP"),
        "lossless webp": stored(bands(labels, labels, labels), "WEBP", lossless=True),
        "painted, few colours": stored(map_to_picture(labels).quantize(64)),
    }
    return found | {f"palette: {name}": stored(with_palette(labels, p)) for name, p in PALETTES.items()}


@pytest.mark.parametrize("way", ways())
def test_a_map_is_the_same_in_every_wrapping(way: str) -> None:
    found, warnings = picture_to_map(load_picture(ways()[way], flat=False))
    assert np.array_equal(found, drawn()), np.unique(found).tolist()
    assert (found.dtype, warnings) == (np.uint8, ())


@pytest.mark.parametrize("way", ["grey", "voc", "rgb", "rgba", "16 bits", "16-bit ignore", "signed", "float"])
def test_what_is_ignored_is_background(way: str) -> None:
    labels, where = drawn(), np.s_[70:80, 40:60]
    wanted = labels.copy()
    wanted[where] = 0
    marked = labels.copy()
    marked[where] = 255
    other = labels.astype(np.int32)
    other[where] = -1
    wide, broken = marked.astype(np.uint16), labels.astype(np.float32)
    wide[where] = 65535 if way == "16-bit ignore" else 255
    broken[where] = np.nan
    picture = {
        "grey": Image.fromarray(marked),
        "voc": with_palette(marked, PALETTES["voc"]),
        "rgb": bands(marked, marked, marked),
        "rgba": bands(marked, marked, marked, 255),
        "16 bits": Image.fromarray(wide),
        "16-bit ignore": Image.fromarray(wide),
        "signed": Image.fromarray(other),
        "float": Image.fromarray(broken),
    }[way]
    found, warnings = picture_to_map(picture)
    assert np.array_equal(found, wanted) and warnings == ()


def test_a_hole_in_the_alpha_is_background_and_the_rest_stays() -> None:
    labels = drawn()
    alpha = np.full_like(labels, 255)
    alpha[:40] = 0
    wanted = np.where(alpha > 0, labels, 0)
    for picture in (bands(labels, alpha), bands(labels, labels, labels, alpha)):
        assert np.array_equal(picture_to_map(picture)[0], wanted)
    hidden = np.where(alpha > 0, labels, 77).astype(np.uint8)  # what is not seen says nothing
    assert np.array_equal(picture_to_map(bands(hidden, alpha))[0], wanted)


@pytest.mark.parametrize(
    "kind", [np.uint8, np.uint16, np.int16, np.int32, np.int64, np.uint32, np.float32, np.float64]
)
def test_arrays_of_numbers_are_maps(kind: type) -> None:
    labels = drawn()
    for array in (labels.astype(kind), labels.astype(kind)[:, :, None]):
        assert np.array_equal(picture_to_map(load_picture(array, flat=False))[0], labels)
    coloured = np.repeat(labels.astype(kind)[:, :, None], 3, axis=2)
    assert np.array_equal(picture_to_map(load_picture(coloured, flat=False))[0], labels)


def test_arrays_of_two_classes_are_numbers_and_not_black_and_white() -> None:
    face = np.zeros((64, 64), np.bool_)
    face[16:48, 16:48] = True
    for kind in (np.bool_, np.uint8, np.uint16, np.int64, np.float32, np.float64):
        found, warnings = picture_to_map(load_picture(face.astype(kind), flat=False))
        assert np.array_equal(found, face) and warnings == (), kind
    assert np.array_equal(picture_to_map(Image.fromarray(face))[0], face)


def test_arrays_that_are_no_pictures_are_refused_in_words() -> None:
    from psp.errors import PictureError

    for wrong in (np.zeros((64, 64), np.complex64), np.zeros((64, 64), "U1"), np.zeros((64, 64, 19))):
        with pytest.raises(PictureError):
            load_picture(wrong, flat=False)


def test_a_palette_of_the_classes_colours_says_the_class_whatever_its_order() -> None:
    labels = drawn()
    order = np.random.default_rng(0).permutation(19)
    picture = Image.fromarray(np.argsort(order).astype(np.uint8)[labels])
    picture.putpalette([level for index in order for level in PALETTE[index]])
    assert np.array_equal(picture_to_map(picture)[0], labels)
    for path in (EXAMPLES / "masks").glob("*.png"):
        with Image.open(path) as example:
            assert np.array_equal(picture_to_map(example)[0], picture_to_map(example.convert("RGB"))[0])


def test_other_numbers_of_classes_are_read_as_well() -> None:
    many = (np.arange(96 * 96).reshape(96, 96) // 64 % 150).astype(np.uint8)
    for picture in (Image.fromarray(many), with_palette(many, PALETTES["voc"]), bands(many, many, many, 255)):
        found = class_numbers(picture, 150)
        assert found is not None and np.array_equal(found, many)
        assert class_numbers(picture, 19) is None
    assert class_numbers(Image.fromarray(np.full((32, 32), 255, np.uint8)), 256).max() == 255


def test_the_model_gets_the_same_whatever_the_wrapping() -> None:
    plain = prepare_map(Image.fromarray(drawn()), 64)
    for way in ("palette: voc", "colours and an opaque alpha", "float tiff"):
        other = prepare_map(load_picture(ways()[way], flat=False), 64)
        assert other.inputs.tobytes() == plain.inputs.tobytes() and other.warnings == ()


def test_numbers_from_a_photo_or_a_jpeg_are_warned_about(astronaut: Image.Image) -> None:
    squeezed = Image.fromarray(np.minimum(levels_of(stored(Image.fromarray(drawn()), "JPEG")), 18))
    for picture in (astronaut.quantize(16), squeezed):
        warnings = picture_to_map(picture)[1]
        assert any("from pixel to pixel" in warning and "as PNG" in warning for warning in warnings)


def test_a_photo_says_that_it_is_no_map_in_every_mode(astronaut: Image.Image) -> None:
    for mode in ("RGB", "L", "P", "RGBA", "CMYK"):
        first = picture_to_map(astronaut.convert(mode))[1][0]
        assert "looks like a photo" in first and "photo_to_mask" in first, mode


@pytest.mark.parametrize(
    ("number", "kind"),
    [(19, np.uint8), (200, np.uint8), (19, np.uint16), (300, np.uint16), (-2, np.int32), (0.5, np.float32)],
)
def test_a_number_of_no_class_is_named(number: float, kind: type) -> None:
    labels = np.zeros((64, 64), kind)
    labels[20:50, 10:50], labels[5:20, 10:50], labels[30:34, 20:30] = SKIN, HAIR, number
    pictures = [load_picture(labels, flat=False)]
    if kind is np.uint8:
        one = Image.fromarray(labels)
        pictures += [one.convert("RGB"), one.convert("LA"), one.convert("RGBA")]
        one.putpalette(PALETTES["voc"])
        pictures.append(one)
    for picture in pictures:
        assert foreign_number(picture, len(CLASSES), tuple(PALETTE)) == number
        with pytest.raises(
            PictureError, match=rf"number {number:g}, which is no class\. Its classes are 0 to 18"
        ):
            picture_to_map(picture)


def test_what_has_many_levels_or_no_classes_is_no_map_with_a_foreign_number() -> None:
    grey = Image.open(EXAMPLES / "photos" / "astronaut.jpg").convert("L").resize((128, 128))
    sketch = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(sketch).ellipse((10, 10, 50, 50), outline=60)
    for picture in (grey, sketch, grey.convert("RGB"), Image.new("L", (64, 64), 77)):
        assert foreign_number(picture, len(CLASSES), tuple(PALETTE)) is None
    for painted in sorted((EXAMPLES / "masks").glob("*.png")):
        assert foreign_number(Image.open(painted), len(CLASSES), tuple(PALETTE)) is None

"""Any picture becomes upright 8-bit RGB, or a PictureError says why not; tensors there and back are exact."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from psp.errors import PictureError
from psp.pictures import images
from psp.pictures.images import center_square, limit_pillow, load_picture, to_pictures, to_tensor


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and breaks off in its pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0])) + pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_come_out_upright(orientation: int) -> None:
    upright = noise(40, 60, 3)
    stored = {  # how a camera that notes this orientation lays the pixels down
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = load_picture(encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif))
    assert np.array_equal(np.asarray(picture), upright)
    assert not picture.getexif() and not picture.info


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_spoil_a_sound_picture() -> None:
    data = encoded(Image.fromarray(noise(40, 40, 3)), exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert load_picture(data).size == (40, 40)


def test_alpha_is_composited_on_white() -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[:20, :, 3] = 255  # black above, nothing below
    rgba[0, 0] = (200, 0, 0, 128)
    picture = np.asarray(load_picture(Image.fromarray(rgba)))
    assert (picture[1:20] == 0).all() and (picture[20:] == 255).all()
    assert np.abs(picture[0, 0].astype(int) - (227, 127, 127)).max() <= 1
    assert np.array_equal(picture, np.asarray(load_picture(rgba)))


def test_grey_with_alpha_and_premultiplied_alpha_are_composited_on_white() -> None:
    grey = np.dstack([np.full((40, 40), 100, np.uint8), np.zeros((40, 40), np.uint8)])
    assert load_picture(Image.fromarray(grey)).getpixel((5, 5)) == (255, 255, 255)
    assert load_picture(Image.new("RGBa", (40, 40))).getpixel((5, 5)) == (255, 255, 255)


def test_a_palette_keeps_its_colours_and_its_transparency() -> None:
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30, 9, 9, 9])
    palette.paste(2, (0, 0, 20, 40))
    assert load_picture(encoded(palette)).getpixel((30, 5)) == (10, 20, 30)
    clear = load_picture(encoded(palette, transparency=2))
    assert clear.getpixel((5, 5)) == (255, 255, 255) and clear.getpixel((30, 5)) == (10, 20, 30)


def test_16_bit_greys_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    wanted = np.rint(ramp / 257.0).astype(np.uint8)
    for source in (
        encoded(Image.fromarray(ramp)),
        Image.fromarray(ramp),
        Image.fromarray(ramp.astype(np.int32)),
        ramp,
    ):
        picture = np.asarray(load_picture(source))
        assert np.array_equal(picture, np.dstack([wanted] * 3))


def test_16_bit_files_that_are_dark_stay_dark() -> None:
    dark = Image.fromarray(np.full((40, 40), 257 * 3, np.uint16))
    for kind in ("PNG", "TIFF", "PPM"):
        assert load_picture(encoded(dark, kind)).getpixel((0, 0)) == (3, 3, 3)


def test_16_bit_files_keep_their_transparent_value() -> None:
    values = np.full((40, 40), 30000, np.uint16)
    values[:20] = 500
    data = encoded(Image.fromarray(values))
    trns = b"tRNS" + (500).to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + trns + zlib.crc32(trns).to_bytes(4, "big")
    picture = load_picture(data[:33] + chunk + data[33:])  # behind the header
    assert picture.getpixel((5, 5)) == (255, 255, 255) and picture.getpixel((5, 30)) == (117, 117, 117)


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_float_arrays_in_either_range_are_accepted(scale: float) -> None:
    levels = noise(40, 50, 3)
    assert np.array_equal(np.asarray(load_picture(levels / 255.0 * scale)), levels)


def test_float_greys_of_pillow_are_accepted() -> None:
    levels = noise(40, 50)
    assert np.array_equal(
        np.asarray(load_picture(Image.fromarray(levels.astype(np.float32))))[..., 0], levels
    )


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_other_colour_modes_are_accepted(mode: str) -> None:
    source = Image.fromarray(noise(40, 50, 3)).convert(mode)
    picture = load_picture(source)
    assert picture.mode == "RGB" and np.array_equal(np.asarray(picture), np.asarray(source.convert("RGB")))


def test_a_cmyk_jpeg_keeps_its_colour() -> None:
    red = Image.new("RGB", (40, 40), (220, 20, 20)).convert("CMYK")
    pixel = load_picture(encoded(red, "JPEG", quality=95)).getpixel((5, 5))
    assert np.abs(np.subtract(pixel, (220, 20, 20))).max() < 12


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animated_files_give_their_first_frame(kind: str) -> None:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    data = encoded(first, kind, save_all=True, append_images=[second])
    assert np.abs(np.subtract(load_picture(data).getpixel((5, 5)), (255, 0, 0))).max() < 8


def test_arrays_of_every_layout_are_accepted() -> None:
    grey = noise(40, 50)
    for array in (grey, grey[..., None], np.dstack([grey] * 3), np.dstack([grey, np.full_like(grey, 255)])):
        assert np.array_equal(np.asarray(load_picture(array)), np.dstack([grey] * 3))
    assert load_picture(grey > 127).getextrema() == ((0, 255),) * 3
    assert load_picture(np.dstack([grey] * 3)[:, ::-1]).size == (50, 40)  # not contiguous


def test_the_source_is_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = Image.open(io.BytesIO(encoded(Image.fromarray(noise(40, 60, 3)), exif=exif)))
    before = np.array(source)
    picture = load_picture(source)
    picture.paste("red", (0, 0, 20, 20))
    assert (
        source.size == (60, 40) and source.getexif()[0x0112] == 6 and np.array_equal(np.array(source), before)
    )


def test_a_path_is_read_as_text_or_path(tmp_path: Path) -> None:
    file = tmp_path / "ünïcode name.png"
    file.write_bytes(encoded(Image.fromarray(noise(40, 50, 3))))
    assert load_picture(file).size == load_picture(str(file)).size == (50, 40)


def refused(source: Any, **options: Any) -> PictureError:
    with pytest.raises(PictureError) as caught:
        load_picture(source, **options)
    assert caught.value.problem and caught.value.next_step
    return caught.value


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    error = refused(tmp_path / "me.jpg")
    assert "'me.jpg' does not exist" in str(error) and str(tmp_path) not in str(error)


def test_a_folder_a_nul_byte_and_nothing_are_refused(tmp_path: Path) -> None:
    assert "is not a file" in str(refused(tmp_path))
    refused("a\0b")
    assert "No picture was given" in str(refused(None))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.jpg").write_bytes(b"")
    assert "'none.jpg' is empty (0 bytes)" in str(refused(tmp_path / "none.jpg"))
    assert "is empty (0 bytes)" in str(refused(b""))


def test_a_text_file_renamed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("Dear diary\n" * 100)
    error = refused(tmp_path / "notes.jpg")
    assert "'notes.jpg' is not a picture" in str(error) and str(tmp_path) not in str(error)


def test_formats_that_start_other_programs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("started a program")

    monkeypatch.setattr(subprocess, "check_call", start)
    monkeypatch.setattr(subprocess, "Popen", start)
    postscript = encoded(Image.new("RGB", (64, 64)), "EPS")
    assert "is not a picture" in str(refused(postscript))
    with pytest.raises(OSError, match="Ghostscript"):  # neither where Gradio opens it itself
        Image.open(io.BytesIO(postscript)).load()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.4, 0.9])
def test_a_truncated_file_is_called_truncated(kind: str, part: float, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(noise(128, 128, 3)), kind)
    (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])
    error = refused(tmp_path / "cut")
    assert "'cut'" in str(error) and str(tmp_path) not in str(error)
    if kind not in (
        "WEBP",
        "TIFF",
    ):  # these keep what says "a picture" at the end, or check their length first
        assert "truncated" in str(error)


def test_a_huge_png_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    (tmp_path / "huge.png").write_bytes(png_header(20_000, 20_000))
    error = refused(tmp_path / "huge.png")
    assert "'huge.png' is too large" in str(error) and "64 million" in str(error)
    assert "too large" in str(refused(png_header(8000, 8001)))
    assert "100×100" in str(refused(png_header(100, 100), max_pixels=9_999))


@pytest.mark.filterwarnings("ignore:Image size")  # pytest undoes our own filter
def test_pillow_itself_refuses_what_gradio_would_decode() -> None:
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(png_header(8000, 8001)))
    Image.open(io.BytesIO(png_header(8000, 8000)))


def test_the_limit_of_pillow_can_be_moved() -> None:
    try:
        limit_pillow(9_999)
        assert "too large" in str(refused(png_header(100, 101)))
    finally:
        limit_pillow(images.MAX_PIXELS)


@pytest.mark.parametrize("size", [(16, 16), (500, 31), (31, 500)])
def test_a_tiny_picture_is_refused(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size)
    for source in (picture, encoded(picture), np.asarray(picture)):
        assert f"too small: {size[0]}×{size[1]}" in str(refused(source))
    assert load_picture(Image.new("RGB", (32, 32))).size == (32, 32)


@pytest.mark.parametrize("size", [(32, 100_000), (2_000_000, 32), (40, 801), (801, 40)])
def test_a_strip_is_refused_before_it_is_decoded(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png_header(*size)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert f"too thin: {size[0]}×{size[1]} pixels" in str(refused(data))


def test_a_strip_is_refused_in_memory_too_and_what_is_long_is_not() -> None:
    for source in (Image.new("L", (700, 32)), np.zeros((700, 32, 3), np.uint8)):
        assert "too thin" in str(refused(source)) and "too thin" in str(refused(source, flat=False))
    assert load_picture(Image.new("RGB", (32, 640))).size == (32, 640)


def test_an_icon_may_not_hide_a_strip() -> None:
    icon = bytearray(encoded(Image.new("RGB", (64, 64)), "ICO", sizes=[(64, 64)]))
    strip = encoded(Image.new("RGB", (32, 4000)))
    icon[14:18] = len(strip).to_bytes(4, "little")  # size of the PNG within
    assert "too thin" in str(refused(bytes(icon[:22]) + strip))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(64),
        np.zeros((64, 64, 5), np.uint8),
        np.zeros((2, 64, 64, 3), np.uint8),
        np.full((64, 64), -1.0),
        np.full((64, 64), np.nan),
        np.full((64, 64), np.inf),
        np.full((64, 64), "a"),
        np.zeros((64, 64), complex),
        np.zeros((0, 0, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array: np.ndarray) -> None:
    refused(array)


def test_picture_to_tensor_and_back_is_exact() -> None:
    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16)
    source = Image.fromarray(np.dstack([every_level, every_level.T, 255 - every_level]))
    tensor = to_tensor(source)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert tensor.min() == -1 and tensor.max() == 1
    (back,) = to_pictures(tensor)
    assert np.array_equal(np.asarray(back), np.asarray(source))
    assert np.array_equal(np.asarray(to_pictures(tensor.half())[0]), np.asarray(source))


def test_resizing_is_pillows_antialiased_bilinear() -> None:
    source = Image.fromarray(noise(90, 60, 3))
    wanted = np.asarray(source.resize((32, 32), Image.Resampling.BILINEAR), np.float32) / 127.5 - 1
    assert np.allclose(to_tensor(source, 32)[0].permute(1, 2, 0).numpy(), wanted, atol=1e-6)


def test_to_pictures_clips_and_rounds() -> None:
    values = torch.tensor([-3.0, -1.0, 0.0, 0.5, 1.0, 3.0]).expand(2, 3, 1, 6).clone().requires_grad_()
    pictures = to_pictures(values)
    assert len(pictures) == 2
    assert np.asarray(pictures[1])[0, :, 0].tolist() == [0, 0, 128, 191, 255, 255]
    with pytest.raises(ValueError, match=r"\[B,3,H,W\]"):
        to_pictures(values[0])


def test_the_centre_square_is_the_largest_and_central() -> None:
    assert center_square(Image.new("L", (100, 60))) == (20, 0, 60)
    assert center_square(Image.new("L", (60, 101))) == (0, 20, 60)


def test_importing_does_not_import_torch_dlib_or_opencv() -> None:
    code = "import sys, psp.pictures.images, psp.faces.alignment; "
    code += "sys.exit(bool({'torch', 'dlib', 'cv2'} & sys.modules.keys()))"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0

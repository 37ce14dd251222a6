"""Training, the check, maps and evaluation read a picture as the studio does, or refuse it in its words."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from psp.errors import TrainingError
from psp.evaluation.picture_batches import read_batches
from psp.maps.palette import map_to_picture
from psp.pictures.formats import known_formats
from psp.pictures.images import load_picture
from psp.pictures.profiles import adobe_rgb
from psp.training.config import DataConfig
from psp.training.data.check import check_data
from psp.training.data.maps import open_maps
from psp.training.data.pairs import pair_sources
from psp.training.data.pictures import Pictures, held_out
from psp.training.data.prepare import Preparation
from psp.training.data.sources import open_sources

SIZE = 64


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    known_formats()  # HEIC is made known to Pillow on first use
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return head + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.fixture(scope="module")
def ramp() -> Image.Image:
    """Dark at the top left, lighter to the right and below: every turn of it is another picture."""
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    return Image.fromarray(np.dstack([across * 3, down * 3, (across + down) * 2]).astype(np.uint8))


def odd_pictures(ramp: Image.Image) -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = ramp.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, SIZE, 20))
    return {
        "turned.jpg": encoded(ramp, "JPEG", exif=exif, quality=95),
        "16-bit.png": encoded(Image.fromarray(np.asarray(ramp.convert("L")).astype(np.uint16) * 257)),
        "clear.png": encoded(clear),
        "wide.png": encoded(ramp, icc_profile=adobe_rgb()),
        "phone.heic": encoded(ramp, "HEIF", quality=95),
        "palette.gif": encoded(ramp.convert("P"), "GIF"),
        "scan.tif": encoded(ramp.convert("CMYK"), "TIFF"),
    }


BROKEN = {
    "postscript.png": (encoded(Image.new("RGB", (SIZE, SIZE)), "EPS"), "not a picture"),
    "cut.bmp": (encoded(Image.new("RGB", (SIZE, SIZE)), "BMP")[:4000], "truncated"),
    "cut.avif": (encoded(Image.effect_noise((SIZE, SIZE), 90), "AVIF")[:-200], "."),
    "huge.png": (png_header(14_000, 14_000), "too large"),
    "strip.png": (png_header(32, 100_000), "too thin"),
    "text.jpg": (b"Dear diary", "not a picture"),
    "empty.webp": (b"", "empty"),
}


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("started a program")

    monkeypatch.setattr(subprocess, "check_call", start)


@pytest.mark.parametrize("folder", ["train", "val"])
def test_odd_pictures_are_read_as_the_studio_reads_them(
    ramp: Image.Image, tmp_path: Path, folder: str
) -> None:
    for name, data in odd_pictures(ramp).items():
        place = tmp_path / name.replace(".", "-") / folder
        place.mkdir(parents=True)
        (place / name).write_bytes(data)
        (source,) = open_sources(place.parent)
        wanted = np.asarray(load_picture(data), np.float32).transpose(2, 0, 1) / 127.5 - 1.0
        assert check_data((source,), SIZE) == ()
        if folder == "train":
            read = Pictures((source,), DataConfig(flip=False), SIZE, seed=0).item(0)[1]
        else:
            read = held_out(source, SIZE)[0]
        assert np.allclose(read, wanted, atol=1e-6), name
        (batch,) = read_batches([(source, each) for each in source.all], SIZE, 8)
        assert np.allclose(batch.images[0], wanted, atol=1e-6), name


def test_evaluation_compares_pictures_as_they_are_seen(ramp: Image.Image, tmp_path: Path) -> None:
    """A photo that a phone lays down turned is the same picture as its upright copy."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, picture, options in (("upright", ramp, {}), ("turned", ramp.rotate(90), {"exif": exif})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(encoded(picture, **options))
    upright, turned = (
        next(read_batches([(source, "a.png")], SIZE, 1)).images
        for name in ("upright", "turned")
        for source in open_sources(tmp_path / name)
    )
    assert (upright == turned).all()


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_used_is_told_by_name_everywhere(name: str, tmp_path: Path) -> None:
    data, words = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    (source,) = open_sources(tmp_path)
    (finding,) = check_data((source,), SIZE)
    assert finding.name.endswith(name) and finding.problem == "broken" and words in finding.detail
    uses: list[Callable[[], object]] = [
        lambda: Pictures((source,), DataConfig(), SIZE, seed=0).item(0),
        lambda: list(read_batches([(source, name)], SIZE, 1)),
    ]
    for use in uses:
        with pytest.raises(TrainingError) as caught:
            use()
        assert name in caught.value.problem and words in caught.value.problem and caught.value.next_step


def test_a_broken_picture_is_told_where_maps_are_made(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cut.png").write_bytes(encoded(Image.new("RGB", (SIZE, SIZE)))[:-20])
    with pytest.raises(TrainingError, match=r"cut\.png.*truncated"):
        open_maps(open_sources(tmp_path / "data"), tmp_path / "maps.npz", SIZE)


@pytest.mark.parametrize(("channels", "task"), [(1, "encode"), (3, "encode")])
def test_inputs_that_lie_ready_are_read_alike(
    ramp: Image.Image, tmp_path: Path, channels: int, task: str
) -> None:
    """A transparent sketch is lines on white paper, a turned one is upright, 16 bits are not white."""
    for folder in ("targets", "inputs"):
        (tmp_path / folder).mkdir()
    for name, data in odd_pictures(ramp).items():
        for old in tmp_path.glob("*/*"):
            old.unlink()
        (tmp_path / "targets" / "a.png").write_bytes(encoded(ramp))
        (tmp_path / "inputs" / f"a.{name.split('.')[1]}").write_bytes(data)
        sources, _ = pair_sources(open_sources(tmp_path / "targets"), open_sources(tmp_path / "inputs"))
        prepare = Preparation(task, SIZE, channels)
        assert check_data(sources, SIZE, prepare) == ()
        read = Pictures(sources, DataConfig(flip=False), SIZE, 0, prepare).item(0)[0].numpy()
        seen = load_picture(data)
        if channels == 1:
            wanted = np.asarray(seen.convert("L"), np.float32)[None] / 255.0
        else:
            wanted = np.asarray(seen, np.float32).transpose(2, 0, 1) / 127.5 - 1.0
        assert np.allclose(read, wanted, atol=1e-5), name


def test_maps_that_lie_ready_keep_their_numbers_and_are_upright(ramp: Image.Image, tmp_path: Path) -> None:
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[:20], labels[20:, 30:] = 1, 13
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = {
        "colours.png": encoded(map_to_picture(labels), icc_profile=adobe_rgb()),
        "numbers.tif": encoded(Image.fromarray(labels), "TIFF"),
        "16-bit.png": encoded(Image.fromarray(labels.astype(np.uint16))),
        "turned.png": encoded(Image.fromarray(labels).rotate(90), exif=exif),
    }
    for name, data in kinds.items():
        stem = name.split(".")[0]
        for folder, file, content in (("targets", f"{stem}.png", encoded(ramp)), ("inputs", name, data)):
            (tmp_path / stem / folder).mkdir(parents=True)
            (tmp_path / stem / folder / file).write_bytes(content)
        sources, _ = pair_sources(*(open_sources(tmp_path / stem / part) for part in ("targets", "inputs")))
        prepare = Preparation("segmentation_to_face", SIZE, 19)
        assert check_data(sources, SIZE, prepare) == ()
        read = Pictures(sources, DataConfig(flip=False), SIZE, 0, prepare).item(0)[0].numpy()
        assert np.array_equal(read.argmax(axis=0), labels), name


def test_the_limit_of_pixels_is_the_studios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (200, 200))))
    (source,) = open_sources(tmp_path)
    monkeypatch.setenv("PSP_MAX_PIXELS", "30000")
    try:
        (finding,) = check_data((source,), SIZE)
        assert "too large" in finding.detail
    finally:
        monkeypatch.undo()
        assert check_data((source,), SIZE) == ()  # and Pillow's own limit is what it was

"""Every format that people have is read the same way, and broken files of each are told in words."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from psp.config import Settings
from psp.errors import PictureError
from psp.inference.pipeline import PspPipeline
from psp.pictures.formats import ENDINGS, known_formats
from psp.pictures.images import load_picture

KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {},
    "MPO": {"save_all": True, "append_images": [Image.new("RGB", (96, 96))]},
    "PNG": {},
    "WEBP": {},
    "GIF": {},
    "BMP": {},
    "DIB": {},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {},
    "HEIF": {},
    "JPEG2000": {},
    "PPM": {},
    "ICO": {"sizes": [(96, 96)]},
}


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    known_formats()  # HEIC is made known to Pillow on first use
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def face(astronaut: Image.Image) -> Image.Image:
    return astronaut.resize((96, 96), Image.Resampling.LANCZOS)


def test_every_format_is_known_here() -> None:
    assert {*known_formats(), "MPO"} == set(KINDS)  # Pillow opens that one as a JPEG


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_read(kind: str, face: Image.Image) -> None:
    picture = load_picture(encoded(face, kind, **KINDS[kind]))
    assert (picture.mode, picture.size) == ("RGB", (96, 96))
    assert np.abs(np.asarray(picture, int) - np.asarray(face, int)).mean() < 12  # GIF has 256 colours


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_broken_files_of_every_format_are_told_in_words(kind: str, face: Image.Image) -> None:
    """Cut off, or with wrong bytes anywhere or in the header: a picture or a sentence, nothing else."""
    whole = encoded(face, kind, **KINDS[kind])
    rng = np.random.default_rng(0)
    said: Counter[str] = Counter()
    for attempt in range(36):
        data = bytearray(whole[: int(rng.integers(1, len(whole)))] if attempt % 3 == 0 else whole)
        if attempt % 3:
            last = len(data) if attempt % 3 == 1 else min(200, len(data))
            for place in rng.integers(0, last, int(rng.integers(1, 12))):
                data[place] = rng.integers(256)
        for flat in (True, False):
            try:
                load_picture(bytes(data), flat=flat)
            except PictureError as error:
                assert error.problem and error.next_step
                said["refused"] += 1
    assert said["refused"] > 0


@pytest.mark.parametrize("kind", ["open", "load"])
@pytest.mark.parametrize("error", [RuntimeError, ZeroDivisionError, AssertionError, OverflowError, KeyError])
def test_whatever_a_reader_raises_becomes_words(
    kind: str, error: type[Exception], face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("broken")

    data = encoded(face, "PNG")
    monkeypatch.setattr(*((Image, "open") if kind == "open" else (ImageFile.ImageFile, "load")), fail)
    with pytest.raises(PictureError):
        load_picture(data)


def test_a_picture_that_needs_more_memory_than_there_is_is_told(
    face: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    data = encoded(face, "PNG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(PictureError, match="memory"):
        load_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_turned_pictures_are_upright_in_every_format_that_has_exif(kind: str, face: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    stored = face.crop((0, 0, 96, 64)).transpose(Image.Transpose.ROTATE_90)
    picture = load_picture(encoded(stored, kind, exif=exif.tobytes()))
    assert picture.size == (96, 64)
    assert np.abs(np.asarray(picture, int) - np.asarray(face.crop((0, 0, 96, 64)), int)).mean() < 8


def test_a_transparent_heic_lies_on_white(face: Image.Image) -> None:
    clear = face.copy()
    clear.putalpha(Image.new("L", face.size, 0))
    assert load_picture(encoded(clear, "HEIF")).getpixel((9, 9)) == (255, 255, 255)


def test_a_heic_gives_what_its_picture_gives(astronaut: Image.Image, pipeline: PspPipeline) -> None:
    data = encoded(astronaut, "HEIF", quality=-1)  # lossless
    assert np.abs(np.asarray(load_picture(data), int) - np.asarray(astronaut, int)).mean() < 2
    place = pipeline.align(data).details["alignment"]
    wanted = pipeline.align(astronaut).details["alignment"]
    assert place["faces"] == 1 and np.allclose(place["quad"], wanted["quad"], atol=3)


def test_endings_are_in_small_letters_and_cover_what_pillow_calls_these_formats() -> None:
    known_formats()
    assert all(ending == ending.lower() and ending.startswith(".") for ending in ENDINGS)
    usual = {
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".avif",
        ".heic",
        ".heif",
    }
    assert usual <= set(ENDINGS)
    kinds = {Image.registered_extensions().get(ending) for ending in ENDINGS if ending != ".hif"}
    assert kinds <= {*known_formats(), "MPO"}


def test_a_file_that_is_too_large_for_a_picture_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "video.jpg").open("wb") as file:
        file.truncate(600_000_000)  # a hole: takes no room
    with pytest.raises(PictureError, match="too large for a picture: 600 MB"):
        load_picture(tmp_path / "video.jpg")


def test_settings_have_the_limit_of_the_reader() -> None:
    from psp.pictures.images import MAX_PIXELS

    assert Settings().max_pixels == MAX_PIXELS

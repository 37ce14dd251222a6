"""Zip files from macOS, from Windows and from strangers; whatever is passed over is said."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from psp.errors import TrainingError
from psp.pictures.formats import known_formats
from psp.pictures.images import MAX_BYTES
from psp.pictures.listing import clean_name
from psp.training.data.check import check_data
from psp.training.data.sources import Source, open_source, open_sources, read_square


def encoded(kind: str = "PNG", size: int = 64, level: int = 90) -> bytes:
    known_formats()  # HEIC is made known to Pillow on first use
    out = io.BytesIO()
    Image.new("RGB", (size, size), (level, 40, 10)).save(out, kind)
    return out.getvalue()


def pack(path: Path, *names: str, content: bytes = encoded()) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # zipfile would clean it
            archive.writestr(entry, content)
    return path


def read(data: Path) -> tuple[tuple[Source, ...], list[str]]:
    said: list[str] = []
    return open_sources(data, said.append), said


def test_what_macos_adds_is_no_picture(tmp_path: Path) -> None:
    names = ("faces/a.png", "faces/b.PNG", "__MACOSX/faces/._a.png", "faces/.DS_Store", "faces/._b.PNG")
    ((source,), said) = read(pack(tmp_path / "faces.zip", *names))
    assert source.train == ("faces/a.png", "faces/b.PNG")
    assert said == ["faces.zip: passed over 3 hidden."]
    assert check_data((source,), 64) == ()


def test_hidden_files_of_folders_are_no_pictures(tmp_path: Path) -> None:
    for name in ("a.png", "._a.png", ".thumbnails/a.png", "__MACOSX/a.png"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(encoded())
    ((source,), said) = read(tmp_path / "data")
    assert source.train == ("a.png",) and said == ["data: passed over 3 hidden."]


def test_windows_names_have_folders_and_their_val_is_held_out(tmp_path: Path) -> None:
    names = ("faces\\a.png", "faces\\val\\b.png", "faces\\Val\\c.jpg", "faces\\")
    ((source,), said) = read(pack(tmp_path / "faces.zip", *names))
    assert source.train == ("faces/a.png",) and source.val == ("faces/Val/c.jpg", "faces/val/b.png")
    assert read_square(source.reader()("faces/val/b.png"), "b").size == (64, 64)
    assert said == []


def test_endings_count_in_any_case_and_all_formats_are_read(tmp_path: Path) -> None:
    kinds = {
        "a.TIF": "TIFF",
        "b.gif": "GIF",
        "c.avif": "AVIF",
        "d.jfif": "JPEG",
        "e.Heic": "HEIF",
        "f.JPG": "JPEG",
    }
    for place in (tmp_path / "FACES.ZIP", tmp_path / "more.Zip"):
        with zipfile.ZipFile(place, "w") as archive:
            for name, kind in kinds.items():
                archive.writestr(name, encoded(kind))
    (sources, said) = read(tmp_path)
    assert [(source.name, source.train) for source in sources] == [
        ("FACES", tuple(kinds)),
        ("more", tuple(kinds)),
    ]
    assert check_data(sources, 64) == () and said == []


def test_what_is_no_picture_is_said_with_its_endings(tmp_path: Path) -> None:
    pack(tmp_path / "faces.zip", "a.png", "a.psd", "b.psd", "notes.txt", "README")
    (tmp_path / "more.rar").write_bytes(b"Rar!")
    (_, said) = read(tmp_path)
    assert said == [
        f"{tmp_path.name}: passed over 1 that is no picture (.rar).",
        "faces.zip: passed over 4 that are no pictures (.psd, .txt, no ending).",
    ]


def test_a_zip_file_beside_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded())
    pack(tmp_path / "faces.zip", "b.png")
    ((source,), said) = read(tmp_path)
    assert source.train == ("a.png",)
    assert said == [f"{tmp_path.name}: passed over 1 that is no picture (.zip)."]


def test_where_nothing_is_left_the_error_says_what_was_there(tmp_path: Path) -> None:
    pack(tmp_path / "raw.zip", "a.cr2", "b.cr2", "__MACOSX/._a.cr2")
    with pytest.raises(TrainingError, match=r"2 that are no pictures \(\.cr2\), 1 hidden"):
        open_sources(tmp_path)
    with pytest.raises(TrainingError, match=r"2 that are no pictures"):
        open_source(tmp_path / "raw.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for level in (10, 200):
            archive.writestr("a.png", encoded(level=level))
    ((source,), said) = read(path)
    assert source.train == ("a.png",) and said == [
        "twice.zip: passed over 1 with a name that is there already."
    ]
    assert read_square(source.reader()("a.png"), "a").getpixel((0, 0)) == (200, 40, 10)  # as unzip leaves it


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("/etc/a.png", "etc/a.png"),
        ("../../a.png", "a.png"),
        ("C:\\faces\\a.png", "faces/a.png"),
        ("\\\\server\\share\\a.png", "server/share/a.png"),
        ("./faces//./a.png", "faces/a.png"),
    ],
)
def test_names_that_lead_elsewhere_stay_in_the_archive(tmp_path: Path, name: str, clean: str) -> None:
    assert clean_name(name) == clean
    ((source,), _) = read(pack(tmp_path / "a.zip", name))
    assert source.all == (clean,) and source.reader()(clean) == encoded()


def test_a_bomb_is_refused_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", encoded())
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24  # the size unpacked, in the directory
    data[place : place + 4] = (MAX_BYTES + 1).to_bytes(4, "little")
    path.write_bytes(data)
    ((source,), _) = read(path)
    with pytest.raises(TrainingError, match=r"unpacks to 512 MB"):
        source.reader()("a.png")


def _encrypted(data: bytearray) -> None:
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1


def _other_method(data: bytearray) -> None:
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(mark) + offset] = 97


def _wrong_sum(data: bytearray) -> None:
    data[60] ^= 0xFF


@pytest.mark.parametrize(
    ("harm", "words"),
    [(_encrypted, "encrypted"), (_other_method, "cannot be unpacked"), (_wrong_sum, "cannot be unpacked")],
)
def test_what_cannot_be_unpacked_is_named(
    tmp_path: Path, harm: Callable[[bytearray], None], words: str
) -> None:
    path = pack(tmp_path / "a.zip", "a.png")
    data = bytearray(path.read_bytes())
    harm(data)
    path.write_bytes(data)
    (source,) = open_sources(path)
    (finding,) = check_data((source,), 64)
    assert finding.problem == "broken" and words in finding.detail and "a.png" in finding.detail


@pytest.mark.parametrize("cut", [1, 10, 40, 200])
def test_a_zip_file_that_was_cut_off_is_told(tmp_path: Path, cut: int) -> None:
    path = pack(tmp_path / "a.zip", "a.png")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(TrainingError, match=r"a\.zip is not a readable zip file"):
        open_sources(tmp_path)


def test_a_zip_file_or_folder_called_val_is_held_out_beside_others(tmp_path: Path) -> None:
    for name in ("one", "VAL"):
        pack(tmp_path / f"{name}.zip", "a.png")
    ((val, one), _) = read(tmp_path)
    assert (val.train, val.val) == ((), ("a.png",)) and one.train == ("a.png",)
    for name in ("train", "val", "extra"):
        (tmp_path / "folders" / name).mkdir(parents=True)
        (tmp_path / "folders" / name / "a.png").write_bytes(encoded())
    (sources, _) = read(tmp_path / "folders")
    assert {source.name: len(source.train) for source in sources} == {"train": 1, "val": 0, "extra": 1}


def test_a_folder_and_a_zip_file_of_one_name_are_two_sources(tmp_path: Path) -> None:
    pack(tmp_path / "faces.zip", "a.png")
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "b.png").write_bytes(encoded())
    (tmp_path / "v1.1").mkdir()
    (tmp_path / "v1.2").mkdir()
    for folder in ("v1.1", "v1.2"):
        (tmp_path / folder / "c.png").write_bytes(encoded())
    (sources, _) = read(tmp_path)
    assert [source.name for source in sources] == ["faces", "faces.zip", "v1.1", "v1.2"]


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded())
    source = open_source(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(TrainingError, match=r"a\.png cannot be opened"):
        source.reader()("a.png")

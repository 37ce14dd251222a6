"""What a stranger hands in becomes a folder whose names lead nowhere else; results become a zip file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from psp.errors import PspError
from psp.folders.bundle import keep_results, pack, places, unpack
from psp.folders.files import find_pictures

Entries = dict[str, bytes]


def png(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def zipped(path: Path, entries: Entries) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def loose(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name


def test_pictures_and_zip_files_become_one_folder_and_the_rest_is_told(tmp_path: Path) -> None:
    given = [
        loose(tmp_path / "a", "me.png", png(1)),
        loose(tmp_path / "b", "me.png", png(2)),
        loose(tmp_path / "b", "notes.txt", b"hello"),
        zipped(tmp_path / "more.zip", {"trip/me.png": png(3), "__MACOSX/._me.png": b"x", "read.me": b"x"}),
    ]
    unpacked = unpack(given, tmp_path / "in", 10)
    assert set(unpacked.digests) == {"me.png", "me (2).png", "trip/me.png"}
    assert (tmp_path / "in" / "me (2).png").read_bytes() == png(2)
    told = " ".join(unpacked.passed_over)
    assert "notes.txt is no picture" in told and "in more.zip 1 that is no picture (.me), 1 hidden" in told


@pytest.mark.parametrize(
    "name",
    [
        "../../out.png",
        "/etc/out.png",
        "C:\\out.png",
        "a/../../out.png",
        "..\\..\\out.png",
        "a\nb\x1b[31m.png",
        "couples/out.png",
        "latents/out.png",
        "x" * 250 + ".png",
        "é" * 200 + ".png",
        "/".join("abcdefghijklmnop") + "/out.png",
        "<img src=x>.png",
    ],
)
def test_no_name_leads_out_of_the_folder_or_cannot_be_written(name: str, tmp_path: Path) -> None:
    given = zipped(tmp_path / "given.zip", {name: png()})
    before = set(tmp_path.rglob("*"))
    (told,) = unpack([given], tmp_path / "in", 10).digests
    made = {path for path in set(tmp_path.rglob("*")) - before if path.is_file()}
    assert made == {tmp_path / "in" / told}
    assert told.isprintable() and "<" not in told and told.endswith(".png")
    (found,) = find_pictures(tmp_path / "in", tmp_path / "out")
    assert found.target.parts[0] not in ("couples", "latents")


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(100 << 20))
    return path


def encrypted(path: Path) -> Path:
    data = bytearray(zipped(path, {"a.png": png()}).read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + at] |= 1
    path.write_bytes(data)
    return path


def torn(path: Path) -> Path:
    zipped(path, {"a.png": png()})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def damaged(path: Path) -> Path:
    data = bytearray(zipped(path, {"a.png": png()}).read_bytes())
    data[45] ^= 255
    path.write_bytes(data)
    return path


def long_table(path: Path) -> Path:
    """With more entries than are believed, behind a last record that says it has few."""
    path.write_bytes(b"PK\x01\x02" * 30_000 + b"PK\x05\x06" + bytes(18))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (bomb, "would unpack to 100 MB"),
        (encrypted, "encrypted"),
        (torn, "not a readable zip file"),
        (damaged, "cannot be unpacked"),
        (long_table, "too many files"),
        (lambda path: zipped(path, {"a.txt": b"x"}), "no picture in what was given"),
        (
            lambda path: zipped(path, {f"{n}.png": png() for n in range(11)}),
            "These are 11 pictures. Give up to 10",
        ),
        (lambda path: zipped(path, {"more.zip": b"PK"}), "no picture in what was given"),
        (lambda path: loose(path.parent, path.name, b""), "not a readable zip file"),
    ],
)
def test_zip_files_that_cannot_be_used_are_refused_with_what_to_do(
    make: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "given.zip")
    with pytest.raises(PspError, match=words) as caught:
        unpack([path], tmp_path / "in", 10)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.next_step


def test_names_that_are_file_and_folder_at_once_and_hidden_ones_become_files(tmp_path: Path) -> None:
    names = ["a.jpg", "a.jpg/b.jpg", "a.png/c.jpg", "infer-report.csv/d.jpg", "_?MACOSX/e.jpg"]
    given = zipped(tmp_path / "given.zip", {name: png(n) for n, name in enumerate(names)})
    digests = unpack([given, given], tmp_path / "in", 5).digests  # named twice, it is one
    found = find_pictures(tmp_path / "in", tmp_path / "out")
    assert len(found) == len(digests) == 5
    folders = {part for each in found for part in each.target.parts[:-1]}
    assert folders == {"a_jpg", "a_png", "infer-report_csv", "MACOSX"}


def test_what_cannot_be_unpacked_leaves_what_was_there(tmp_path: Path) -> None:
    unpack([loose(tmp_path / "a", "me.png", png(1))], tmp_path / "in", 10)
    with pytest.raises(PspError, match="encrypted"):
        unpack(
            [loose(tmp_path / "b", "me.png", png(2)), encrypted(tmp_path / "bad.zip")], tmp_path / "in", 10
        )
    assert (tmp_path / "in" / "me.png").read_bytes() == png(1)


def test_results_stay_with_their_pictures_whatever_these_are_called_now(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    first = [loose(tmp_path / "a", "me.png", png(1)), loose(tmp_path / "a", "you.png", png(2))]
    before = unpack(first, tmp_path / "in", 10)
    old = places(find_pictures(tmp_path / "in", tmp_path / "out"), before.digests)
    for name in ("me.png", "you.png", "couples/me.png", "infer-report.csv"):
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"result of {name}")
    # Another "me.png" comes first; "you.png" goes.
    second = [loose(tmp_path / "b", "me.png", png(9)), first[0]]
    after = unpack(second, tmp_path / "in", 10)
    keep_results(
        tmp_path / "out", old, places(find_pictures(tmp_path / "in", tmp_path / "out"), after.digests)
    )
    kept = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text()
        for path in (tmp_path / "out").rglob("*.*")
    }
    assert kept == {"me (2).png": "result of me.png", "couples/me (2).png": "result of couples/me.png"}


def test_a_zip_file_of_results_holds_all_but_hidden_files_and_is_never_seen_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "below/b.png", ".draft.part"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(name.encode())
    pack(tmp_path / "out", tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert sorted(archive.namelist()) == ["a.png", "below/b.png"]
        assert archive.testzip() is None
    before = (tmp_path / "all.zip").read_bytes()

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(OSError, match="No space"):
        pack(tmp_path / "out", tmp_path / "all.zip")
    assert (tmp_path / "all.zip").read_bytes() == before
    assert not list(tmp_path.glob(".*part"))

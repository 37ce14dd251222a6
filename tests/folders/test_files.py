"""Pictures are found by name, results never touch them, and a file is there whole or not at all."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from psp.codes.recipe import Recipe, picture_to_png
from psp.errors import InputError, SettingsError
from psp.folders.files import find_pictures, made_already, write_file


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_pictures_of_all_folders_are_found_but_no_hidden_ones_and_no_results(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/c.webp", "notes.txt", "phone.heic", "._b.jpg", ".trash/d.png", "out/a/c.png")
    said: list[str] = []
    found = find_pictures(tmp_path, tmp_path / "out", said.append)
    assert [each.name for each in found] == ["a/c.webp", "b.JPG", "phone.heic"]
    assert said == ["passed over: 1 that is no picture (.txt), 2 hidden"]
    assert [each.target.as_posix() for each in found] == ["a/c.png", "b.png", "phone.png"]
    assert found[0].path == tmp_path / "a" / "c.webp"


def test_pictures_of_one_name_get_results_of_two(tmp_path: Path) -> None:
    touch(tmp_path, "me.jpg", "ME.png", "a/me.jpg")
    targets = {each.name: each.target.as_posix() for each in find_pictures(tmp_path, tmp_path / "out")}
    assert targets == {"me.jpg": "me.jpg.png", "ME.png": "ME.png.png", "a/me.jpg": "a/me.png"}


def test_no_two_pictures_share_a_name(tmp_path: Path) -> None:
    names = [
        "me.jpg",
        "me.png",
        "me.jpg.webp",
        "IMG.0001.jpg",
        "IMG.0002.jpg",
        "e\u0301.jpg",
        "\u00e9.png",
        "v1.2.png",
    ]
    touch(tmp_path, *names)
    targets = {each.name: each.target.as_posix() for each in find_pictures(tmp_path, tmp_path / "out")}
    assert targets["me.jpg.webp"] == "me.jpg.webp.png"
    assert (targets["me.jpg"], targets["me.png"]) == ("me.jpg.png", "me.png.png")
    assert (targets["IMG.0001.jpg"], targets["v1.2.png"]) == ("IMG.0001.png", "v1.2.png")
    assert len({unicodedata.normalize("NFC", target) for target in targets.values()}) == len(names)


def test_a_link_to_where_the_pictures_are_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "photos/below/me.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "below").symlink_to(tmp_path / "photos" / "below")
    with pytest.raises(SettingsError, match="where the pictures are"):
        find_pictures(tmp_path / "photos", tmp_path / "out")


@pytest.mark.parametrize("out", ["photos", ".", "photos/../photos"])
def test_results_may_not_go_where_the_pictures_are(tmp_path: Path, out: str) -> None:
    touch(tmp_path, "photos/me.png")
    with pytest.raises(SettingsError, match="where the pictures are"):
        find_pictures(tmp_path / "photos", tmp_path / out)


def test_a_folder_without_pictures_is_told_and_so_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match="No picture"):
        find_pictures(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="no folder"):
        find_pictures(tmp_path / "nowhere", tmp_path / "out")


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    strange = tmp_path / b"caf\xe9.png".decode("utf-8", "surrogateescape")
    try:
        strange.touch()
    except OSError:
        pytest.skip("this disk takes text only")
    (found,) = find_pictures(tmp_path, tmp_path / "out")
    assert found.name == "caf\\udce9.png"
    assert found.path.is_file()


def test_only_what_the_recipe_makes_is_there_already(tmp_path: Path) -> None:
    recipe = Recipe("align", "", "", {"face": 0})
    write_file(tmp_path / "a" / "me.png", picture_to_png(Image.new("RGB", (64, 64)), recipe))
    path = tmp_path / "a" / "me.png"
    assert made_already(path, recipe)
    assert made_already(path, recipe, 64)
    assert not made_already(path, recipe, 128)
    assert not made_already(path, Recipe("align", "", "", {"face": 1}))
    assert not made_already(tmp_path / "absent.png", recipe)
    path.write_bytes(path.read_bytes()[:20])
    assert not made_already(path, recipe)


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "me.png").mkdir()
    with pytest.raises(OSError, match=r"me\.png"):
        write_file(tmp_path / "me.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["me.png"]


@pytest.mark.parametrize("out", ["file", "file/below", "file/below/deeper"])
def test_results_cannot_go_below_a_file(out: str, tmp_path: Path) -> None:
    touch(tmp_path, "given/a.png", "file")
    with pytest.raises(SettingsError, match="is a file, no folder"):
        find_pictures(tmp_path / "given", tmp_path / out)

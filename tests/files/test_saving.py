"""Files are written whole or not at all, keep their whole names, and replace nothing but earlier results."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from psp.codes.latents import codes_to_bytes
from psp.codes.recipe import Recipe, picture_to_png
from psp.errors import SettingsError
from psp.files.saving import (
    begins_with,
    is_sheet,
    made_by,
    recipe_at,
    require_own,
    set_aside,
    stem_of,
    write_files,
)
from tests.full_disk import full_disk

RECIPE = Recipe("encode", "mobile-1024", "ab" * 32, {"face": 0})
PNG = picture_to_png(Image.new("RGB", (64, 64), "red"), RECIPE)
CODES = codes_to_bytes(np.zeros((12, 512), np.float32), RECIPE)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("me.jpg", "me"),
        ("IMG.0001.jpg", "IMG.0001"),
        ("WhatsApp Image 2024-05-01 at 10.15.30.jpeg", "WhatsApp Image 2024-05-01 at 10.15.30"),
        ("photo.edited.PNG", "photo.edited"),
        ("v1.2", "v1.2"),
        ("taken at 10.15.30", "taken at 10.15.30"),
        ("face.safetensors", "face"),
        ("me.jpg.webp", "me.jpg"),
        ("photo.heic", "photo"),
        ("me", "me"),
        ("me.", "me."),
        (".jpg", ".jpg"),
        ("portrait.final", "portrait.final"),
    ],
)
def test_a_name_loses_its_ending_and_nothing_else(name: str, stem: str) -> None:
    assert stem_of(name) == stem


def test_recipes_are_found_in_pictures_and_codes_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "a.safetensors").write_bytes(CODES)
    assert recipe_at(tmp_path / "a.png") == recipe_at(tmp_path / "a.safetensors") == RECIPE
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(CODES[:30])
    (tmp_path / "text.png").write_text("psp-recipe")
    (tmp_path / "list.safetensors").write_bytes((2).to_bytes(8, "little") + b"[]")
    for name in (
        "plain.png",
        "model.safetensors",
        "torn.safetensors",
        "text.png",
        "list.safetensors",
        "no.png",
    ):
        assert recipe_at(tmp_path / name) is None, name


@pytest.mark.parametrize("name", ["photo.png", "model.safetensors", "photo.jpg", "notes.txt"])
def test_what_the_studio_did_not_make_stays(tmp_path: Path, name: str) -> None:
    if name.endswith(("png", "jpg")):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(b"mine")
    before = (tmp_path / name).read_bytes()
    with pytest.raises(SettingsError, match=f"{name} is there already"):
        write_files({tmp_path / "new.png": PNG, tmp_path / name: PNG}, made_by())
    assert (tmp_path / name).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]  # the other one is not written either


def test_an_earlier_result_is_replaced_but_no_input_and_none_of_another_task(tmp_path: Path) -> None:
    path = tmp_path / "me.png"
    path.write_bytes(PNG)
    write_files({path: PNG + b"new"}, made_by({"encode"}))
    assert path.read_bytes().endswith(b"new")
    with pytest.raises(SettingsError, match="already"):
        write_files({path: PNG}, made_by({"toonify"}))
    with pytest.raises(SettingsError, match="already"):
        write_files({path: PNG}, made_by(given=[tmp_path / "absent.png", path]))
    (tmp_path / "link.png").symlink_to(path)
    with pytest.raises(SettingsError, match="already"):
        write_files({path: PNG}, made_by(given=[tmp_path / "link.png"]))
    assert path.read_bytes().endswith(b"new")


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept.png").write_bytes(PNG)
    (tmp_path / "me.png").symlink_to(tmp_path / "kept.png")
    write_files({tmp_path / "me.png": PNG + b"new"}, made_by())
    assert (tmp_path / "kept.png").read_bytes() == PNG


def test_an_empty_file_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "me.png").touch()
    require_own(tmp_path / "me.png", made_by())


@pytest.mark.parametrize("sync", [True, False])
def test_on_a_full_disk_all_stays_as_it_was(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "me.png"
    path.write_bytes(PNG)
    with full_disk(), pytest.raises(OSError, match="large"):
        write_files({path: PNG[:300], tmp_path / "me.safetensors": CODES}, sync=sync)
    assert path.read_bytes() == PNG
    assert [each.name for each in tmp_path.iterdir()] == ["me.png"]


def test_a_name_may_be_as_long_as_the_disk_takes_it(tmp_path: Path) -> None:
    name = "n" * (os.pathconf(tmp_path, "PC_NAME_MAX") - 4) + ".png"
    write_files({tmp_path / name: PNG})
    assert (tmp_path / name).read_bytes() == PNG


def test_tables_and_sheets_are_known_by_their_marks(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("name;sum\n")
    (tmp_path / "ours.csv").write_text("file,result,reason,side\n")
    own = begins_with("file,result")
    assert own(tmp_path / "ours.csv") and not own(tmp_path / "mine.csv") and not own(tmp_path / "absent.csv")
    Image.new("RGB", (64, 64)).save(tmp_path / "mine.jpg", comment="a day at the sea")
    Image.new("RGB", (64, 64)).save(tmp_path / "sheet.jpg", comment="pSp Studio")
    (tmp_path / "result.png").write_bytes(PNG)
    assert [is_sheet(tmp_path / name) for name in ("mine.jpg", "sheet.jpg", "result.png")] == [
        False,
        True,
        True,
    ]


def test_what_is_set_aside_gets_a_free_name(tmp_path: Path) -> None:
    for name in ("report.csv", "report-1.csv"):
        (tmp_path / name).write_text(name)
    assert set_aside(tmp_path / "report.csv") == tmp_path / "report-2.csv"
    assert (tmp_path / "report-2.csv").read_text() == "report.csv"
    assert (tmp_path / "report-1.csv").read_text() == "report-1.csv"


def test_the_mark_does_not_change_the_picture() -> None:
    with Image.open(io.BytesIO(PNG)) as opened:
        assert opened.info["Software"] == "pSp Studio"

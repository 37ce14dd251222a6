"""Results as files: names, contents, archives that are always the same."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.codes.latents import codes_from_bytes
from psp.codes.recipe import Recipe, recipe_of_png
from psp.errors import InputError
from psp.inference.result import Result, pack

RECIPE = Recipe("sketch_to_face", "mobile-1024", "ab" * 32, {"variants": 2, "seed": 3})


def several() -> Result:
    pictures = tuple(Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    codes = np.arange(2 * 12 * 512, dtype=np.float32).reshape(2, 12, 512) / 1000
    return Result(pictures, codes, RECIPE, {"recipe": RECIPE.to_dict()})


def test_every_variant_is_a_file_and_says_which_one_it_is() -> None:
    files = several().files("face")
    assert list(files) == ["face-0.png", "face-1.png", "face.safetensors", "face.json"]
    with Image.open(io.BytesIO(files["face-1.png"])) as opened:
        recipe = recipe_of_png(opened)
        assert opened.convert("RGB").getpixel((0, 0)) == (0, 0, 255)
    assert recipe is not None and recipe.settings["variant"] == 1
    assert codes_from_bytes(files["face.safetensors"]).codes.shape == (2, 12, 512)
    assert json.loads(files["face.json"])["recipe"]["task"] == "sketch_to_face"


def test_a_saved_result_keeps_all_its_variants(tmp_path: Path) -> None:
    first = several().save(tmp_path / "new" / "me.png")
    assert first == tmp_path / "new" / "me-0.png"
    assert sorted(path.name for path in first.parent.iterdir()) == ["me-0.png", "me-1.png", "me.safetensors"]


def test_the_last_picture_says_its_own_number_and_none_is_beyond_it() -> None:
    assert several().png(-1) == several().png(1) == several().png(np.int64(1))  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        several().png(2)


@pytest.mark.parametrize("path", ["", ".", "..", "x/.."])
def test_a_path_without_a_name_is_said(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no name"):
        several().save(path)
    assert not list(tmp_path.iterdir())


def test_an_archive_holds_all_and_is_always_the_same() -> None:
    files = several().files("face")
    data = pack(files)
    assert pack(several().files("face")) == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files

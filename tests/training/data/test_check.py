"""The look at the data before training: what cannot be used is named, or left out where asked for."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import TrainingError
from psp.training.data.check import check_data
from psp.training.data.sources import open_sources
from psp.training.presets import preset
from psp.training.run import RunOptions, open_data

CONFIG = preset("small")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve good pictures; a truncated one, a text, a wide one and a tiny one."""
    folder = tmp_path / "data" / "mine"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(12):
        Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no picture")
    Image.new("RGB", (128, 100)).save(folder / "wide.png")
    Image.new("RGB", (40, 40)).save(folder / "small.png")
    return tmp_path / "data"


def test_broken_tiny_and_wide_pictures_are_named(data: Path) -> None:
    found = {finding.name: finding.problem for finding in check_data(open_sources(data), 128)}
    assert found == {
        "mine/cut.png": "broken",
        "mine/text.jpg": "broken",
        "mine/wide.png": "not square",
        "mine/small.png": "tiny",
    }


def test_training_is_refused_and_all_are_listed_in_a_file(data: Path, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"cut\.png.*text\.jpg.*wide\.png \(128×100\).*--skip-bad"
    ) as told:
        open_data(CONFIG, RunOptions(data, tmp_path / "run"), lambda words: None)
    assert "2 broken, 1 tiny, 1 not square" in str(told.value) or "2 broken" in str(told.value)
    with (tmp_path / "run" / "data-check.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 4


def test_bad_pictures_are_left_out_where_that_is_asked_for(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    options = RunOptions(data, tmp_path / "run", skip_bad=True)
    (source,) = open_data(CONFIG, options, said.append)
    assert len(source.train) == 12
    assert len(said) == 1 and "small.png (40 px, used at 128 px)" in said[0]


def test_pictures_without_a_partner_are_named(data: Path, tmp_path: Path) -> None:
    for name in ("cut.png", "text.jpg", "wide.png", "small.png"):
        (data / "mine" / name).unlink()
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for index in range(10):
        Image.new("L", (128, 128)).save(inputs / f"{index}.png")
    options = RunOptions(data / "mine", tmp_path / "run", inputs=inputs)
    with pytest.raises(TrainingError, match=r"2 unpaired: mine/10\.png \(no input\); mine/11\.png"):
        open_data(CONFIG, options, lambda words: None)


def test_good_data_is_looked_at_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cut.png", "text.jpg", "wide.png", "small.png"):
        (data / "mine" / name).unlink()
    looks = []
    monkeypatch.setattr("psp.training.run.check_data", lambda _, size, prepare: looks.append(size) or ())
    for _ in range(2):
        open_data(CONFIG, RunOptions(data, tmp_path / "run"), lambda words: None)
    assert looks == [128]
    Image.new("RGB", (128, 128)).save(data / "mine" / "0.png")  # a picture changes
    open_data(CONFIG, RunOptions(data, tmp_path / "run"), lambda words: None)
    assert looks == [128, 128]


def test_pictures_in_zip_files_are_looked_at_too(data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for file in sorted((data / "mine").iterdir()):
            archive.write(file, f"train/{file.name}")
    found = check_data(open_sources(tmp_path / "packed.zip"), 128)
    assert {finding.name for finding in found} == {
        f"packed/train/{name}" for name in ("cut.png", "text.jpg", "wide.png", "small.png")
    }

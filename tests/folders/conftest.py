"""Folders of pictures that the tests of commands share."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from psp.config import Settings
from psp.folders.batch import Folders


@pytest.fixture
def photos(astronaut: Image.Image, two_people: Image.Image, tmp_path: Path) -> Path:
    """Two photos with faces, one of them in a folder below, and a torn file."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    astronaut.save(folder / "one.jpg", quality=95)
    two_people.save(folder / "below" / "two.png")
    (folder / "below" / "torn.png").write_bytes((folder / "below" / "two.png").read_bytes()[:3000])
    return folder


@pytest.fixture
def sky(photos: Path) -> Path:
    """One more of ``photos``, without a face; every detector looks for one, which takes long."""
    Image.new("RGB", (64, 64), (90, 120, 200)).save(photos / "sky.png")
    return photos / "sky.png"


@pytest.fixture
def lines() -> list[str]:
    """What was told."""
    return []


@pytest.fixture
def into(tmp_path: Path, lines: list[str]) -> Callable[..., Folders]:
    """Returns a request: from a folder to another below ``tmp_path``."""
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")

    def make(pictures: Path, out: str = "out", workers: int = 1, again: bool = False) -> Folders:
        return Folders(pictures, tmp_path / out, workers, again, settings, lines.append)

    return make


def read_report(path: Path) -> list[dict[str, str]]:
    """Return the rows of a report."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pictures_in(folder: Path) -> set[str]:
    """Return the names of all files below a folder, but its report."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".csv")
    return {path.relative_to(folder).as_posix() for path in files}

"""Every place that writes, where nothing can be written or the disk is full: told, and nothing half there."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from psp.checkpoints import save_psp, save_tensors
from psp.checkpoints.evaluations import keep_evaluations
from psp.checkpoints.model_config import write_config
from psp.evaluation.table import open_scores
from psp.files.locks import locked
from psp.files.pins import write_pins
from psp.folders.bundle import pack, unpack
from psp.folders.files import write_file
from psp.training.galleries import save_gallery
from psp.training.scalars import ScalarLog
from psp.training.sheets import save_sheet
from psp.ui.cache import cached
from psp.ui.gate.folder import temporary_folder
from tests.checkpoints.samples import make
from tests.full_disk import full_disk
from tests.read_only import read_only

LONG = 20_000
ROWS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def _photo(folder: Path) -> Path:
    out = io.BytesIO()
    Image.effect_noise((96, 96), 90).save(out, "PNG")
    (folder.parent / "photo.png").write_bytes(out.getvalue())
    return folder.parent / "photo.png"


def _score(folder: Path) -> None:
    with open_scores(folder / "scores.csv", False, False):
        pass


def _lock(folder: Path) -> None:
    with locked(folder / ".lock"):
        pass


def _studio(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        with temporary_folder(folder):
            pass


def _hand_out(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        cached(bytes(LONG), "a.png")


# What writes, by its name; those of the second table write little, so that a full disk may have room for it.
LARGE: dict[str, Callable[[Path], object]] = {
    "a result of a folder": lambda at: write_file(at / "a.png", bytes(LONG)),
    "tensors": lambda at: save_tensors(at / "a.safetensors", {"a": torch.zeros(LONG)}, sealed=True),
    "a model": lambda at: save_psp(make(), at / "encode.safetensors"),
    "a model with its generator": lambda at: save_psp(
        make(), at / "m.safetensors", decoder_file="g.safetensors"
    ),
    "a sheet": lambda at: save_sheet(at / "sheet.png", ROWS, columns=2),
    "a gallery": lambda at: save_gallery(at / "gallery.jpg", ROWS, columns=2),
    "what the page hands out": _hand_out,
    "photos of a batch": lambda at: unpack([_photo(at)], at / "in", 9),
    "the zip of a batch": lambda at: pack(_photo(at).parent, at / "all.zip"),
}
SMALL: dict[str, Callable[[Path], object]] = {
    "figures": lambda at: keep_evaluations(at, ()),
    "a config": write_config,
    "a list of sums": lambda at: write_pins(at, ("*",)),
    "a log": ScalarLog,
    "a table": _score,
    "a lock": _lock,
    "the folder of a studio": _studio,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize("name", [*LARGE, *SMALL])
def test_a_folder_that_cannot_be_written_is_told(name: str, home: Path) -> None:
    for why in (errno.EROFS, errno.EACCES):
        told = pytest.raises(OSError, match=r"Read-only|Permission|cannot be kept")
        with read_only(home, why), told:
            (LARGE | SMALL)[name](home)
        assert not list(home.iterdir())


@pytest.mark.parametrize("name", LARGE)
def test_a_full_disk_is_told_and_keeps_what_was_there(name: str, home: Path) -> None:
    with full_disk(500), pytest.raises(OSError, match="large"):
        LARGE[name](home)
    assert not [path for path in home.rglob("*") if path.is_file()]

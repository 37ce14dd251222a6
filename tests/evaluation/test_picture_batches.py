"""Pictures to measure: which, in which order, and never all at once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import TrainingError
from psp.evaluation.picture_batches import choose, read_batches
from psp.pictures.images import to_tensor
from psp.training.data.sources import open_source, open_sources


def noise(seed: int, side: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number, name in enumerate(("one/val/a.png", "one/val/b.png", "one/c.png", "two/d.png")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(tmp_path / name)
    return tmp_path


def names(data: Path, everything: bool, count: int | None = None) -> list[list[str]]:
    return [[name for _, name in part] for part in choose(open_sources(data), everything, count)]


def test_held_out_pictures_or_all_are_measured(data: Path) -> None:
    assert names(data, False) == [["val/a.png", "val/b.png"]]
    assert names(data, True) == [["c.png", "val/a.png", "val/b.png"], ["d.png"]]
    assert names(data, True, 1) == [["c.png"], ["d.png"]]


def test_a_test_set_without_val_is_told_of_all(data: Path) -> None:
    with pytest.raises(TrainingError, match="--all"):
        names(data / "two", False)
    assert names(data / "two", True) == [["d.png"]]


def test_batches_keep_the_order_and_bring_pictures_to_size(data: Path) -> None:
    (part,) = choose([open_source(data / "one")], True, None)
    batches = list(read_batches(part, 16, 2))
    assert [batch.names for batch in batches] == [("c.png", "val/a.png"), ("val/b.png",)]
    images = torch.cat([batch.images for batch in batches])
    assert torch.equal(images, torch.cat([to_tensor(noise(seed), 16) for seed in (2, 0, 1)]))


def test_a_picture_is_read_when_its_batch_is_asked_for(data: Path) -> None:
    (data / "two" / "e.png").write_bytes(b"broken")
    (part,) = choose([open_source(data / "two")], True, None)
    batches = read_batches(part, 16, 1)
    assert next(batches).names == ("d.png",)
    with pytest.raises(TrainingError, match=r"e\.png"):
        next(batches)


def test_one_zip_file_is_a_source(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "faces.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(data / "two" / "d.png", "d.png")
    assert open_sources(file) == (open_source(file),)
    (batch,) = read_batches(*choose(open_sources(file), True, None), 16, 8)
    assert torch.equal(batch.images, to_tensor(noise(3), 16))


def test_a_source_is_a_folder_with_pictures(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no data"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="No picture"):
        open_source(tmp_path)

"""Training pictures: found, drawn by shares, the same for the same seed and step, broken ones named."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import TrainingError
from psp.training.config import DataConfig, VaryConfig
from psp.training.data.pictures import Pictures, draw_shares, held_out
from psp.training.data.prepare import Preparation
from psp.training.data.sources import open_sources


def png(colour: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A zip file of red pictures and a folder of blue ones, each with one held out."""
    with zipfile.ZipFile(tmp_path / "red.zip", "w") as archive:
        for index in range(3):
            archive.writestr(f"train/{index}.png", png((200, 0, 0)))
        archive.writestr("val/0.png", png((255, 0, 0)))
        archive.writestr("readme.txt", "not a picture")
    for part, count in (("train", 9), ("val", 1)):
        (tmp_path / "blue" / part).mkdir(parents=True)
        for index in range(count):
            (tmp_path / "blue" / part / f"{index}.png").write_bytes(png((0, 0, 200)))
    return tmp_path


def test_zip_files_and_folders_are_sources_with_their_held_out_part(data: Path) -> None:
    counts = {s.name: (len(s.train), len(s.val)) for s in open_sources(data)}
    assert counts == {"red": (3, 1), "blue": (9, 1)}


def test_a_plain_folder_of_pictures_is_one_source(data: Path) -> None:
    (source,) = open_sources(data / "blue" / "train")
    assert len(source.train) == 9
    (source,) = open_sources(data / "blue")
    assert (len(source.train), len(source.val)) == (9, 1)


def test_shares_are_as_named_and_the_rest_goes_by_size(data: Path) -> None:
    sources = open_sources(data)
    by_size = dict(zip((s.name for s in sources), draw_shares(sources, DataConfig()), strict=True))
    assert by_size == pytest.approx({"red": 0.25, "blue": 0.75})
    config = DataConfig(shares=(("red", 0.9), ("absent", 0.05)))
    named = dict(zip((s.name for s in sources), draw_shares(sources, config), strict=True))
    assert named == pytest.approx({"red": 0.9, "blue": 0.1})
    with pytest.raises(TrainingError, match="exceed"):
        draw_shares(sources, DataConfig(shares=(("red", 0.9), ("blue", 0.2))))


def test_draws_follow_the_shares(data: Path) -> None:
    pictures = Pictures(open_sources(data), DataConfig(shares=(("red", 0.8),)), 32, seed=1)
    red = pictures.batch(0, 200).targets[:, 0, 0, 0] > 0
    assert 0.7 < float(red.float().mean()) < 0.9


def test_a_picture_depends_on_seed_and_number_alone(data: Path) -> None:
    def make(seed: int) -> Pictures:
        vary = VaryConfig(colour=1.0, patches=0.5)
        return Pictures(open_sources(data), DataConfig(vary=vary), 32, seed)

    wanted = make(5).batch(3, 6).targets
    assert torch.equal(make(5).item(20)[1], wanted[2])
    assert not torch.equal(make(6).batch(3, 6).targets, wanted)
    for workers in (0, 1):
        batches = list(make(5).loader(18, 31, 6, workers))
        assert len(batches) == 2  # whole ones only
        assert torch.equal(batches[0][1], wanted)


def test_values_are_in_range_and_mirrors_happen(tmp_path: Path) -> None:
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    batch = Pictures(open_sources(tmp_path), DataConfig(flip=True), 32, seed=0).batch(0, 32).targets
    assert batch.shape == (32, 3, 32, 32)
    assert (float(batch.min()), float(batch.max())) == (-1.0, 1.0)
    bright_left = batch[:, 0, 0, 0] > 0
    assert 4 < int(bright_left.sum()) < 28


def test_a_map_is_mirrored_with_its_picture(tmp_path: Path) -> None:
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    labels = np.where(half[..., 0] > 0, 4, 5).astype(np.uint8)  # the left eye's class on the bright half
    (source,) = open_sources(tmp_path)
    prepare = Preparation("segmentation_to_face", 32, 19)
    pictures = Pictures((source,), DataConfig(), 32, 0, prepare, {(source.name, "half.png"): labels})
    batch = pictures.batch(0, 16)
    mirrored = batch.targets[:, 0, 0, 0] > 0
    assert 0 < int(mirrored.sum()) < 16
    for picture, one_hot, turned in zip(batch.targets[:, 0], batch.inputs, mirrored, strict=True):
        assert one_hot.argmax(dim=0)[picture > 0].eq(5 if turned else 4).all()  # left is the person's left


def test_held_out_pictures_come_from_all_sources_that_are_drawn(data: Path) -> None:
    batch = Pictures(open_sources(data), DataConfig(), 16, seed=0).held_out(2)
    assert batch is not None and batch.targets.shape == (2, 3, 16, 16)
    assert sorted(batch.targets[:, 0, 0, 0].tolist()) == [-1.0, 1.0]  # a blue one and a red one
    only = Pictures(open_sources(data), DataConfig(shares=(("blue", 0.0),)), 16, seed=0).held_out(4)
    assert only is not None and only.targets[:, 0].eq(1.0).all()
    (none,) = open_sources(data / "blue" / "train")
    assert Pictures((none,), DataConfig(), 16, seed=0).held_out(4) is None


def test_held_out_pictures_are_only_those(data: Path) -> None:
    red = next(s for s in open_sources(data) if s.name == "red")
    images = held_out(red, 16)
    assert images.shape == (1, 3, 16, 16)
    assert images[0, 0].eq(1.0).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"text", "not a picture"), (png((1, 2, 3), (64, 40)), "not square")],
)
def test_a_broken_picture_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    pictures = Pictures(open_sources(tmp_path), DataConfig(), 32, seed=0)
    with pytest.raises(TrainingError, match=f"bad.png.*{words}"):
        pictures.batch(0, 1)
    for workers in (0, 1):  # across processes the error stays the same sentence
        (error,) = list(pictures.loader(0, 1, 1, workers))
        assert isinstance(error, TrainingError) and words in error.problem


def test_no_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no data"):
        open_sources(tmp_path / "absent")
    with pytest.raises(TrainingError, match="No picture"):
        open_sources(tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK")
    with pytest.raises(TrainingError, match=r"broken\.zip"):
        open_sources(tmp_path)

"""Inputs that lie ready: paired by name, mirrored with their pictures, read as what the encoder takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import TrainingError
from psp.maps.palette import map_to_picture
from psp.training.config import DataConfig
from psp.training.data.pairs import pair_sources
from psp.training.data.pictures import Pictures
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source, open_sources

LEFT_EYE, RIGHT_EYE = 4, 5


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three pictures with their inputs, one held out; one picture and one input are alone."""
    for folder in ("targets/train", "targets/val", "inputs/train", "inputs/val"):
        (tmp_path / folder).mkdir(parents=True)
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 255
    for name in ("train/a", "train/b", "val/c", "train/alone"):
        Image.fromarray(half).save(tmp_path / "targets" / f"{name}.png")
    for name in ("train/a", "train/b", "val/c", "train/lost"):
        Image.fromarray(half[..., 0]).save(tmp_path / "inputs" / f"{name}.bmp")
    return tmp_path


def pairs(folders: Path) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    return pair_sources(open_sources(folders / "targets"), open_sources(folders / "inputs"))


def test_pictures_go_with_inputs_of_their_name_whatever_the_ending(folders: Path) -> None:
    ((source,), unpaired) = pairs(folders)
    assert source.train == ("train/a.png", "train/b.png") and source.val == ("val/c.png",)
    assert source.input_names["val/c.png"] == "val/c.bmp"
    assert unpaired == ("targets/train/alone.png: no input", "inputs/train/lost.bmp: no target")


def test_folders_of_several_sources_go_together_by_their_names(folders: Path) -> None:
    for kind in ("targets", "inputs"):
        (folders / "all" / kind).mkdir(parents=True)
        (folders / kind).rename(folders / "all" / kind / "mine")
    (folders / "all/targets/other").mkdir()
    Image.new("RGB", (8, 8)).save(folders / "all/targets/other/x.png")
    sources, unpaired = pair_sources(
        open_sources(folders / "all/targets"), open_sources(folders / "all/inputs")
    )
    assert [source.name for source in sources] == ["mine"]
    assert "other/x.png: no input" in unpaired


def test_nothing_in_common_is_said(folders: Path) -> None:
    Image.new("L", (8, 8)).save(folders / "z.png")
    with pytest.raises(TrainingError, match="same name"):
        pair_sources(open_sources(folders / "targets"), open_sources(folders))


@pytest.mark.parametrize("channels", [1, 3])
def test_inputs_are_mirrored_with_their_pictures(folders: Path, channels: int) -> None:
    (sources, _) = pairs(folders)
    prepare = Preparation("encode", 32, channels)
    batch = Pictures(sources, DataConfig(), 32, 0, prepare).batch(0, 16)
    assert batch.inputs.shape == (16, channels, 32, 32)
    bright = batch.targets[:, 0] > 0
    assert 0 < int(bright[:, 0, 0].sum()) < 16
    assert torch.equal(batch.inputs[:, 0] > 0.5, bright)


def test_maps_come_as_palette_pictures_or_as_grey_values(folders: Path) -> None:
    labels = np.full((32, 32), RIGHT_EYE, np.uint8)
    labels[:, 16:] = LEFT_EYE
    (sources, _) = pairs(folders)
    prepare = Preparation("segmentation_to_face", 32, 19)
    for picture in (map_to_picture(labels), Image.fromarray(labels)):
        for name in ("train/a", "train/b", "val/c"):
            picture.save(folders / "inputs" / f"{name}.bmp")
        batch = Pictures(sources, DataConfig(), 32, 0, prepare).batch(0, 16)
        found, bright = batch.inputs.argmax(dim=1), batch.targets[:, 0] > 0
        assert batch.inputs.sum(dim=1).eq(1.0).all()
        for classes, light in zip(found, bright, strict=True):
            mirrored = bool(light[0, 0])
            assert classes[light].eq(RIGHT_EYE if mirrored else LEFT_EYE).all()


def test_maps_of_other_classes_are_one_hot_and_checked(folders: Path) -> None:
    prepare = Preparation("segmentation_to_face", 16, channels=3 + 1)
    labels = np.repeat(np.arange(4, dtype=np.uint8), 8)[None].repeat(32, axis=0)
    one_hot = prepare.given("map.png", Image.fromarray(labels), mirrored=False)
    assert one_hot.shape == (4, 16, 16)
    assert np.array_equal(one_hot.argmax(axis=0)[0], np.repeat(np.arange(4), 4))
    turned = prepare.given("map.png", Image.fromarray(labels), mirrored=True)
    assert np.array_equal(turned, one_hot[:, :, ::-1])
    with pytest.raises(TrainingError, match=r"map\.png has the class 4.*--label-nc"):
        prepare.given("map.png", Image.fromarray(labels + 1), mirrored=False)


def test_held_out_pictures_have_their_inputs(folders: Path) -> None:
    (sources, _) = pairs(folders)
    batch = Pictures(sources, DataConfig(), 32, 0, Preparation("encode", 32, 1)).held_out(5)
    assert batch is not None
    assert torch.equal(batch.inputs[:, 0] > 0.5, batch.targets[:, 0] > 0)

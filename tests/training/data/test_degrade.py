"""What real life does to inputs: drawn by a seed, to the shares that were asked for; targets stay clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.training.config import DataConfig, DegradeConfig
from psp.training.data.degrade import degrade
from psp.training.data.pictures import Pictures
from psp.training.data.prepare import Preparation
from psp.training.data.sources import open_sources

EACH = {name: DegradeConfig(**{name: 1.0}) for name in ("shift", "scale", "jpeg", "noise")}


@pytest.fixture
def picture(astronaut: Image.Image) -> np.ndarray:
    return np.asarray(astronaut.crop((140, 0, 308, 168)).resize((128, 128)))


@pytest.mark.parametrize("name", EACH)
def test_each_changes_the_picture_and_leaves_it_like_itself(name: str, picture: np.ndarray) -> None:
    before = picture.copy()
    for seed in range(5):
        made = degrade(picture, EACH[name], np.random.default_rng(seed))
        assert made.shape == picture.shape and made.dtype == np.uint8
        assert 0 < np.abs(made.astype(int) - picture).mean() < 16
        assert np.array_equal(made, degrade(picture, EACH[name], np.random.default_rng(seed)))
    assert np.array_equal(picture, before)


def test_scaling_takes_detail_and_noise_adds_it(picture: np.ndarray) -> None:
    def detail(pixels: np.ndarray) -> float:
        return float(np.abs(np.diff(pixels.astype(int), axis=1)).mean())

    rngs = [np.random.default_rng(seed) for seed in range(2)]
    assert detail(degrade(picture, EACH["scale"], rngs[0])) < detail(picture)
    assert detail(degrade(picture, EACH["noise"], rngs[1])) > detail(picture)


def test_only_the_share_that_was_asked_for(picture: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    same = [degrade(picture, DegradeConfig(jpeg=0.5), rng) is picture for _ in range(200)]
    assert 70 < sum(same) < 130
    state = rng.bit_generator.state
    assert degrade(picture, DegradeConfig(), rng) is picture
    assert rng.bit_generator.state == state  # nothing is drawn where nothing is done


def test_targets_and_held_out_pictures_stay_clean(picture: np.ndarray, tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
        Image.fromarray(picture).save(tmp_path / part / "a.png")
    worn = DegradeConfig(scale=1.0, noise=1.0)
    data = DataConfig(flip=False, degrade=worn)
    pictures = Pictures(open_sources(tmp_path), data, 128, 0, Preparation(size=128, degrade=worn))
    inputs, targets = pictures.item(0)
    clean = picture.transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(targets.numpy(), clean, atol=1e-6)
    assert np.abs(inputs.numpy() - clean).mean() > 0.01
    held = pictures.held_out(1)
    assert held is not None
    np.testing.assert_allclose(held.inputs[0].numpy(), clean, atol=1e-6)

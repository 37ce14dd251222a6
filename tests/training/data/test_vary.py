"""Variations of training pictures: only what was asked for, in place, the same for the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from psp.training.config import VaryConfig
from psp.training.data.vary import vary

GREY = np.full((64, 64, 3), 128, np.uint8)
RED = np.zeros((64, 64, 3), np.uint8) + np.array([200, 0, 0], np.uint8)


def changed(config: VaryConfig, seed: int = 0) -> np.ndarray:
    """Where a grey picture changes, [64,64]."""
    out = vary(GREY, config, np.random.default_rng(seed), lambda: RED)
    return np.asarray((out != GREY).any(axis=2))


def test_nothing_is_changed_by_default() -> None:
    assert not changed(VaryConfig()).any()


@pytest.mark.parametrize(
    "config",
    [
        VaryConfig(colour=1.0),
        VaryConfig(shift=0.05),
        VaryConfig(glasses=1.0),
        VaryConfig(hats=1.0),
        VaryConfig(patches=1.0),
    ],
)
def test_equal_draws_give_equal_pictures_and_others_do_not(config: VaryConfig) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    before = picture.copy()

    def make(seed: int) -> np.ndarray:
        return vary(picture, config, np.random.default_rng(seed), lambda: RED)

    assert np.array_equal(make(3), make(3))
    assert not np.array_equal(make(3), make(4))
    assert np.array_equal(picture, before)
    assert make(3).dtype == np.uint8 and make(3).shape == picture.shape


def test_glasses_stand_at_the_eyes_and_hats_above_the_brows() -> None:
    glasses = np.mean([changed(VaryConfig(glasses=1.0), seed) for seed in range(8)], axis=0)
    assert glasses[26:36, 10:54].mean() > 5 * max(glasses[:18].mean(), glasses[42:].mean(), 0.01)
    hats = np.mean([changed(VaryConfig(hats=1.0), seed) for seed in range(8)], axis=0)
    assert hats[:8, 24:40].mean() > 0.9
    assert hats[34:].mean() == 0.0


def test_patches_come_from_the_other_picture() -> None:
    out = vary(GREY, VaryConfig(patches=1.0), np.random.default_rng(0), lambda: RED)
    share = (out == RED).all(axis=2).mean()
    assert 0.0 < share < 0.3


def test_colours_move_together_and_by_no_more_than_asked() -> None:
    means = [
        vary(GREY, VaryConfig(colour=strength), np.random.default_rng(seed), lambda: RED).mean()
        for strength in (0.3, 1.0)
        for seed in range(20)
    ]
    weak, strong = np.std(means[:20]), np.std(means[20:])
    assert 0 < weak < strong < 40

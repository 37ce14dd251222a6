"""Frontalise turns a face until it looks ahead, and leaves one that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from psp.config import Settings
from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import yaw
from psp.inference.ahead import looking_ahead
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.models.psp import PSP
from tests.compact import compact_config

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def studio(true_family: None, tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))


def turned(result: Result) -> float:
    return abs(yaw(aligned_landmarks(np.asarray(result.image.resize((256, 256))))))


@pytest.mark.parametrize(
    "name", ["synthetic_turned.jpg", pytest.param("synthetic_turned_left.jpg", marks=pytest.mark.slow)]
)
def test_a_turned_face_looks_ahead_and_stays_who_it_is(name: str, studio: PspPipeline) -> None:
    before, made = studio.encode(PHOTOS / name), studio.frontalize(PHOTOS / name)
    assert turned(before) > 0.15 and turned(made) < 0.06
    assert made.details["quality"]["identity"] < 0.45  # under 0.6 it is the same person to the network
    assert studio.frontalize(PHOTOS / name).png() == made.png()


@torch.inference_mode()
def test_codes_that_look_ahead_stay_as_they_are_and_the_rest_stay_within_the_safe_range(
    studio: PspPipeline,
) -> None:
    psp = studio.network.load("auto", "frontalize").psp
    ahead = psp.w_avg[None]
    assert torch.equal(looking_ahead(psp, ahead), ahead)
    from psp.inference.directions import directions_of

    along = torch.from_numpy(directions_of(psp)["yaw"].shift)
    both = torch.cat([ahead, ahead + 0.6 * along])
    moved = looking_ahead(psp, both)
    assert torch.equal(moved[:1], ahead)
    apart = (moved[1] - both[1]) / along.where(along.abs() > 1e-3, torch.nan)
    amount = float(torch.nanmedian(apart))
    assert -1.0 <= amount < -0.3


@torch.inference_mode()
def test_a_model_whose_directions_are_others_is_left_alone() -> None:
    psp = PSP(compact_config())
    codes = torch.zeros(1, 8, 32)
    assert looking_ahead(psp, codes) is codes

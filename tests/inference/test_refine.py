"""Close likeness: nearer to the photo by the same codes, the same again, bounded, told, stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import StoppedError
from psp.inference.pipeline import PspPipeline
from psp.inference.refine import STEPS, refined
from psp.pictures.images import to_tensor


def test_it_is_nearer_to_the_photo_and_the_same_again(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    quick, close = (pipeline.encode(astronaut, likeness=word) for word in ("quick", "close"))
    before, after = quick.details["quality"], close.details["quality"]
    assert after["lpips"] < before["lpips"] and after["l2"] < before["l2"]
    assert close.recipe.settings["likeness"] == "close"
    assert close.kept is None  # codes say it all
    assert quick.latents is not None and close.latents is not None
    moved = np.abs(close.latents - quick.latents)
    assert 0 < moved.max() < 0.03 * STEPS
    again = pipeline.encode(astronaut, likeness="close")
    assert again.png() == close.png()
    assert pipeline.decode(close.latents_file() or b"").image.tobytes() == close.image.tobytes()


def test_edits_start_from_the_closer_codes(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    close = pipeline.encode(astronaut, likeness="close").latents
    plain = pipeline.edit(astronaut, likeness="close").latents
    edited = pipeline.edit(astronaut, likeness="close", edits="features-1:1").latents
    assert close is not None and plain is not None and edited is not None
    assert np.array_equal(close, plain) and not np.array_equal(close, edited)


def test_it_works_with_a_model_that_another_task_loaded_while_it_worked(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    studio = PspPipeline(pipeline.settings)
    studio.toonify(astronaut, align=False, strength=0.5)  # blends with the model of encode
    close = studio.encode(astronaut, align=False, likeness="close")
    assert close.png() == pipeline.encode(astronaut, align=False, likeness="close").png()


def test_it_can_be_stopped_and_says_how_far_it_is(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    told: list[float | None] = []

    def step(words: str, share: float | None) -> None:
        if words == "Coming closer":
            told.append(share)
            if len(told) == 3:
                raise StoppedError("Stopped.", "")

    with pytest.raises(StoppedError):
        pipeline.encode(astronaut, likeness="close", step=step)
    assert told == [0, 1 / STEPS, 2 / STEPS]


def test_no_steps_change_nothing(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    psp = pipeline.network.load("auto", "encode").psp
    codes = psp.w_avg[None].clone()
    assert torch.equal(refined(psp, to_tensor(astronaut, 128), codes, 0), codes)

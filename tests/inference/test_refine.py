"""Close likeness: nearer to the photo by the same codes, the same again, bounded, told, stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from psp.codes.latents import codes_from_bytes
from psp.errors import EnoughError, InputError, StoppedError, TimeLimitError
from psp.inference.network import APPROACHING, Step
from psp.inference.pipeline import PspPipeline, Result
from psp.inference.refine import STEPS, refined
from psp.pictures.images import to_tensor

SETTINGS = {"align": False, "face": 0, "likeness": "close"}


def enough_after(steps: int, error: type[Exception] = EnoughError) -> Step:
    """A step that has enough once codes were moved so often."""

    def step(words: str, share: float | None) -> None:
        if APPROACHING in words and (share or 0) >= steps / STEPS:
            raise error("Stopped.", "")

    return step


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many steps close takes in a test: fewer, for it takes them often."""
    monkeypatch.setattr("psp.inference.decoders.STEPS", 8)
    return 8


def test_it_is_nearer_to_the_photo_and_the_same_again(
    pipeline: PspPipeline, astronaut: Image.Image, few: int
) -> None:
    quick, close = (pipeline.encode(astronaut, likeness=word) for word in ("quick", "close"))
    before, after = quick.details["quality"], close.details["quality"]
    assert after["lpips"] < before["lpips"] and after["l2"] < before["l2"]
    assert close.recipe.settings["likeness"] == "close"
    assert close.kept is None  # codes say it all
    assert quick.latents is not None and close.latents is not None
    moved = np.abs(close.latents - quick.latents)
    assert 0 < moved.max() < 0.03 * few
    again = pipeline.encode(astronaut, likeness="close")
    assert again.png() == close.png()
    assert pipeline.decode(close.latents_file() or b"").image.tobytes() == close.image.tobytes()


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_edits_start_from_the_closer_codes(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    close = pipeline.encode(astronaut, likeness="close").latents
    plain = pipeline.edit(astronaut, likeness="close").latents
    edited = pipeline.edit(astronaut, likeness="close", edits="features-1:1").latents
    assert close is not None and plain is not None and edited is not None
    assert np.array_equal(close, plain) and not np.array_equal(close, edited)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
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
    assert torch.equal(refined(psp, to_tensor(astronaut, 128), codes, 0).codes, codes)


@pytest.mark.slow
def test_refining_the_encoders_answer_is_encoding_closely(
    pipeline: PspPipeline, astronaut: Image.Image, few: int
) -> None:
    close, made = pipeline.encode(astronaut, likeness="close"), pipeline.refine(astronaut)
    assert made.png() == close.png() and made.latents_file() == close.latents_file()
    quick = pipeline.encode(astronaut)
    told = {"before": quick.details["quality"], "after": made.details["quality"], "steps": few, "of": few}
    assert made.details["refined"] == close.details["refined"] == told
    assert "refined" not in quick.details


@pytest.mark.slow
def test_codes_of_a_file_come_closer_from_where_they_are(
    pipeline: PspPipeline, astronaut: Image.Image, few: int
) -> None:
    quick = pipeline.encode(astronaut, align=False)
    assert quick.latents is not None
    close = pipeline.encode(astronaut, align=False, likeness="close")
    again = [
        pipeline.refine(astronaut, given, align=False)
        for given in (quick.latents, quick.latents[None], quick.latents_file())
    ]
    assert {made.image.tobytes() for made in again} == {close.image.tobytes()}
    assert again[0].recipe.task == "refine" and again[0].recipe.settings == SETTINGS
    further = pipeline.refine(astronaut, close.latents_file(), align=False)
    assert further.details["refined"]["before"] == close.details["quality"]
    assert further.details["quality"]["lpips"] < close.details["quality"]["lpips"]
    assert further.png() == pipeline.refine(astronaut, close.latents_file(), align=False).png()
    assert pipeline.decode(further.latents_file() or b"").image.tobytes() == further.image.tobytes()
    assert codes_from_bytes(further.latents_file() or b"").recipe == further.recipe


@pytest.mark.parametrize("error", [EnoughError, TimeLimitError])
def test_who_has_enough_gets_the_closest_by_then(
    pipeline: PspPipeline, astronaut: Image.Image, error: type[Exception]
) -> None:
    made = pipeline.encode(astronaut, align=False, likeness="close", step=enough_after(12, error))
    taken = made.details["refined"]["steps"]
    assert 2 <= taken < 12
    assert made.details["warnings"] == [
        f"Stopped after {taken} of {STEPS} steps: this is the closest by then."
    ]
    assert made.recipe.settings == {**SETTINGS, "steps": taken}
    gained = made.details["refined"]
    assert gained["after"]["lpips"] < gained["before"]["lpips"]
    assert gained["before"] == pipeline.encode(astronaut, align=False).details["quality"]


def test_who_has_enough_at_once_gets_the_start(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    quick = pipeline.encode(astronaut, align=False)
    made = pipeline.refine(astronaut, quick.latents, align=False, step=enough_after(0))
    assert made.image.tobytes() == quick.image.tobytes()
    assert made.details["refined"]["steps"] == 0


@pytest.mark.slow
def test_nothing_is_handed_out_where_nobody_waits_or_something_else_was_asked_for(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    with pytest.raises(StoppedError):
        pipeline.refine(astronaut, align=False, step=enough_after(12, StoppedError))
    with pytest.raises(EnoughError):
        pipeline.edit(astronaut, align=False, likeness="close", step=enough_after(12))


def test_of_several_variants_the_first_is_refined_and_that_is_told(
    pipeline: PspPipeline, astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.inference.decoders.STEPS", 2)
    codes = pipeline.encode(astronaut, align=False).latents
    assert codes is not None
    made = pipeline.refine(astronaut, np.stack([codes, codes + 0.1]), align=False)
    assert "The file holds 2 variants; the first one was brought closer." in made.details["warnings"]
    alone = pipeline.refine(astronaut, codes, align=False)
    assert made.image.tobytes() == alone.image.tobytes()


def test_what_cannot_be_refined_is_told(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    quick: Result = pipeline.encode(astronaut, align=False)
    assert quick.latents is not None
    for given, likeness, said in (
        (None, "quick", "Take close or exact"),
        (quick.latents[:5], "close", "5 layers"),
        (quick.latents + 1e6, "close", "far outside"),
        (quick.latents * np.nan, "close", "NaN"),
        (quick.latents[0], "close", "shape"),
        (b"no file", "close", "not a .safetensors file"),
    ):
        with pytest.raises(InputError, match=said):
            pipeline.refine(astronaut, given, align=False, likeness=likeness)

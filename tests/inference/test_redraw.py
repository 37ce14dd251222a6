"""The portrait of a drawing that is still being made: small, the same each time, the person of its seed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.errors import InputError, PictureError, StoppedError
from psp.inference.pipeline import PspPipeline
from psp.inference.redraw import REDRAWN_SIZE, redraw

TASKS = ["sketch_to_face", "segmentation_to_face"]


@pytest.fixture(scope="module")
def drawings(pipeline: PspPipeline, astronaut: Image.Image) -> dict[str, Image.Image]:
    """A drawing for each task, as large as the pad's sheet."""
    made = (pipeline.photo_to_sketch(astronaut).image, pipeline.photo_to_mask(astronaut).image)
    return {
        task: picture.resize((512, 512), Image.Resampling.NEAREST)
        for task, picture in zip(TASKS, made, strict=True)
    }


@pytest.mark.parametrize("task", TASKS)
def test_the_portrait_is_that_of_the_task_itself(
    pipeline: PspPipeline, drawings: dict[str, Image.Image], task: str
) -> None:
    made = redraw(pipeline.network, task, drawings[task], seed=7)
    full = getattr(pipeline, task)(drawings[task], seed=7).image.resize(made.size)
    assert made.width <= REDRAWN_SIZE
    assert np.abs(np.asarray(made, np.int16) - np.asarray(full, np.int16)).mean() < 3
    assert made.tobytes() == redraw(pipeline.network, task, drawings[task], seed=7).tobytes()
    assert made.tobytes() != redraw(pipeline.network, task, drawings[task], seed=8).tobytes()


def test_a_seed_by_chance_is_the_same_person_from_stroke_to_stroke(
    pipeline: PspPipeline, drawings: dict[str, Image.Image]
) -> None:
    made = [
        redraw(pipeline.network, TASKS[1], drawings[TASKS[1]], seed=seed).tobytes() for seed in (-1, -1, 0)
    ]
    assert len(set(made)) == 1


def test_an_empty_sheet_and_other_tasks_are_told(pipeline: PspPipeline) -> None:
    with pytest.raises(PictureError, match="empty"):
        redraw(pipeline.network, "sketch_to_face", Image.new("RGB", (512, 512), "white"))
    with pytest.raises(InputError, match="takes no drawing"):
        redraw(pipeline.network, "encode", Image.new("RGB", (512, 512)))


def test_it_can_be_stopped(pipeline: PspPipeline, drawings: dict[str, Image.Image]) -> None:
    def stop(words: str, share: float | None) -> None:
        raise StoppedError("Stopped.", "Ask again.")

    with pytest.raises(StoppedError):
        redraw(pipeline.network, TASKS[0], drawings[TASKS[0]], step=stop)

"""Videos through the pipeline: the face is another one, the rest stays; cost, stopping, limits of time."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from psp.config import Settings
from psp.errors import InputError, StoppedError, TimeLimitError, VideoError
from psp.files.saving import recipe_at
from psp.inference.pipeline import PspPipeline
from psp.inference.video.asked import Asked
from psp.inference.video.cost import Cost, Pace
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import open_video
from tests.moving_pictures import Place, frames_of, write_video


@pytest.fixture(scope="module")
def given(astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    at: list[Place | None] = [(60 + 3 * i, 10, 340) for i in range(6)]
    path = tmp_path_factory.mktemp("video") / "me.mp4"
    return write_video(path, frames_of(astronaut, at, (480, 360)), sound=True)


def shown(path: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return [np.asarray(frame, float) for frame in frames_in(open_video(path))]


@pytest.mark.parametrize(
    "how",
    [
        {"task": "toonify", "strength": 0.5},
        {"task": "encode"},
        {"task": "edit", "edits": "features-1:1"},
    ],
    ids=lambda how: str(how["task"]),
)
def test_the_face_changes_and_the_rest_stays(
    pipeline: PspPipeline, given: Path, tmp_path: Path, how: dict[str, object]
) -> None:
    steps: list[tuple[str, float | None]] = []
    made = pipeline.video(given, step=lambda words, share: steps.append((words, share)), **how)  # type: ignore[arg-type]
    assert made.clip is not None and (made.clip.format, made.clip.frames) == ("mp4", 6)
    saved = made.save(tmp_path / "me.png")
    assert saved.name == "me.mp4" and recipe_at(saved) == made.recipe
    assert open_video(saved).sound and open_video(saved).size == (480, 360)
    for before, after in zip(shown(given), shown(saved), strict=True):
        apart = np.abs(before - after).mean(axis=2)
        assert apart[60:150, 190:290].mean() > 3 * apart[-60:, :40].mean()  # the face, a corner
        assert apart[-60:, :40].mean() < 3
    assert made.recipe.settings.items() >= how.items() and made.recipe.settings["face"] == 0
    details = made.details
    assert details["video"].items() >= {"frames": 6, "width": 480, "height": 360, "unchanged": 0}.items()
    assert made.latents is not None and made.latents.shape[0] == 2 == len(made.images)
    assert "6 frames, about" in steps[1][0] or "6 frames, about" in steps[0][0]
    shares = [share for _, share in steps if share is not None]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert sum("Drawing the face: frame" in words for words, _ in steps) == 6


def test_the_same_video_gives_the_same_bytes(pipeline: PspPipeline, given: Path) -> None:
    clips = [pipeline.video(given, "encode").clip for _ in range(2)]
    assert clips[0] and clips[1] and clips[0].data == clips[1].data


def test_it_stops_within_a_frame(pipeline: PspPipeline, given: Path) -> None:
    seen: list[str] = []

    def stop(words: str, _: float | None) -> None:
        seen.append(words)
        if "Drawing the face: frame 3" in words:
            raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        pipeline.video(given, "encode", step=stop)
    assert "frame 3" in seen[-1]


def test_where_the_time_is_over_what_there_is_is_given(pipeline: PspPipeline, given: Path) -> None:
    def late(words: str, _: float | None) -> None:
        if "Drawing the face: frame 4" in words:
            raise TimeLimitError("Too long.")

    made = pipeline.video(given, "encode", step=late)
    assert made.clip is not None and made.clip.frames == 3
    assert "time for one request was over after 3 of 6 frames" in made.details["warnings"][-1]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"task": "edit"}, "Nothing would change"),
        ({"task": "edit", "edits": "beauty:1"}, "no direction 'beauty'"),
        ({"task": "dance"}, "dance"),
        ({"task": "encode", "likeness": "close"}, "Close likeness"),
        ({"strength": 3.0}, "strength"),
        ({"face": 4}, "no face number 4"),
    ],
)
def test_what_cannot_be_done_is_told(
    pipeline: PspPipeline, given: Path, how: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        pipeline.video(given, **how)  # type: ignore[arg-type]


def test_what_is_no_video_is_told(pipeline: PspPipeline) -> None:
    with pytest.raises(VideoError, match="no video that can be read"):
        pipeline.video("examples/photos/hopper.jpg")


def test_the_cost_is_told_from_the_header_and_learned_from_work(given: Path) -> None:
    studio = PspPipeline(Settings(device="cpu", offline=True))
    before = studio.video_cost(given)
    assert before.frames == 6 and before.words.startswith("6 frames, about ")
    assert studio.video_cost(given, "edit", likeness="exact").seconds > before.seconds
    studio.video(given)
    assert 0 < studio.video_cost(given).seconds != before.seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.0, "a second"), (3.2, "3 seconds"), (23, "25 seconds"), (55, "a minute"), (140, "2 minutes")],
)
def test_times_are_told_roundly(seconds: float, words: str) -> None:
    assert Cost(96, seconds).words == f"96 frames, about {words} on this machine"


def test_a_gpu_is_guessed_to_be_quicker_and_exactness_to_take_longer(given: Path) -> None:
    video, pace = open_video(given), Pace()
    plain, exact = Asked("encode"), Asked("encode", likeness="exact")
    assert pace.cost(video, plain, "cuda").seconds < pace.cost(video, plain, "cpu").seconds
    assert pace.cost(video, plain, "cpu").seconds < pace.cost(video, exact, "cpu").seconds


def test_a_gpu_that_is_lent_is_asked_for_twice_and_briefly(pipeline: PspPipeline, given: Path) -> None:
    calls: list[tuple[int, int]] = []

    def accelerate(function: Callable[..., Any], seconds: Callable[..., int]) -> Callable[..., Any]:
        def there(errands: Any) -> Any:
            calls.append((len(errands), seconds(errands)))
            return pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(errands)))))

        return there

    lent = PspPipeline(pipeline.settings, accelerate)
    made = lent.video(given, "edit", edits="features-1:1")
    assert made.clip is not None and made.clip.frames == 6
    assert len(calls) == 2 and all(seconds < 20 for _, seconds in calls)  # once to read, once to draw

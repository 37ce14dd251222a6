"""All faces of a photo: found once, the bytes of single requests, no more than one request may make."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from psp.errors import EnoughError, InputError, StoppedError
from psp.faces import alignment
from psp.faces.alignment import FoundFaces
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline, Result
from psp.ui.all_faces import AllFaces, all_faces
from psp.ui.gate.turn import Turn, taking


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every search for faces."""
    done: list[int] = []
    detect = alignment.detect_faces

    def counted(photo: Image.Image, min_faces: int = 1) -> Any:
        done.append(min_faces)
        return detect(photo, min_faces)

    monkeypatch.setattr(alignment, "detect_faces", counted)
    return done


def made(pipeline: PspPipeline, photo: Path, told: list[str] | None = None) -> AllFaces:
    """Run super-resolution with two variants on every face of a photo."""

    def make(faces: FoundFaces, face: int, step: Step) -> Result:
        return pipeline.super_resolution(faces, face=face, variants=2, step=step)

    return all_faces(pipeline, str(photo), make, lambda words, _: told.append(words) if told else None)


@pytest.fixture
def limit(pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes limits of the pipeline for one test."""

    def change(**limits: int) -> None:
        monkeypatch.setattr(pipeline, "settings", dataclasses.replace(pipeline.settings, **limits))

    return change


def test_faces_are_found_once_and_give_the_bytes_of_single_requests(
    pipeline: PspPipeline, inputs: dict[str, Path], searches: list[int]
) -> None:
    told = [""]
    made_all = made(pipeline, inputs["two"], told)
    assert searches == [1]
    assert (len(made_all.results), made_all.found, made_all.why) == (2, 2, "")
    for face, result in enumerate(made_all.results):
        single = pipeline.super_resolution(inputs["two"], face=face, variants=2)
        assert [result.png(i) for i in range(2)] == [single.png(i) for i in range(2)]
        assert result.latents_file() == single.latents_file()
        assert result.details["alignment"] == single.details["alignment"]
        assert result.details["warnings"] == single.details["warnings"]
    assert any(words.startswith("Face 2 of 2: ") for words in told)


@pytest.mark.parametrize(("most", "count"), [(4, 2), (3, 1), (1, 1)])
def test_no_more_pictures_than_one_request_may_make(
    pipeline: PspPipeline, inputs: dict[str, Path], limit: Callable[..., None], most: int, count: int
) -> None:
    limit(max_results=most)
    some = made(pipeline, inputs["two"])
    assert (len(some.results), some.found) == (count, 2)
    assert ("too many pictures" in some.why) == (count == 1)


def test_no_more_pixels_than_one_request_may_make(
    pipeline: PspPipeline, inputs: dict[str, Path], limit: Callable[..., None]
) -> None:
    large = Image.new("RGB", (700, 700))

    def make(faces: FoundFaces, face: int, step: Step) -> Result:
        return dataclasses.replace(pipeline.align(faces, face), images=(large,))

    for most, count in ((2 * 700 * 700, 2), (2 * 700 * 700 - 1, 1)):
        limit(max_pixels=most)
        some = all_faces(pipeline, str(inputs["two"]), make, lambda words, share: None)
        assert (len(some.results), some.found) == (count, 2)


def test_no_longer_than_one_request_may_take(pipeline: PspPipeline, inputs: dict[str, Path]) -> None:
    with taking(Turn(0.05, str)):
        some = made(pipeline, inputs["two"])
    assert (len(some.results), some.found) == (1, 2)
    assert "longer" in some.why


def test_it_can_be_stopped_between_faces_and_variants(pipeline: PspPipeline, inputs: dict[str, Path]) -> None:
    heard = []

    def step(words: str, share: float | None) -> None:
        heard.append((words, share))
        if words == "Face 1 of 2: Face 2 of 2":  # the second variant of the first face
            raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        all_faces(
            pipeline,
            str(inputs["two"]),
            lambda faces, face, step: pipeline.super_resolution(faces, face=face, variants=2, step=step),
            step,
        )
    assert heard[-1][1] == 0.25


def test_who_has_enough_gets_the_faces_that_were_made(pipeline: PspPipeline, inputs: dict[str, Path]) -> None:
    def step(words: str, share: float | None) -> None:
        if words.startswith("Face 2 of 2"):
            raise EnoughError("Stopped.")

    some = all_faces(
        pipeline,
        str(inputs["two"]),
        lambda faces, face, step: pipeline.encode(faces, face=face, step=step),
        step,
    )
    assert (len(some.results), some.found, some.why) == (1, 2, "You stopped the others.")


@pytest.fixture
def lent(pipeline: PspPipeline) -> tuple[PspPipeline, list[int]]:
    """A pipeline with a GPU that is lent call by call, and how many jobs each call had."""
    calls: list[int] = []

    def accelerate(function: Callable[..., Any], seconds: Callable[..., int]) -> Callable[..., Any]:
        def counted(errands: Any) -> Any:
            calls.append(len(errands))
            return function(errands)

        return counted

    return PspPipeline(pipeline.settings, accelerate=accelerate), calls


def test_a_lent_gpu_is_asked_for_once_and_gives_the_same_bytes(
    pipeline: PspPipeline, lent: tuple[PspPipeline, list[int]], inputs: dict[str, Path]
) -> None:
    told = [""]
    together, single = made(lent[0], inputs["two"], told), made(pipeline, inputs["two"])
    assert lent[1] == [2]
    assert [one.png(1) for one in together.results] == [one.png(1) for one in single.results]
    assert [one.details["alignment"] for one in together.results] == [
        one.details["alignment"] for one in single.results
    ]
    assert {"Face 1 of 2: Looking for the face", "Face 2 of 2: Looking for the face"} <= set(told)


def test_a_lent_gpu_makes_no_more_pictures_than_one_request_may(
    lent: tuple[PspPipeline, list[int]], inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lent[0], "settings", dataclasses.replace(lent[0].settings, max_results=3))
    some = made(lent[0], inputs["two"])
    assert (len(some.results), some.found, lent[1]) == (1, 2, [1])
    assert "too many pictures" in some.why


def test_when_one_face_fails_the_others_are_let_go(
    lent: tuple[PspPipeline, list[int]], inputs: dict[str, Path]
) -> None:
    before = threading.active_count()

    def make(faces: FoundFaces, face: int, step: Step) -> Result:
        return lent[0].super_resolution(faces, face=face, factor=8 if face == 0 else 5, step=step)

    with pytest.raises(InputError, match="factor"):
        all_faces(lent[0], str(inputs["two"]), make, lambda words, share: None)
    assert (lent[1], threading.active_count()) == ([], before)

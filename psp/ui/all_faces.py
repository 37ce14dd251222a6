"""A task on all faces of a photo: found once, and no more of them than one request may make."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from psp.errors import EnoughError
from psp.faces.alignment import FoundFaces, find_faces
from psp.inference.errands import Errand
from psp.inference.network import Step
from psp.inference.parts import make_together
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.ui.gate.turn import current_turn

Make = Callable[[FoundFaces, int, Step], Result]
"""Runs the task: the photo with its faces, which face, and the step."""


@dataclass(frozen=True)
class AllFaces:
    """What became of the faces.

    Attributes:
        results: One for each face that was made, the largest first.
        found: How many faces there are.
        why: Why these are not all, one sentence; empty if they are.
    """

    results: tuple[Result, ...]
    found: int
    why: str


def all_faces(pipeline: PspPipeline, photo: str, make: Make, step: Step) -> AllFaces:
    """Run a task on the faces of a photo, the largest first, as long as there is room and time.

    Args:
        pipeline: Finds the faces; its settings limit the pictures, ``max_results``, and all their pixels,
            ``max_pixels``. One face is always made.
        photo: Path of the photo.
        make: Runs the task.
        step: Told what happens; may raise to stop the work.

    Raises:
        PspError: As the task itself.
    """
    step("Looking for the faces", None)
    faces = find_faces(pipeline.read(photo))
    found = most = len(faces.faces)
    if pipeline.network.lent:
        return _at_once(pipeline, faces, make, step)
    results: list[Result] = []
    why, began, turn = "", time.monotonic(), current_turn()
    while len(results) < most:
        try:
            results.append(make(faces, len(results), _Within(step, len(results), most)))
        except EnoughError:
            if not results:
                raise
            why = "You stopped the others."
            break
        if len(results) == 1 and (room := _room(pipeline, results[0])) < most:
            most, why = room, _too_many(room)
        each = (time.monotonic() - began) / len(results)
        if len(results) < most and turn.left() < 2 * each:
            most, why = len(results), "More would take longer than one request may."
    return AllFaces(tuple(results), found, why)


def _at_once(pipeline: PspPipeline, faces: FoundFaces, make: Make, step: Step) -> AllFaces:
    """Run a task on the faces with a GPU that is lent once: to wait for one takes longer than all faces."""
    found, settings = len(faces.faces), pipeline.settings

    def room(first: Errand) -> int:
        pixels = first.pictures * first.size**2
        return min(settings.max_results // first.pictures, settings.max_pixels // pixels)

    calls = [partial(make, faces, face, _Within(step, face, found)) for face in range(found)]
    results = make_together(pipeline.network.run_together, calls, room)
    why = _too_many(len(results)) if len(results) < found else ""
    return AllFaces(tuple(results), found, why)


def _room(pipeline: PspPipeline, result: Result) -> int:
    """Return for how many faces there is room, where each gives as many pictures as this one."""
    pictures, pixels = len(result.images), sum(each.width * each.height for each in result.images)
    settings = pipeline.settings
    return max(1, min(settings.max_results // pictures, settings.max_pixels // pixels))


def _too_many(room: int) -> str:
    return f"More than {room} would be too many pictures for one request."


@dataclass(frozen=True)
class _Within:
    """The step of one face's task, as a part of all; it can cross to another process where ``step`` can."""

    step: Step
    face: int
    count: int

    def __call__(self, words: str, share: float | None) -> None:
        self.step(f"Face {self.face + 1} of {self.count}: {words}", (self.face + (share or 0.0)) / self.count)

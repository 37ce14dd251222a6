"""Clips: a face that changes into an edited one, or into others, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from psp.codes.directions import shift_of
from psp.codes.edits import parse_edits, write_edits
from psp.codes.latents import CodesFile
from psp.errors import InputError
from psp.inference.editing import known_directions, replaced
from psp.inference.errands import Made
from psp.inference.inputs import Prepared, Seen, prepare_photo, prepare_style
from psp.inference.job import Job
from psp.inference.known_faces import PREVIEW_SIZE, KnownFace
from psp.inference.network import Floats, Network, Step, Work
from psp.inference.result import Clip, Result
from psp.parameters import Setting
from psp.pictures.clips import FPS, gif, mp4
from psp.pictures.images import to_pictures
from psp.ranges import check_number, check_word

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

MOST_THROUGH = 4
"""Faces on the way; with the first and the last there are six."""


@dataclass(frozen=True)
class Moving:
    """How a face moves; see ``PspPipeline.move``.

    Attributes:
        edits: Of the face that it ends with.
        likeness: "quick", "close" or "exact".
        seconds: How long the clip is.
        loop: Whether it goes there and back.
        size: Side in pixels.
        format: "mp4" or "gif".

    Raises:
        InputError: A setting cannot be used.
    """

    edits: str
    likeness: str
    seconds: float
    loop: bool
    size: int
    format: str

    def __post_init__(self) -> None:
        check_word("likeness", self.likeness)
        check_word("format", self.format)
        check_number("seconds", self.seconds)
        check_number("size", self.size)
        parse_edits(self.edits)

    def settings(self) -> dict[str, Setting]:
        """Return what the recipe says of it."""
        return {**vars(self), "edits": write_edits(parse_edits(self.edits))}


def move(
    network: Network,
    photo: Seen | CodesFile,
    others: Sequence[Image.Image | CodesFile],
    directions: bytes | Path | str | None,
    model: str,
    align: bool,
    face: int,
    moving: Moving,
    step: Step | None = None,
) -> Result:
    """Do what ``PspPipeline.move`` does, with photos that were read; ``others`` are those it comes to."""
    amounts = parse_edits(moving.edits)
    if not amounts and not others:
        raise InputError("Nothing would move.", "Give edits, or another face to move to.")
    encodes = not all(isinstance(each, CodesFile) for each in (photo, *others))
    job = Job("move", network, model, step, "edit", encodes=encodes)
    loaded = job.loaded
    known = known_directions(loaded, directions)
    shift = shift_of(amounts, known, loaded.n_codes, loaded.code_dim)
    settings: dict[str, Setting] = {}
    if isinstance(photo, CodesFile):
        prepared = Prepared(codes=job.check_codes(photo.codes)[:1])
    else:
        job.tell("Looking for the face")
        prepared = prepare_photo(photo, align, face, loaded.in_size)
        settings |= {"align": align, "face": face}
    later = [_prepare(job, each, align, number, len(others)) for number, each in enumerate(others, 1)]
    job.clock.lap("align")
    faces = [_face(network, job, each, moving, step) for each in (prepared, *later)]
    for index, given in enumerate((photo, *others)):
        if isinstance(given, CodesFile) and moving.likeness == "exact":
            faces[index] = replace(faces[index], details=given.details)
    stops = np.concatenate([*(each.codes for each in faces), faces[-1].codes + shift])
    if others:  # the edit is of the last face, and no stop of its own
        stops = np.delete(stops, -2, axis=0)
    frames = _frames(network, job, faces, stops, moving, step)
    job.clock.lap("network")
    told: dict[str, Setting] = {"style": "picture"} if others else {}
    if len(others) > 1:
        told["faces"] = len(faces)
    recipe = job.recipe({**settings, **moving.settings(), **told})
    told_of = [own] if (own := replaced(loaded, known, amounts)) else []
    warnings = (*prepared.warnings, *(words for each in later for words in each.warnings), *told_of)
    prepared = replace(prepared, warnings=warnings)
    result = job.tell_of(Made(stops[[0, -1]], frames[[0, -1]]), prepared, recipe)
    job.tell("Making the clip")
    pictures = to_pictures(frames)
    shown = [*pictures, *pictures[-2:0:-1]] if moving.loop else pictures
    data = (mp4 if moving.format == "mp4" else gif)(shown, recipe.to_json())
    job.clock.lap("clip")
    return replace(result, clip=Clip(data, moving.format, len(shown)))


def faces_through(given: Sequence[T] | None) -> Sequence[T]:
    """Return the faces that a clip is to go through, if these are not too many.

    Raises:
        InputError: They are, or are no list.
    """
    if given is not None and not isinstance(given, list | tuple):
        raise InputError("The faces on the way are no list.", "Give a list, even of one.")
    if given and len(given) > MOST_THROUGH:
        raise InputError(f"These are {len(given)} faces on the way.", f"Give up to {MOST_THROUGH}.")
    return given or ()


def eased(seconds: float, *, loop: bool, legs: int = 1) -> Floats:
    """Return how far each computed frame is on its way, 0 to ``legs``: slow, fast, slow (3t² − 2t³) in each.

    Args:
        seconds: Of the whole clip.
        loop: Whether it goes there and back: the frames of the way back are those of the way there.
        legs: Ways from one face to the next, all of the same length.
    """
    count = round(seconds * FPS / 2) + 1 if loop else round(seconds * FPS)
    passed = np.linspace(0.0, legs, count, dtype=np.float32)
    leg = np.minimum(np.floor(passed), np.float32(legs - 1))
    time = passed - leg
    return np.asarray(leg + time * time * (3 - 2 * time), np.float32)


def _prepare(job: Job, other: Image.Image | CodesFile, align: bool, number: int, count: int) -> Prepared:
    """Prepare a face that the clip comes to, ``number`` of ``count``."""
    if isinstance(other, CodesFile):
        made_by = other.recipe.model if other.recipe else ""
        return Prepared(codes=job.check_codes(other.codes, made_by)[:1])
    called = "the style picture" if count == 1 else f"face {number} of {count} that the clip comes to"
    return prepare_style(other, align, job.loaded.in_size, called)


def _face(network: Network, job: Job, prepared: Prepared, moving: Moving, step: Step | None) -> KnownFace:
    """Return the codes of a face, and its details where they are wanted."""
    if prepared.codes is not None:
        return KnownFace(prepared.codes)
    job.tell("Reading the face")
    size = min(PREVIEW_SIZE, job.loaded.psp.config.generator.size)
    work = Work(job.model, job.model_task, prepared.inputs, size=size, likeness=moving.likeness)
    made = network.run(work, step, job.loaded)
    return KnownFace(made.codes, made.details)


def _frames(
    network: Network, job: Job, faces: list[KnownFace], stops: Floats, moving: Moving, step: Step | None
) -> Floats:
    """Return the frames [f,3,H,W] on the way from the first of ``stops`` [s,n,dim] through all of them."""
    passed = eased(moving.seconds, loop=moving.loop, legs=len(stops) - 1)
    leg = np.minimum(passed.astype(int), len(stops) - 2)
    shares = (passed - leg.astype(np.float32))[:, None, None]
    codes = (stops[leg] + shares * (stops[leg + 1] - stops[leg])).astype(np.float32)
    anchors = tuple((each.codes, each.details) for each in faces if each.details is not None)
    size = min(moving.size, job.loaded.psp.config.generator.size)
    work = Work(job.model, job.model_task, codes=codes, size=size, anchors=anchors)
    return network.run(work, step, job.loaded).images

"""Clips: a face that changes into an edited one, or into another, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from psp.codes.directions import shift_of
from psp.codes.edits import parse_edits, write_edits
from psp.codes.latents import CodesFile
from psp.errors import InputError
from psp.inference.editing import known_directions
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
    import torch
    from PIL import Image


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
    style: Image.Image | None,
    directions: bytes | Path | str | None,
    model: str,
    align: bool,
    face: int,
    moving: Moving,
    step: Step | None = None,
) -> Result:
    """Do what ``PspPipeline.move`` does, with photos that were read."""
    amounts = parse_edits(moving.edits)
    if not amounts and style is None:
        raise InputError("Nothing would move.", "Give edits, or another face to move to.")
    encodes = style is not None or not isinstance(photo, CodesFile)
    job = Job("move", network, model, step, "edit", encodes=encodes)
    loaded = job.loaded
    shift = shift_of(amounts, known_directions(loaded, directions), loaded.n_codes, loaded.code_dim)
    settings: dict[str, Setting] = {}
    if isinstance(photo, CodesFile):
        prepared = Prepared(codes=job.check_codes(photo.codes)[:1])
    else:
        job.tell("Looking for the face")
        prepared = prepare_photo(photo, align, face, loaded.in_size)
        settings |= {"align": align, "face": face}
    other = None if style is None else prepare_style(style, align, loaded.in_size)
    job.clock.lap("align")
    faces = [_face(network, job, each, moving, step) for each in (prepared, other) if each is not None]
    if isinstance(photo, CodesFile) and moving.likeness == "exact":
        faces[0] = replace(faces[0], details=photo.details)
    ends = np.concatenate([faces[0].codes, faces[-1].codes + shift])
    frames = _frames(network, job, faces, ends, moving, step)
    job.clock.lap("network")
    told = {} if style is None else {"style": "picture"}
    recipe = job.recipe({**settings, **moving.settings(), **told})
    result = job.tell_of(Made(ends, frames[[0, -1]]), prepared, recipe, other)
    job.tell("Making the clip")
    pictures = to_pictures(_tensor(frames))
    shown = [*pictures, *pictures[-2:0:-1]] if moving.loop else pictures
    data = (mp4 if moving.format == "mp4" else gif)(shown, recipe.to_json())
    job.clock.lap("clip")
    return replace(result, clip=Clip(data, moving.format, len(shown)))


def eased(seconds: float, *, loop: bool) -> Floats:
    """Return how far each computed frame is on its way, 0 to 1: slow, fast, slow (3t² − 2t³).

    Args:
        seconds: Of the whole clip.
        loop: Whether it goes there and back: the frames of the way back are those of the way there.
    """
    count = round(seconds * FPS / 2) + 1 if loop else round(seconds * FPS)
    time = np.linspace(0.0, 1.0, count, dtype=np.float32)
    return time * time * (3 - 2 * time)


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
    network: Network, job: Job, faces: list[KnownFace], ends: Floats, moving: Moving, step: Step | None
) -> Floats:
    """Return the frames [f,3,H,W] on the way from ``ends`` [2,n,dim], the first, to the second."""
    shares = eased(moving.seconds, loop=moving.loop)[:, None, None]
    codes = (ends[:1] + shares * (ends[1:] - ends[:1])).astype(np.float32)
    anchors = tuple((each.codes, each.details) for each in faces if each.details is not None)
    size = min(moving.size, job.loaded.psp.config.generator.size)
    work = Work(job.model, job.model_task, codes=codes, size=size, anchors=anchors)
    return network.run(work, step, job.loaded).images


def _tensor(images: Floats) -> torch.Tensor:
    import torch  # noqa: PLC0415  (torch comes after the page)

    return torch.from_numpy(images)

"""A video from one end to the other: what ``PspPipeline.video`` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from psp.codes.directions import shift_of
from psp.codes.edits import parse_edits
from psp.errors import TimeLimitError
from psp.inference.editing import known_directions
from psp.inference.job import Job
from psp.inference.network import Floats, Network, Step
from psp.inference.result import Clip, Result
from psp.inference.video.asked import Asked
from psp.inference.video.cost import Pace
from psp.inference.video.drawing import Drawing, Frames
from psp.inference.video.places import Places, find_places
from psp.pictures.video.source import open_video
from psp.pictures.video.writer import VideoWriter

# How the time is shared out, for what is told of it: looking, reading, drawing.
_LOOKED, _READ = 0.1, 0.4


@dataclass
class _Made:
    """What was written: the first and the last frame with a new face, how many there are, and what is said.

    Attributes:
        ends: By number of the frame.
        count: Frames.
        data: The file.
        warnings: In words.
    """

    ends: dict[int, Image.Image]
    count: int
    data: bytes
    warnings: list[str]


def make_video(
    network: Network, path: str | Path, model: str, asked: Asked, pace: Pace, step: Step | None = None
) -> Result:
    """Do what ``PspPipeline.video`` does."""
    video = open_video(path)
    cost = pace.cost(video, asked, network.device)
    if step:  # before all else: a model may have to be downloaded first
        step(cost.words, None)
    job = Job("video", network, model, step, asked.task, encodes=False)
    job.loaded.takes.require(asked.task, job.loaded.name)
    shift = None
    if asked.task == "edit":
        known = known_directions(job.loaded)
        shift = shift_of(parse_edits(asked.edits), known, job.loaded.n_codes, job.loaded.code_dim)
    places = find_places(video, asked.face, _steps(step, "Looking for the face", video.frames, 0.0, _LOOKED))
    job.clock.lap("places")
    drawing = Drawing(network, job, video, places, asked, shift)
    count = len(places.times)
    codes = drawing.read(_steps(step, "Reading the face", count, _LOOKED, _READ))
    job.clock.lap("codes")
    recipe = job.recipe(asked.settings())
    made = _written(drawing, codes, recipe.to_json(), _steps(step, "Drawing the face", count, _READ, 1.0))
    job.clock.lap("pictures")
    spent = job.clock.seconds  # every frame was looked at and read, but not all are drawn if time was over
    each = (spent["places"] + spent["codes"]) / count + spent["pictures"] / made.count
    pace.learn(asked, made.count, each)
    first, last = min(made.ends), max(made.ends)
    ends = codes[[first, last]] + (0 if shift is None else shift)
    told = {
        "recipe": recipe.to_dict(),
        "model": job.loaded.name,
        "passes": job.loaded.passes,
        "size": max(video.size),
        "device": network.device,
        "alignment": _place(places, first, asked.face),
        "quality": None,
        "timings": job.clock.seconds,
        "video": {
            **cost.details(),
            "frames": made.count,
            "fps": round(float(video.rate), 3),
            "width": video.size[0],
            "height": video.size[1],
            "unchanged": int((places.shares[: made.count] == 0).sum()),
        },
        "warnings": [*video.warnings, *places.warnings(), *made.warnings],
    }
    clip = Clip(made.data, "mp4", made.count)
    return Result((made.ends[first], made.ends[last]), ends.astype(np.float32), recipe, told, clip=clip)


def _written(drawing: Drawing, codes: Floats, comment: str, step: Frames) -> _Made:
    """Draw all frames and write them; where the time is over, those that there are."""
    video, places = drawing.video, drawing.places
    ends: dict[int, Image.Image] = {}
    warnings = []
    with VideoWriter(video.size, video.rate) as writer:
        try:
            for index, frame in enumerate(drawing.pictures(codes, step)):
                writer.add(frame)
                if places.shares[index] > 0:
                    first = min(ends, default=index)
                    ends = {first: ends.get(first, frame), index: frame}
        except TimeLimitError:
            if not ends:
                raise
            seconds = writer.count / float(video.rate)
            warnings.append(
                f"The time for one request was over after {writer.count} of {len(places.times)} frames: "
                f"these are the first {seconds:.1f} seconds."
            )
        data, sound = writer.finish(comment, video)
    if video.sound and not sound:
        warnings.append("The sound could not be read, so that there is none.")
    return _Made(ends, writer.count, data, warnings)


def _steps(step: Step | None, words: str, count: int, begin: float, end: float) -> Frames:
    """Return what is told of each frame: which it is, and how much of the whole work is done by then."""

    def tell(index: int) -> None:
        if step:
            shown = min(index, count - 1)
            step(f"{words}: frame {shown + 1} of {count}", begin + (end - begin) * shown / max(count, 1))

    return tell


def _place(places: Places, frame: int, face: int) -> dict[str, Any]:
    """Return where the face is in a frame, as plain data."""
    quad = places.quads[frame]
    side = float(np.hypot(*(quad[3] - quad[0])))
    return {"faces": places.faces, "face": face, "quad": np.round(quad, 2).tolist(), "side": round(side, 1)}

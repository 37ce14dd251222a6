"""A picture of a folder made ready for the network, in a process that works ahead of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from psp.faces.alignment import NO_FACE
from psp.faces.suitability import photo_warnings
from psp.inference.inputs import Prepared, prepare_map, prepare_photo, prepare_sketch, prepare_small_photo
from psp.inference.network import Floats
from psp.maps.classes import MapClasses
from psp.maps.palette import FACE_CLASSES
from psp.pictures.images import limit_pillow, load_picture
from psp.pictures.papers import read_drawing
from psp.tasks import TASKS

# Tasks whose encoders see the photo as it is.
_AS_ENCODE = ("encode", "edit", "frontalize", "toonify", "style_mix")

__all__ = ["Prefetched", "Wanted", "prefetch"]


@dataclass(frozen=True)
class Wanted:
    """One picture that goes through the network.

    Attributes:
        name: ``Found.name``.
        source: The picture.
        target: The result, a PNG below the folder of results.
        task: What is made.
        align: Whether to look for a face in a photo.
        face: Which face.
        factor: Super-resolution: shrink so many times first.
        size: What the encoder takes, in pixels.
        max_pixels: ``Settings.max_pixels``.
        classes: The classes of maps that the model takes.
    """

    name: str
    source: Path
    target: Path
    task: str
    align: bool
    face: int
    factor: int
    size: int
    max_pixels: int
    classes: MapClasses = FACE_CLASSES


@dataclass(frozen=True, eq=False)
class Prefetched:
    """What the network takes.

    Attributes:
        inputs: [1,C,S,S], float32.
        seen: What the model sees, as a picture.
        told: Columns of the report: faces, face, side, warnings.
        seconds: How long it took.
        detail: Side in pixels of what was enlarged; None: nothing was.
    """

    inputs: Floats
    seen: Image.Image
    told: dict[str, object]
    seconds: float
    detail: int | None = None


def prefetch(want: Wanted) -> Prefetched:
    """Prepare a picture as a single one is, in whichever process.

    Raises:
        PspError: The picture cannot be used.
    """
    start = time.perf_counter()
    limit_pillow(want.max_pixels)
    prepared = _prepare(want)
    assert prepared.inputs is not None and prepared.seen is not None, "a picture gives both"
    warnings = list(prepared.warnings)
    told: dict[str, object] = {}
    place = prepared.place
    if place is not None and place.face != NO_FACE:
        warnings += photo_warnings(place.crop, place.side, place.sure, task=want.task)
        told = {"faces": place.faces, "face": place.face, "side": f"{place.side:.1f}"}
    told["warnings"] = " ".join(warnings)
    return Prefetched(prepared.inputs, prepared.seen, told, time.perf_counter() - start, prepared.detail)


def _prepare(want: Wanted) -> Prepared:
    kind = TASKS[want.task].kind
    if kind == "sketch":
        return prepare_sketch(read_drawing(want.source, want.max_pixels), want.size)
    picture = load_picture(want.source, want.max_pixels, flat=kind != "mask")
    if kind == "mask":
        return prepare_map(picture, want.size, want.classes)
    if want.task == "super_resolution":
        return prepare_small_photo(picture, want.align, want.face, want.factor, want.size)
    assert want.task in _AS_ENCODE, f"{want.task}: say here how its photos are prepared"
    return prepare_photo(picture, want.align, want.face, want.size)

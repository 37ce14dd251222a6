"""A photo's crop, sketch and map: the tasks that need no model."""

from __future__ import annotations

from psp.inference.face_parser import FaceParser
from psp.inference.inputs import Seen, place_face
from psp.inference.job import Clock, picture_result
from psp.inference.result import Result
from psp.maps.palette import map_to_picture
from psp.parameters import Setting
from psp.pictures.sketches import photo_to_sketch


def crop_face(photo: Seen, face: int) -> Result:
    """Do what ``PspPipeline.align`` does with a picture that was read."""
    clock = Clock()
    place = place_face(photo, True, face)
    clock.lap("align")
    return picture_result("align", place.crop, place, {"face": face}, clock)


def trace_sketch(photo: Seen, aligned: bool, face: int) -> Result:
    """Do what ``PspPipeline.photo_to_sketch`` does with a picture that was read."""
    clock = Clock()
    place = place_face(photo, aligned, face)
    clock.lap("align")
    sketch = photo_to_sketch(place.crop).convert("RGB")
    clock.lap("draw")
    return picture_result("photo_to_sketch", sketch, place, {"align": aligned, "face": face}, clock)


def trace_map(photo: Seen, parser: FaceParser, aligned: bool, face: int) -> Result:
    """Do what ``PspPipeline.photo_to_mask`` does with a picture that was read."""
    clock = Clock()
    place = place_face(photo, aligned, face)
    clock.lap("align")
    labels, used = parser.map(place.crop)
    clock.lap("map")
    settings: dict[str, Setting] = {"align": aligned, "face": face, "parser": used}
    return picture_result("photo_to_mask", map_to_picture(labels), place, settings, clock)

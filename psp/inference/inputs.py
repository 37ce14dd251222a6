"""From what people give (photos, drawings, maps, files of codes) to what the network takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.codes.latents import MAX_FILE, Codes
from psp.errors import FaceNotFoundError, InputError, PspError
from psp.faces.alignment import NO_FACE, Alignment, FoundFaces, align, align_all, take_square
from psp.faces.crops import PhotoFile
from psp.faces.suitability import DOUBT
from psp.maps.classes import MapClasses
from psp.maps.palette import FACE_CLASSES, map_to_picture, map_to_tensor, picture_to_map
from psp.pictures.images import degrade, to_tensor
from psp.pictures.sketches import read_sketch, sketch_to_tensor

CROP_SIZE = 256
"""Side in pixels of the FFHQ crop, as the paper's code takes it; models of 128 px see it halved."""

Seen = Image.Image | FoundFaces | PhotoFile
"""A photo that was read, its faces found or not; or its file, whose crops may be known."""

_TINY_PICTURE = 128
"""Pixels a side: in a smaller picture for super-resolution no face has to be found."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An input, ready for the network.

    Attributes:
        inputs: [1,C,S,S], float32: colour in [−1,1], sketches and one-hot maps in [0,1]; None for codes.
        codes: Codes to start from instead, [v,n,dim].
        seen: What the model sees, as a picture.
        given: What the result is compared with; None where the input is no photo.
        place: Where the crop lies in the photo; None where the input is no photo.
        warnings: What was guessed, in words.
        detail: Side in pixels of what ``inputs`` were enlarged from; None: they are sharp, or no photo.
    """

    inputs: NDArray[np.float32] | None = None
    codes: Codes | None = None
    seen: Image.Image | None = None
    given: Image.Image | None = None
    place: Alignment | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)
    detail: int | None = None


def place_face(photo: Seen, aligned: bool, face: int) -> Alignment:
    """Return the crop of 256 px of a face, or of the picture's centred square where ``aligned`` is False."""
    return _align(photo, face) if aligned else _square(photo, CROP_SIZE)


def place_small_face(photo: Seen, aligned: bool, face: int) -> Alignment:
    """Do as :func:`place_face` does, but take a picture of at most 128 px without a face as it is."""
    try:
        return place_face(photo, aligned, face)
    except FaceNotFoundError:
        if not _is_tiny(photo):
            raise
        return _square(photo, CROP_SIZE)


def place_every_face(photo: Seen, aligned: bool, face: int, *, tiny: bool) -> tuple[Alignment, ...]:
    """Return the crop of every face that is known once ``face`` is, or the one square.

    Args:
        photo: The photo.
        aligned: Whether faces are looked for.
        face: A face that must be among them.
        tiny: Whether to do as :func:`place_small_face` does.
    """
    if not aligned:
        return (_square(photo, CROP_SIZE),)
    try:
        if isinstance(photo, PhotoFile):
            return photo.align_all(face, CROP_SIZE)
        return align_all(photo, face, CROP_SIZE)
    except FaceNotFoundError:
        if not (tiny and _is_tiny(photo)):
            raise
        return (_square(photo, CROP_SIZE),)


def prepare_photo(photo: Seen, aligned: bool, face: int, size: int) -> Prepared:
    """Prepare a photo for an encoder that takes ``size`` x ``size`` pixels.

    Raises:
        FaceNotFoundError: There is no face in the photo.
        FaceIndexError: The photo has fewer faces than ``face`` asks for.
    """
    # A picture that is a crop already is resized once, not to 256 px and then on.
    place = _align(photo, face) if aligned else _square(photo, size)
    return _photo(place, place.crop, size)


def prepare_small_photo(photo: Seen, aligned: bool, face: int, factor: int, size: int) -> Prepared:
    """Prepare a photo for super-resolution.

    Args:
        photo: The photo, or a tiny picture of a face: up to 128 px it may be one that no detector finds.
        aligned: Whether to look for a face.
        face: Which face.
        factor: Shrink the crop so many times first; 0: take it as it is.
        size: What the encoder takes, in pixels.
    """
    place = place_small_face(photo, aligned, face)
    warnings: tuple[str, ...] = ()
    if aligned and place.face == NO_FACE:
        warnings = (
            "No face was found in so small a picture, so it was taken as it is. "
            "If the result looks odd, crop closer: eyes a little above the middle, the whole head visible.",
        )
    seen = degrade(place.crop, factor) if factor else place.crop
    detail = max(1, round(min(place.side, size) / (factor or 1)))
    prepared = _photo(place, seen, size, warnings)
    return replace(prepared, detail=detail if detail < size else None)


def prepare_sketch(drawing: Image.Image, size: int) -> Prepared:
    """Bring any drawing to the style of the sketch model; transparent parts may be kept.

    Raises:
        PictureError: There is nothing on the paper.
    """
    sketch, warnings = read_sketch(drawing)
    return Prepared(sketch_to_tensor(sketch, size).numpy(), seen=sketch.convert("RGB"), warnings=warnings)


def prepare_map(picture: Image.Image, size: int, classes: MapClasses = FACE_CLASSES) -> Prepared:
    """Read a segmentation map: colours of the palette or class indices.

    Args:
        picture: In its own mode; of one that is not square, nothing is cut off: it is refused.
        size: What the encoder takes, in pixels.
        classes: The classes that it knows.

    Raises:
        PictureError: It is not square.
    """
    labels, warnings = picture_to_map(picture, classes)
    inputs = map_to_tensor(labels, size, len(classes)).numpy()
    return Prepared(inputs, seen=map_to_picture(labels, classes), warnings=warnings)


def prepare_style(style: Seen, aligned: bool, size: int, called: str = "the style picture") -> Prepared:
    """Prepare the second picture of a mixture, its largest face; warn where it may be no face.

    Args:
        style: The picture.
        aligned: Whether to find and crop the face.
        size: What the encoder takes, in pixels.
        called: What messages call it.

    Raises:
        PspError: As for photos; the message says which picture it is about.
    """
    try:
        prepared = prepare_photo(style, aligned, 0, size)
    except PspError as error:
        raise type(error)(f"In {called}: {error.problem}", error.next_step) from error
    assert prepared.place is not None, "a photo has a place"
    doubts = () if prepared.place.sure else (f"In {called}: {DOUBT}",)
    return replace(prepared, warnings=doubts)


def read_file(source: bytes | Path | str) -> bytes:
    """Return the bytes of a file of codes.

    Raises:
        InputError: It cannot be read, or is too large to be one.
    """
    if isinstance(source, bytes):
        return source
    path = Path(source)
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(
                f"{path.name[:80]!r} is too large.",
                f"Files of codes and directions have up to {MAX_FILE >> 20} MB.",
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name[:80]!r} cannot be opened.", "Check the path.") from error


def _opened(photo: Image.Image | PhotoFile) -> Image.Image:
    return photo.photo if isinstance(photo, PhotoFile) else photo


def _is_tiny(photo: Seen) -> bool:
    return not isinstance(photo, FoundFaces) and max(_opened(photo).size) <= _TINY_PICTURE


def _align(photo: Seen, face: int) -> Alignment:
    if isinstance(photo, PhotoFile):
        return photo.align(face, CROP_SIZE)
    return align(photo, face, CROP_SIZE)


def _square(photo: Seen, size: int) -> Alignment:
    return take_square(photo if isinstance(photo, FoundFaces) else _opened(photo), size)


def _photo(place: Alignment, seen: Image.Image, size: int, warnings: tuple[str, ...] = ()) -> Prepared:
    return Prepared(
        to_tensor(seen, size).numpy(), seen=seen, given=place.crop, place=place, warnings=warnings
    )

"""Faces that the models hardly know are told, each with what to do; ordinary ones are left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from psp.alignment import align
from psp.faces import Points, aligned_landmarks
from psp.suitability import MIN_SIDE, photo_warnings
from tests.turning import squeezed

EXAMPLES = Path(__file__).parents[1] / "examples" / "photos"


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop


@pytest.fixture(scope="module")
def points(crop: Image.Image) -> Points:
    return aligned_landmarks(np.array(crop))


def with_sunglasses(face: Image.Image, points: Points, colour: str) -> Image.Image:
    covered = face.copy()
    draw = ImageDraw.Draw(covered)
    for eye in (points[36:42].mean(axis=0), points[42:48].mean(axis=0)):
        draw.ellipse((eye[0] - 26, eye[1] - 18, eye[0] + 26, eye[1] + 24), fill=colour)
    return covered


def with_mask(face: Image.Image, points: Points, colour: str) -> Image.Image:
    covered = face.copy()
    outline = np.concatenate([points[28:29], points[14:1:-1]])
    ImageDraw.Draw(covered).polygon([tuple(point) for point in outline], fill=colour)
    return covered


def test_an_ordinary_face_is_left_in_peace(crop: Image.Image) -> None:
    assert photo_warnings(crop, 300) == ()
    assert photo_warnings(ImageOps.mirror(crop), 300) == ()
    assert photo_warnings(crop.resize((1024, 1024)), 300) == ()


def test_a_beard_or_spectacles_are_no_cover() -> None:
    for name in ("hopper.jpg", "synthetic_1.png", "synthetic_2.png"):
        with Image.open(EXAMPLES / name) as photo:
            assert photo_warnings(align(photo.convert("RGB")).crop, 300) == (), name


def test_a_tiny_face_is_told_with_its_size_unless_small_is_what_is_wanted(crop: Image.Image) -> None:
    (warning,) = photo_warnings(crop, 60.4)
    assert "60 pixels" in warning and "larger photo" in warning
    assert photo_warnings(crop, MIN_SIDE) == ()
    assert photo_warnings(crop, None) == ()


@pytest.mark.parametrize("colour", ["#101012", "#3a2a1c", "#20242e"])
def test_sunglasses_are_told(crop: Image.Image, points: Points, colour: str) -> None:
    (warning,) = photo_warnings(with_sunglasses(crop, points, colour), 300)
    assert "eyes" in warning and "photo that shows them" in warning


@pytest.mark.parametrize("colour", ["#e4e8ec", "#96bedc", "#151518", "#783246"])
def test_a_mask_is_told(crop: Image.Image, points: Points, colour: str) -> None:
    (warning,) = photo_warnings(with_mask(crop, points, colour), 300)
    assert "mouth and chin" in warning


def test_several_troubles_are_told_together(crop: Image.Image, points: Points) -> None:
    both = with_mask(with_sunglasses(crop, points, "#101012"), points, "#e4e8ec")
    assert len(photo_warnings(both, 40)) == 3


def test_a_profile_is_told(crop: Image.Image) -> None:
    (warning,) = photo_warnings(squeezed(squeezed(crop)), 300)
    assert "turned far to the side" in warning and "from the front" in warning

"""Landmarks say which way a face looks and where its outline is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from psp.faces.alignment import align
from psp.faces.detection import Points, aligned_landmarks
from psp.faces.landmarks import FaceShape, yaw
from tests.faces.turning import squeezed


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop


@pytest.fixture(scope="module")
def points(crop: Image.Image) -> Points:
    return aligned_landmarks(np.array(crop))


def test_yaw_changes_its_sign_in_a_mirror(crop: Image.Image, points: Points) -> None:
    turned = squeezed(crop)
    there, back = (yaw(aligned_landmarks(np.array(each))) for each in (turned, ImageOps.mirror(turned)))
    assert abs(yaw(points)) < 0.1
    assert -0.5 < there < -0.1
    assert back == pytest.approx(-there, abs=0.05)


def test_the_axes_of_an_upright_face_are_those_of_the_picture(points: Points) -> None:
    shape = FaceShape.of(points)
    assert shape.up == pytest.approx([0, -1], abs=0.05)
    assert shape.right == pytest.approx([1, 0], abs=0.05)
    assert shape.hairline > float((shape.brow - shape.middle) @ shape.up) > 0


def test_the_outline_turns_and_grows_with_the_face(points: Points) -> None:
    turn = 2.0 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    outline = FaceShape.of(points).outline
    assert FaceShape.of(points @ turn.T).outline == pytest.approx(outline @ turn.T, abs=1e-6)
    assert outline.shape == (40, 2)

"""One face followed: chosen once, near where it was, found again, lost where it is not there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.errors import FaceIndexError
from psp.faces.alignment import align, quad_side
from psp.faces.following import Follower
from tests.moving_pictures import frames_of

SIZE = (640, 360)


def test_the_crop_moves_with_the_face(astronaut: Image.Image) -> None:
    places = [(100 + 6 * i, 20 + 2 * i, 300.0) for i in range(6)]
    frames = frames_of(astronaut, places, SIZE)
    follower = Follower(0)
    quads = [follower.quad(frame) for frame in frames]
    assert all(quad is not None for quad in quads)
    moved = np.array([quad.mean(axis=0) - quads[0].mean(axis=0) for quad in quads if quad is not None])  # type: ignore[union-attr]
    assert np.abs(moved - np.array([(6.0 * i, 2.0 * i) for i in range(6)])).max() < 2.5
    first = align(frames[0]).quad
    assert quads[0] is not None and np.abs(quads[0] - first).max() < 0.05 * quad_side(first)


def test_the_chosen_one_of_two_stays_the_chosen_one(two_people: Image.Image) -> None:
    frame = two_people.resize((800, 512))
    for face, left in ((0, True), (1, False)):
        follower = Follower(face)
        for _ in range(3):
            quad = follower.quad(frame)
            assert quad is not None and (quad.mean(axis=0)[0] < 400) == left
        assert follower.faces == 2
    with pytest.raises(FaceIndexError, match="2 faces were found in the first frame"):
        Follower(2).quad(frame)


def test_where_no_face_is_none_is_said_and_it_is_found_again(astronaut: Image.Image) -> None:
    at: list[tuple[float, float, float] | None] = [(40, 20, 300), None, (320, 40, 300)]
    follower = Follower(0)
    quads = [follower.quad(frame) for frame in frames_of(astronaut, at, SIZE)]
    assert quads[1] is None
    assert quads[0] is not None and quads[2] is not None
    assert quads[2].mean(axis=0)[0] - quads[0].mean(axis=0)[0] == pytest.approx(280, abs=4)

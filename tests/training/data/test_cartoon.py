"""The cartoon of a face: larger eyes, flat surfaces, lines at edges, the same colours, the same bytes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from psp.training.data.cartoon import cartoonize

Picture = NDArray[np.uint8]
SKIN, HAIR, WALL = (214, 168, 140), (70, 45, 35), (120, 140, 170)
EYES = ((96, 120), (160, 120))


def draw_face(side: int = 256, noise: float = 0.0) -> Picture:
    """Draw a face where FFHQ has it, at 256 pixels: wall, hair, face, brows, open eyes, nose, mouth."""
    picture = np.full((256, 256, 3), WALL, np.uint8)
    cv2.ellipse(picture, (128, 120), (96, 116), 0, 0, 360, HAIR, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (128, 146), (72, 92), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    for x, y in EYES:
        cv2.ellipse(picture, (x, y), (14, 5), 0, 0, 360, (235, 232, 228), -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), 5, (40, 60, 90), -1, cv2.LINE_AA)
        cv2.line(picture, (x - 15, 104), (x + 15, 102), HAIR, 4, cv2.LINE_AA)
    cv2.line(picture, (122, 160), (134, 160), (170, 120, 100), 3, cv2.LINE_AA)
    cv2.ellipse(picture, (128, 190), (24, 5), 0, 0, 360, (170, 70, 70), -1, cv2.LINE_AA)
    grain = np.random.default_rng(0).normal(0.0, noise, picture.shape)
    noisy = np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(noisy, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def extents(picture: Picture, eye: tuple[int, int]) -> tuple[int, int]:
    """Count an eye's pixels, those unlike the skin, along its row and down its column (below any lashes)."""
    x, y = eye
    area = picture[y - 12 : y + 16, x - 26 : x + 27].astype(int)
    unlike = np.abs(area - np.median(area.reshape(-1, 3), axis=0)).max(2) > 40
    return int(unlike[12].sum()), int(unlike[12:, 26].sum())


@pytest.mark.parametrize("side", [64, 128, 200, 640])
def test_any_side_comes_back_in_its_shape(side: int) -> None:
    cartoon = cartoonize(draw_face(side))
    assert cartoon.shape == (side, side, 3)
    assert cartoon.dtype == np.uint8


def test_the_same_picture_gives_the_same_bytes_and_is_left_alone() -> None:
    face = draw_face(128, noise=8.0)
    before = face.copy()
    assert np.array_equal(cartoonize(face), cartoonize(face))
    assert np.array_equal(face, before)


def test_the_cartoon_is_the_same_drawing_at_every_side() -> None:
    small = cartoonize(draw_face(128)).astype(int)
    large = cv2.resize(cartoonize(draw_face(256)), (128, 128), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - large).mean() < 6


def test_eyes_grow() -> None:
    face = draw_face()
    cartoon = cartoonize(face)
    for eye in EYES:
        before, after = extents(face, eye), extents(cartoon, eye)
        assert 1.12 < after[0] / before[0] < 1.45
        assert 1.15 < after[1] / before[1] < 1.8


def test_what_lies_far_from_eyes_nose_and_jaw_stays_where_it_is() -> None:
    face = draw_face()
    cartoon = cartoonize(face)
    # The wall gives way to the hair at the same column at the height of the brows, and at the same row above.
    for line in ((60, slice(None, 128)), (slice(None, 60), 128)):
        places = [int(np.argmax(np.abs(np.diff(p[line].astype(int).sum(1))))) for p in (face, cartoon)]
        assert abs(places[0] - places[1]) <= 2


def test_noise_on_a_surface_is_smoothed_and_a_strong_edge_stays() -> None:
    face = draw_face(noise=6.0)
    cartoon = cartoonize(face)
    for area in (np.s_[60:90, 110:146], np.s_[225:250, 4:24]):  # forehead, wall
        assert cartoon[area].std((0, 1)).mean() < 0.5 * face[area].std((0, 1)).mean()
    row = cartoon[20, :128].astype(int).sum(1)
    assert np.abs(row[3:] - row[:-3]).max() > 150


def test_surfaces_keep_their_colour() -> None:
    cartoon = cartoonize(draw_face(noise=4.0))
    for area, colour in (
        (np.s_[70:90, 110:146], SKIN),
        (np.s_[225:250, 4:24], WALL),
        (np.s_[20:40, 110:146], HAIR),
    ):
        assert np.abs(np.median(cartoon[area], axis=(0, 1)) - colour).max() < 32


def test_an_edge_gets_a_line_darker_than_both_sides() -> None:
    sides = ((150, 150, 150), (225, 225, 225))
    face = draw_face()
    face[:40, :30] = sides[0]
    face[:40, 14:30] = sides[1]
    line = cartoonize(face)[10:30, 8:20].mean((0, 2))
    assert line.min() < 0.8 * min(line[0], line[-1])


def test_eyes_get_a_highlight_on_a_dark_pupil() -> None:
    cartoon = cartoonize(draw_face()).astype(int).sum(2)
    for x, y in EYES:
        iris = cartoon[y - 6 : y + 7, x - 6 : x + 7]
        assert iris.min() < 200
        assert iris[:7, :7].max() > 600
        assert iris[:7, :7].max() > iris[7:, 5:8].max()


def test_a_picture_without_a_face_gives_no_error() -> None:
    for value in (0, 128, 255):
        blank = np.full((128, 128, 3), value, np.uint8)
        assert np.abs(cartoonize(blank).astype(int) - value).max() < 40

"""Faces are brought to the places that face networks know."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.evaluation import crops
from psp.evaluation.crops import TEMPLATE, five_points, recogniser_face, similarity_transform
from psp.faces.alignment import align


def moved(points: np.ndarray, turn: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return points @ np.array([[cos, -sin], [sin, cos]]).T + shift


def carried(points: np.ndarray, move: np.ndarray) -> np.ndarray:
    return points @ move[:, :2].T + move[:, 2]


def test_the_template_is_the_one_of_112_by_112() -> None:
    """The 112×96 template of the official ``align_trans.py``, moved by 8 px to the middle of a square."""
    assert TEMPLATE[:, 0].min() - 8 == pytest.approx(30.29459953)
    assert TEMPLATE[2] == pytest.approx((56.02519989, 71.73660278))
    eyes, mouth = TEMPLATE[:2], TEMPLATE[3:]
    assert np.concatenate([eyes, mouth])[:, 0].mean() == pytest.approx(56, abs=0.1)


@pytest.mark.parametrize("turn", [0.0, 0.4, -2.0])
def test_a_turned_scaled_and_moved_face_is_brought_back_exactly(turn: float) -> None:
    points = moved(TEMPLATE, turn, 2.3, (31.0, -12.0))
    assert carried(points, similarity_transform(points, TEMPLATE)) == pytest.approx(TEMPLATE, abs=1e-9)


def test_no_other_similarity_is_nearer() -> None:
    points = moved(TEMPLATE, 0.1, 2.0, (5.0, 9.0))
    points += np.random.default_rng(0).normal(0.0, 4.0, points.shape)
    best = similarity_transform(points, TEMPLATE)
    assert best[0, 0] == best[1, 1] and best[0, 1] == -best[1, 0]  # neither sheared nor mirrored

    def miss(move: np.ndarray) -> float:
        return float(np.square(carried(points, move) - TEMPLATE).sum())

    for change in np.eye(6).reshape(6, 2, 3):
        turned = change.copy()
        turned[:, :2] = [[change[0, 0], -change[0, 1]], [change[0, 1], change[0, 0]]]
        for step in (0.01, -0.01):
            assert miss(best + step * turned) >= miss(best)


def test_points_of_a_picture_land_on_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    points = moved(TEMPLATE, 0.2, 1.6, (60.0, 40.0)).round()
    pixels = np.zeros((256, 256, 3), dtype=np.uint8)
    for x, y in points.astype(int):
        pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48] = points[0], points[1]
    landmarks[[30, 48, 54]] = points[2:]
    monkeypatch.setattr(crops, "aligned_landmarks", lambda seen: landmarks)
    face = recogniser_face(Image.fromarray(pixels))[:, :, 0].astype(float)
    assert face.shape == (112, 112)
    rows, columns = np.mgrid[:112, :112]
    for x, y in TEMPLATE:
        near = face * (np.hypot(columns - x, rows - y) < 6)
        middle = (columns * near).sum() / near.sum(), (rows * near).sum() / near.sum()
        assert middle == pytest.approx((x, y), abs=0.75)


@pytest.mark.parametrize("side", [128, 256, 512])
def test_a_photo_lands_near_the_template_at_any_size(astronaut: Image.Image, side: int) -> None:
    crop = align(astronaut).crop.resize((side, side), Image.Resampling.LANCZOS)
    face = Image.fromarray(recogniser_face(crop))
    # Seen again, as dlib finds it in the crop of the network enlarged to a face that it knows.
    points = five_points(crops.find_landmarks(crop))
    move = similarity_transform(points, TEMPLATE)
    assert carried(points, move) == pytest.approx(TEMPLATE, abs=6.0)
    assert np.asarray(face.convert("L")).std() > 20

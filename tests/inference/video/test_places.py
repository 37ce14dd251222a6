"""Where the face is over time: found, filled in, steadied; cuts are kept, gaps are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import FaceNotFoundError
from psp.inference.video.places import FADE, HOLD, _shares, find_places, shots_of
from psp.pictures.video.source import open_video
from tests.moving_pictures import Place, frames_of, noise, write_video


def no_step(_: int) -> None:
    return None


def test_the_crop_follows_a_moving_face_smoothly(astronaut: Image.Image, tmp_path: Path) -> None:
    at: list[Place | None] = [(90 + 5 * i, 20 + i, 320) for i in range(10)]
    places = find_places(
        open_video(write_video(tmp_path / "a.mp4", frames_of(astronaut, at, (640, 360)))), 0, no_step
    )
    middles = places.quads.mean(axis=1)
    assert np.abs(middles - middles[0] - np.array([(5.0 * i, i) for i in range(10)])).max() < 2
    assert np.abs(np.diff(middles, n=2, axis=0)).max() < 0.7  # no jitter
    assert places.shares.min() == 1 and places.missed == 0 and places.warnings() == []


def test_a_face_that_is_gone_is_held_for_a_moment_and_then_let_go(
    astronaut: Image.Image, tmp_path: Path
) -> None:
    at: list[Place | None] = [*[(90, 20, 320)] * 3, *[None] * 8]
    video = open_video(write_video(tmp_path / "a.mp4", frames_of(astronaut, at, (640, 360)), 8))
    places = find_places(video, 0, no_step)
    assert places.shares[:6].min() == 1 and places.shares[-1] == 0
    assert np.abs(places.quads[5] - places.quads[2]).max() < 3
    assert any("no face that was found, and stayed unchanged" in words for words in places.warnings())
    shares = _shares(np.arange(40) / 25, np.zeros(1))
    assert shares[round(HOLD * 25)] == 1 and 0 < shares[round((HOLD + FADE / 2) * 25)] < 1


def test_over_a_cut_nothing_is_averaged() -> None:
    quads = np.zeros((6, 4, 2)) + np.array([(0, 0), (0, 100), (100, 100), (100, 0)], float)
    quads[3:] += 300
    assert shots_of(np.array([0, 1, 2, 4, 5, 6]), quads, 8).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_video_without_a_face_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psp.faces.following._THOROUGH", 0)
    with pytest.raises(FaceNotFoundError, match="No face was found in the video"):
        find_places(open_video(write_video(tmp_path / "a.mp4", noise(3, (160, 120)))), 0, no_step)

"""Clips: frames there and back, the same bytes again, marked as synthetic, their recipe found."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import PspError
from psp.pictures.clips import FPS, SYNTHETIC, comment_of, frames_of, gif, mp4

COMMENT = '{"settings": {"edits": "smile:0.5"}, "task": "move"}'


@pytest.fixture(scope="module")
def frames() -> list[Image.Image]:
    ramp = np.linspace(0, 200, 64, dtype=np.uint8)
    base = np.stack(
        [np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)), np.full((64, 64), 90, np.uint8)], 2
    )
    return [Image.fromarray(np.roll(base, 4 * shift, axis=1)) for shift in range(6)]


@pytest.mark.parametrize(("make", "ending", "near"), [(mp4, "mp4", 6), (gif, "gif", 8)])
def test_frames_come_back_and_say_what_they_are(
    frames: list[Image.Image], tmp_path: Path, make: object, ending: str, near: float
) -> None:
    assert callable(make)
    data = make(frames, COMMENT)
    assert data == make(frames, COMMENT)
    path = tmp_path / f"clip.{ending}"
    path.write_bytes(data)
    again = frames_of(path)
    assert len(again) == len(frames)
    for one, other in zip(frames, again, strict=True):
        assert np.abs(np.asarray(one, float) - np.asarray(other, float)).mean() < near
    assert comment_of(io.BytesIO(data)) == COMMENT
    assert SYNTHETIC.encode() in data
    if ending == "gif":
        with Image.open(path) as opened:
            assert opened.info["duration"] == 1000 // FPS
            assert opened.info["loop"] == 0


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x00\x00\x00\x18ftypisom" + bytes(100), b"x" * 5000])
def test_other_files_have_no_comment(data: bytes) -> None:
    assert comment_of(io.BytesIO(data)) is None


def test_a_gif_of_somebody_else_is_none_of_ours(frames: list[Image.Image]) -> None:
    out = io.BytesIO()
    frames[0].save(out, "GIF", comment=b"my holidays")
    assert comment_of(io.BytesIO(out.getvalue())) is None


def test_without_ffmpeg_it_says_what_to_do(
    frames: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(PspError, match="format gif"):
        mp4(frames, COMMENT)

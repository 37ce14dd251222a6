"""Videos written: the frames, the sound, what they are; nothing else of the video that they were made of."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from psp.pictures.clips import SYNTHETIC, comment_of
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import Video, open_video
from psp.pictures.video.writer import VideoWriter
from tests.moving_pictures import noise, write_video

PLACE = "+48.2082+016.3738/"


def written(source: Video, comment: str = "{}") -> tuple[bytes, bool]:
    with VideoWriter(source.size, source.rate) as writer:
        for frame in frames_in(source):
            writer.add(frame)
        return writer.finish(comment, source)


def test_frames_and_sound_come_back_without_what_else_there_was(tmp_path: Path) -> None:
    private = ["-metadata", f"location={PLACE}", "-metadata", "artist=Somebody"]
    source = open_video(write_video(tmp_path / "a.mp4", noise(8), sound=True, more=private))
    assert b"loci" in source.path.read_bytes()
    data, sound = written(source, '{"task": "video"}')
    assert sound and data == written(source, '{"task": "video"}')[0]
    assert comment_of(io.BytesIO(data)) == '{"task": "video"}' and SYNTHETIC.encode() in data
    assert b"loci" not in data and b"Somebody" not in data
    (tmp_path / "b.mp4").write_bytes(data)
    again = open_video(tmp_path / "b.mp4")
    assert (again.size, again.rate, again.frames, again.sound) == (source.size, 25, 8, True)
    for one, other in zip(frames_in(source), frames_in(again), strict=True):
        apart = np.asarray(one, float) - np.asarray(other, float)
        assert np.abs(apart).mean() < 8 and abs(apart.mean()) < 1  # no other colours


def test_a_sound_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    source = open_video(write_video(tmp_path / "a.mp4", noise(4)))
    data, sound = written(replace(source, sound=True))
    assert not sound and data.startswith(b"\x00\x00\x00")

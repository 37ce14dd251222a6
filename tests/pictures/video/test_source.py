"""Videos of strangers: what is refused, in words; what is cut off; what the first frame says."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import VideoError
from psp.pictures.ffmpeg import ffmpeg
from psp.pictures.video import source
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import MAX_SIDE, open_video
from tests.moving_pictures import noise, write_video


def test_what_a_video_is_stands_in_its_header(tmp_path: Path) -> None:
    video = open_video(write_video(tmp_path / "a.mp4", noise(8), sound=True))
    assert (video.container, video.size, video.rate, video.frames, video.sound) == (
        "mov", (96, 64), 25, 8, True,
    )  # fmt: skip
    assert video.warnings == ()
    webm = open_video(write_video(tmp_path / "a.webm", noise(8), 12))
    assert (webm.container, webm.size, webm.rate, webm.sound) == ("matroska", (96, 64), 12, False)
    # The name says nothing: the first bytes do.
    renamed = (tmp_path / "a.webm").rename(tmp_path / "b.mp4")
    assert open_video(renamed).container == "matroska"


def test_long_fast_and_large_videos_are_cut_and_it_says_so(tmp_path: Path) -> None:
    long = open_video(write_video(tmp_path / "long.mp4", noise(130), 10))
    assert long.frames == 100 and "first 10 seconds are used, of 13" in long.warnings[0]
    fast = open_video(write_video(tmp_path / "fast.mp4", noise(12), 60))
    assert fast.rate == 30 and fast.frames == 6 and "Every second frame" in fast.warnings[0]
    large = open_video(write_video(tmp_path / "large.mp4", noise(2, (1920, 1080))))
    assert large.size == (MAX_SIDE, 720) and "1280 x 720" in large.warnings[0]
    assert [frame.size for frame in frames_in(large)] == [(1280, 720)] * 2
    assert open_video(write_video(tmp_path / "ntsc.mp4", noise(4), 30000 / 1001)).rate == Fraction(
        30000, 1001
    )


def test_turned_and_odd_videos_come_upright_and_even(tmp_path: Path) -> None:
    plain = write_video(tmp_path / "plain.mp4", noise(3))
    turned = tmp_path / "turned.mp4"
    command = [ffmpeg(), "-loglevel", "error", "-display_rotation", "90", "-i", str(plain), "-c", "copy"]
    subprocess.run([*command, str(turned)], check=True)
    video = open_video(turned)
    assert video.size == (64, 96)
    assert [frame.size for frame in frames_in(video)] == [(64, 96)] * 3
    odd = write_video(tmp_path / "odd.mp4", noise(2, (97, 65)), more=["-pix_fmt", "yuv444p"])
    assert all(side % 2 == 0 for side in open_video(odd).size)


def test_frames_at_uneven_times_come_evenly(tmp_path: Path) -> None:
    steps = [Image.new("RGB", (96, 64), (40 * i, 40 * i, 40 * i)) for i in range(6)]
    uneven = ["-vf", "setpts='(N+gte(N,3)*5)/25/TB'", "-fps_mode", "vfr"]
    video = open_video(write_video(tmp_path / "uneven.mp4", steps, more=uneven))
    shades = [int(np.asarray(frame).mean()) for frame in frames_in(video)]
    assert len(shades) == video.frames and len(shades) > 6
    assert shades == sorted(shades)  # the third one stays for as long as it was to be seen


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.mp4": (b"", "empty"),
    "text.mp4": (b"hello, this is no video at all\n" * 9, "no video that can be read"),
    "page.mp4": (b"<!DOCTYPE html><html><script>alert(1)</script>", "no video that can be read"),
    "list.mp4": (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "no video that can be read"),
    "concat.mp4": (b"ffconcat version 1.0\nfile /etc/passwd\n", "no video that can be read"),
    "picture.mp4": (b"\x00\x00\x00\x18ftypheic" + bytes(100), "no video that can be read"),
    "header.mp4": (b"\x00\x00\x00\x18ftypisom" + bytes(200), "no pictures|cannot be read"),
    "header.webm": (b"\x1a\x45\xdf\xa3" + bytes(200), "no pictures|cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_video_is_told(name: str, tmp_path: Path) -> None:
    data, told = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(VideoError, match=told):
        open_video(path)


def test_what_is_broken_or_lacks_pictures_is_told(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", noise(8)).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])  # what says where the frames are stands at the end
    with pytest.raises(VideoError, match=r"no pictures|cannot be read"):
        open_video(cut)
    heard = tmp_path / "heard.mp4"
    subprocess.run(
        [ffmpeg(), "-loglevel", "error", "-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "aac", str(heard)],
        check=True,
    )
    with pytest.raises(VideoError, match="no pictures"):
        open_video(heard)
    with pytest.raises(VideoError, match="only 2 x 2"):
        open_video(write_video(tmp_path / "tiny.mp4", noise(2, (2, 2))))
    with pytest.raises(VideoError, match="no file"):
        open_video(tmp_path)


def test_one_that_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", noise(40, (320, 240)), more=["-movflags", "+faststart", "-g", "1"])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    video = open_video(path)
    assert video.frames == 40
    assert 5 < len([*frames_in(video)]) < 40


def test_a_size_that_the_header_only_claims_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", noise(4))
    monkeypatch.setattr(source, "MAX_PIXELS", 96 * 64 - 1)
    with pytest.raises(VideoError, match="96 x 64 pixels, too large"):
        open_video(path)
    monkeypatch.undo()
    # What the container says and what the frames are: the frames count, and the decoder holds the limit.
    data, claimed = path.read_bytes(), struct.pack(">II", 20000 << 16, 20000 << 16)
    assert struct.pack(">II", 96 << 16, 64 << 16) in data
    path.write_bytes(data.replace(struct.pack(">II", 96 << 16, 64 << 16), claimed))
    assert max(open_video(path).size) <= 96
    path.write_bytes(data.replace(struct.pack(">HH", 96, 64), struct.pack(">HH", 60000, 60000)))
    assert max(open_video(path).size) < 200


def test_other_codings_are_refused_by_name(tmp_path: Path) -> None:
    path = write_video(tmp_path / "old.mkv", noise(3), more=["-c:v", "huffyuv", "-pix_fmt", "yuv422p"])
    with pytest.raises(VideoError, match="coded as huffyuv"):
        open_video(path)


def test_a_title_cannot_pass_for_a_stream(tmp_path: Path) -> None:
    lie = "x\n  Stream #0:0: Video: huffyuv, yuv420p, 9999x9999, 1000 fps\n  Duration: 99:00:00.00"
    path = write_video(tmp_path / "a.mkv", noise(4), more=["-metadata", f"title={lie}"])
    video = open_video(path)
    assert video.size == (96, 64) and video.frames == 4


def test_frames_are_let_go_of_when_nobody_asks(tmp_path: Path) -> None:
    some = frames_in(open_video(write_video(tmp_path / "a.mp4", noise(30, (320, 240)))))
    next(some)
    some.close()  # type: ignore[attr-defined]  # a generator: ffmpeg ends here

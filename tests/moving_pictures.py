"""Small videos for tests: a picture that moves over a plain one, as MP4 or WebM, with sound or without."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from psp.pictures.ffmpeg import ffmpeg

Place = tuple[float, float, float]
"""Where a picture lies: x and y of its corner, and its side, in pixels."""


def frames_of(photo: Image.Image, places: Sequence[Place | None], size: tuple[int, int]) -> list[Image.Image]:
    """Return frames with the photo at each place; None: without it."""
    made = []
    for place in places:
        frame = Image.new("RGB", size, (120, 130, 125))
        if place is not None:
            x, y, side = place
            matrix = (photo.width / side, 0, -x * photo.width / side, 0, photo.height / side)
            box = photo.convert("RGBA").transform(
                size, Image.Transform.AFFINE, (*matrix, -y * photo.height / side), Image.Resampling.BICUBIC
            )
            frame.paste(box, (0, 0), box)
        made.append(frame)
    return made


def write_video(
    path: Path,
    frames: Sequence[Image.Image],
    fps: float = 25,
    *,
    sound: bool = False,
    more: Sequence[str] = (),
) -> Path:
    """Write frames as a video of the kind that the ending says.

    Args:
        path: Where to.
        frames: RGB.
        fps: Frames a second.
        sound: Whether it has a tone.
        more: Further options of ffmpeg for the output.
    """
    tone = ["-f", "lavfi", "-i", f"sine=440:d={len(frames) / fps}"] if sound else []
    codec = ["libvpx"] if path.suffix in (".webm", ".mkv") else ["libx264", "-preset", "ultrafast"]
    command = [
        ffmpeg(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", "{}x{}".format(*frames[0].size), "-r", str(fps), "-i", "-", *tone,
        "-c:v", *codec, "-pix_fmt", "yuv420p", *more, "-y", str(path),
    ]  # fmt: skip
    subprocess.run(command, input=b"".join(np.asarray(frame).tobytes() for frame in frames), check=True)
    return path


def noise(count: int, size: tuple[int, int] = (96, 64)) -> list[Image.Image]:
    """Return frames with nothing on them."""
    rng = np.random.default_rng(0)
    base = rng.integers(60, 190, (size[1], size[0], 3), dtype=np.uint8)
    return [Image.fromarray(np.roll(base, shift, axis=1)) for shift in range(count)]

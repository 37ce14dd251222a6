"""The frames of a video, one by one: never more of them in memory than whoever asks keeps."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from PIL import Image

from psp.errors import VideoError
from psp.pictures.video.source import MAX_SECONDS, Video, guarded, reading

EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
"""How ffmpeg's scaler is to work: else it cuts off what it could round, two levels at each turn."""

_SECONDS = 30.0  # for one frame; then ffmpeg is ended
_MEMORY = 4 << 30  # bytes of addresses that ffmpeg may use, where that can be said


def frames_in(video: Video) -> Iterator[Image.Image]:
    """Yield the frames of a video, upright and RGB, ``video.rate`` a second, ``video.frames`` at most.

    ffmpeg waits while nobody asks for the next one, and ends with the iterator.

    Raises:
        VideoError: There is not one.
    """
    width, height = video.size
    look = f"fps=fps={video.rate}:start_time=0,scale=w={width}:h={height}:in_color_matrix={video.matrix}"
    command = [
        *guarded(), "-loglevel", "quiet",
        *reading(video.path, video.container, "-t", str(MAX_SECONDS)),
        "-map", "0:V:0", "-an", "-sn", "-dn", "-vf", f"{look}:flags={EXACT},format=rgb24,setsar=1",
        "-frames:v", str(video.frames), "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    ]  # fmt: skip
    count = 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _bound(process.pid)
            assert process.stdout is not None
            for _ in range(video.frames):
                with ended_after(process, _SECONDS):
                    pixels = _whole(process.stdout, 3 * width * height)
                if pixels is None:
                    break
                count += 1
                yield Image.frombytes("RGB", video.size, pixels)
        finally:
            process.kill()
    if not count:
        raise VideoError("The video cannot be read: it is damaged, or breaks off.", "Export it again.")


@contextlib.contextmanager
def ended_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """End a process that takes longer than ``seconds`` for what is done in the block."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _whole(stream: IO[bytes], count: int) -> bytes | None:
    """Return ``count`` bytes; None where the stream ends before."""
    data = stream.read(count)
    return data if len(data) == count else None


def _bound(process: int) -> None:
    """Bound the memory of a process, on Linux."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415  (Windows has none)

        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(process, resource.RLIMIT_AS, (_MEMORY, _MEMORY))

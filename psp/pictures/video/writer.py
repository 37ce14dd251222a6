"""Frames to an MP4 as they come, with the sound of the video that they were made of; nothing else of it."""

from __future__ import annotations

import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from PIL import Image

from psp.errors import PspError
from psp.pictures.clips import SYNTHETIC
from psp.pictures.ffmpeg import ffmpeg, run
from psp.pictures.video.frames import EXACT, ended_after
from psp.pictures.video.source import Video, guarded, reading

_QUALITY = "18"  # constant quality of x264, said to look lossless
_SECONDS = 60.0  # for one frame, for the last ones, and for the sound
# Players take HD as BT.709: said, and kept to.
_COLOURS = f"scale=out_color_matrix=bt709:out_range=tv:flags={EXACT},format=yuv420p"
_PLAIN = ["-fflags", "+bitexact", "-map_metadata", "-1", "-map_chapters", "-1"]


class VideoWriter:
    """Writes an MP4; used as a context, at whose end nothing is left but what :meth:`finish` returned.

    Args:
        size: (width, height) in pixels, even.
        rate: Frames a second.

    Raises:
        PspError: There is no ffmpeg.
    """

    def __init__(self, size: tuple[int, int], rate: Fraction) -> None:
        self.count = 0
        self._rate = rate
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "silent.mp4"
        command = [
            ffmpeg(), "-loglevel", "quiet", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{size[0]}x{size[1]}", "-r", str(rate), "-i", "-", "-vf", _COLOURS,
            "-c:v", "libx264", "-preset", "medium", "-crf", _QUALITY, "-pix_fmt", "yuv420p", "-threads", "1",
            "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
            "-flags:v", "+bitexact", *_PLAIN, "-y", str(self._path),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        with ended_after(self._process, _SECONDS):
            self._process.communicate()
        self._folder.cleanup()

    def add(self, frame: Image.Image) -> None:
        """Add a frame, RGB, of the writer's size.

        Raises:
            PspError: ffmpeg has failed.
        """
        assert self._process.stdin is not None
        try:
            with ended_after(self._process, _SECONDS):
                self._process.stdin.write(frame.tobytes())
        except OSError as error:
            raise _failed() from error
        self.count += 1

    def finish(self, comment: str, source: Video | None = None) -> tuple[bytes, bool]:
        """Return the file, and whether it has sound.

        Args:
            comment: Kept in the metadata after ``SYNTHETIC``.
            source: Whose sound goes with it.

        Raises:
            PspError: ffmpeg has failed.
        """
        with ended_after(self._process, _SECONDS):
            self._process.communicate()
        if self._process.returncode or not self.count:
            raise _failed()
        if source is not None and source.sound:
            try:
                return self._joined(comment, source), True
            except (OSError, subprocess.SubprocessError):
                pass  # a sound that cannot be read is left out: told by whoever asked
        try:
            return self._joined(comment, None), False
        except (OSError, subprocess.SubprocessError) as error:
            raise _failed() from error

    def _joined(self, comment: str, source: Video | None) -> bytes:
        """Return the file with its metadata, and with the sound of ``source``, made anew as AAC."""
        out = self._path.with_name("out.mp4")
        length = str(float(self.count / self._rate))
        sound: list[str] = []
        if source is not None:
            sound = reading(source.path, source.container, "-t", length)
        heard = ["-map", "1:a:0", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-flags:a", "+bitexact"]
        told = {"comment": f"{SYNTHETIC} {comment}", "title": SYNTHETIC}
        command = [
            *guarded(), "-loglevel", "quiet", "-i", str(self._path), *sound, "-map", "0:v:0", "-c:v", "copy",
            *(heard if sound else []), "-t", length, "-sn", "-dn", *_PLAIN,
            *(part for key, text in told.items() for part in ("-metadata", f"{key}={text}")),
            "-movflags", "+faststart", "-y", str(out),
        ]  # fmt: skip
        run(command, seconds=_SECONDS)
        return out.read_bytes()


def _failed() -> PspError:
    return PspError("ffmpeg could not write the video.", "Try again, or take another video.")

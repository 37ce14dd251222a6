"""Frames to a clip, H.264 in MP4 or GIF, marked as synthetic, with its recipe."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageSequence

from psp.errors import PspError
from psp.pictures.ffmpeg import ffmpeg, run

FPS = 25
"""Frames a second: GIF counts in hundredths of a second, so that 24 cannot be had there."""

CLIP_ENDINGS = (".mp4", ".gif")
"""How files of clips end."""

SYNTHETIC = "Synthetic face, made by a neural network (pixel2style2pixel)."
"""What the metadata of every clip says first."""

# Constant quality of x264: 18 is said to look lossless.
_QUALITY = "16"
# The comment of an MP4: its box, then a box "data" with 16 bytes before the text (QuickTime file format).
_COMMENT, _BEFORE_TEXT, _START = b"\xa9cmt", 20, 1 << 16


def mp4(frames: Sequence[Image.Image], comment: str) -> bytes:
    """Return frames of one even size as MP4 that any browser plays.

    Args:
        frames: RGB.
        comment: Kept in the metadata after ``SYNTHETIC``.

    Raises:
        PspError: There is no ffmpeg, or it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        told = {"comment": f"{SYNTHETIC} {comment}", "title": SYNTHETIC}
        command = [
            ffmpeg("choose the format gif"), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", "{}x{}".format(*frames[0].size), "-r", str(FPS), "-i", "-",
            "-c:v", "libx264", "-preset", "medium", "-crf", _QUALITY, "-pix_fmt", "yuv420p", "-threads", "1",
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1",
            *(part for key, text in told.items() for part in ("-metadata", f"{key}={text}")),
            "-movflags", "+faststart", "-y", str(path),
        ]  # fmt: skip
        pixels = b"".join(frame.convert("RGB").tobytes() for frame in frames)
        _run(command, pixels)
        return path.read_bytes()


def gif(frames: Sequence[Image.Image], comment: str) -> bytes:
    """Return frames as a GIF that repeats for ever; colours are dithered to 256 a frame."""
    out = io.BytesIO()
    first, *others = (frame.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT) for frame in frames)
    first.save(
        out, "GIF", save_all=True, append_images=others, duration=1000 // FPS, loop=0, optimize=False,
        comment=f"{SYNTHETIC} {comment}".encode(),
    )  # fmt: skip
    return out.getvalue()


def frames_of(path: Path) -> list[Image.Image]:
    """Return the frames of a clip that the studio made, RGB.

    Raises:
        PspError: There is no ffmpeg, or the file is no clip.
    """
    if path.suffix.lower() == ".gif":
        with Image.open(path) as opened:
            return [frame.convert("RGB") for frame in ImageSequence.Iterator(opened)]
    command = [
        ffmpeg("choose the format gif"), "-loglevel", "error", "-i", str(path),
        "-f", "image2pipe", "-c:v", "ppm", "-",
    ]  # fmt: skip
    return [*_pictures(_run(command, b""))]


def _pictures(data: bytes) -> Iterator[Image.Image]:
    """Yield the pictures of PPM files that stand one after the other (netpbm: "P6", size, 255, pixels)."""
    stream = io.BytesIO(data)
    while stream.readline() == b"P6\n":
        width, height = map(int, stream.readline().split())
        stream.readline()
        yield Image.frombytes("RGB", (width, height), stream.read(3 * width * height))


def comment_of(file: BinaryIO) -> str | None:
    """Return the comment of a clip that the studio made; None where it is none.

    Args:
        file: At its start.
    """
    start = file.read(_START)
    if start.startswith(b"GIF8"):
        try:
            with Image.open(io.BytesIO(start + file.read())) as opened:
                found = opened.info.get("comment", b"").decode(errors="replace")
        except (OSError, ValueError):
            return None
    else:
        at = start.find(_COMMENT)
        if at < 4 or start[4:8] != b"ftyp":
            return None
        length = int.from_bytes(start[at - 4 : at], "big")
        found = start[at + _BEFORE_TEXT : at - 4 + length].decode(errors="replace")
    return found.removeprefix(SYNTHETIC).strip() if found.startswith(SYNTHETIC) else None


def _run(command: Sequence[str], given: bytes) -> bytes:
    """Run ffmpeg and return what it writes.

    Raises:
        PspError: It failed.
    """
    try:
        return run(command, given)
    except (OSError, subprocess.SubprocessError) as error:
        raise PspError("ffmpeg could not do it.", "Choose the format gif.") from error

"""What a video is, before it is worked on: its container by its first bytes, and what ffmpeg says of it.

A stranger made the file, so ffmpeg never guesses: it is told the container, and may open nothing but this one
file, with decoders of a short list, within limits that hold while it decodes, whatever the header says.
"""

from __future__ import annotations

import math
import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from psp.errors import VideoError
from psp.pictures.ffmpeg import ffmpeg

MAX_SECONDS = 10
"""Of a longer video so much is used, from its beginning."""
MAX_FPS = 30
"""Frames a second; of faster videos every second or third frame is used."""
MAX_SIDE = 1280
"""Pixels of the longer side; larger videos are made smaller."""
MAX_PIXELS = 4096 * 2304
"""Of one frame as it comes; larger ones are refused before one is decoded."""
MIN_SIDE = 64
"""Pixels of the shorter side."""

VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
"""How their names end; what a file is, its first bytes say."""

# Brands of pictures in the same box as videos.
_PICTURES = (b"heic", b"heix", b"heim", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_CODECS = {
    "h264": "h264", "hevc": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d", "mpeg4": "mpeg4",
    "mjpeg": "mjpeg", "prores": "prores",
}  # fmt: skip
_SOUNDS = "aac,mp3float,mp3,opus,libopus,vorbis,ac3,eac3,alac,flac,pcm_s16le,pcm_s16be,pcm_s24le,amrnb"
_LARGEST_BLOCK = 256 << 20  # bytes that ffmpeg may ask for at once
_SECONDS = 20.0  # for one look at a file
_LARGEST_TOLD = 1 << 20  # characters of what ffmpeg says
_SLOWEST = 5  # frames a second: a slower video gets its frames twice
_COMMON = [Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)]
_LARGE = 576  # rows from which colours that say nothing are those of HD

_INTO = f"min(1,{MAX_SIDE}/max(iw*sar,ih))"
_FIT = f"scale=w='max(2,2*round(iw*sar*{_INTO}/2))':h='max(2,2*round(ih*{_INTO}/2))',setsar=1"


@dataclass(frozen=True)
class Video:
    """A video that can be worked on.

    Attributes:
        path: The file.
        container: "mov" (MP4 too) or "matroska" (WebM too), as ffmpeg calls them.
        size: (width, height) in pixels of its frames here: upright, even, at most ``MAX_SIDE``.
        rate: Frames a second here.
        frames: How many there are here, by its header; there may be fewer.
        sound: Whether it has any.
        matrix: How its colours are meant: "auto", or "bt709" where an HD video does not say.
        warnings: What is done to it, in words.
    """

    path: Path
    container: str
    size: tuple[int, int]
    rate: Fraction
    frames: int
    sound: bool
    matrix: str = "auto"
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is here."""
        return float(self.frames / self.rate)


def open_video(path: str | Path) -> Video:
    """Look at a video: its header and its first frame.

    Raises:
        VideoError: It is no video that can be read here, or too large, or too small.
        PspError: There is no ffmpeg.
    """
    path = Path(path).absolute()
    if not path.is_file():  # a pipe would never end
        raise VideoError(f"{path.name[:80]!r} is no file.", "Check the path.")
    container = container_of(path)
    first, told = _look(path, container)
    match = _STREAM.search(told)
    if match is None:
        raise VideoError("There are no pictures in this file.", "Choose a video, as MP4 or WebM.")
    codec, given = match["codec"], (int(match["width"]), int(match["height"]))
    if codec not in _CODECS:
        raise VideoError(
            f"This video is coded as {codec[:20]}, which is not read here.", "Export it as H.264 (MP4)."
        )
    if given[0] * given[1] > MAX_PIXELS:
        raise VideoError(
            f"The video is {given[0]} x {given[1]} pixels, too large for this.",
            "Make it smaller: 1920 x 1080 is more than enough.",
        )
    size = _size_of(first)
    if size is None:
        raise VideoError("The video cannot be read: it is damaged, or breaks off.", "Export it again.")
    if min(size) < MIN_SIDE:
        raise VideoError(
            f"The video is only {size[0]} x {size[1]} pixels.", "Use one in which a face can be seen."
        )
    return _planned(path, container, size, match, told)


def container_of(path: Path) -> str:
    """Return what a file is, by its first bytes.

    Raises:
        VideoError: It is neither MP4 or MOV nor WebM or MKV.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except (OSError, ValueError) as error:
        raise VideoError(f"{path.name[:80]!r} cannot be opened.", "Check the path.") from error
    if start[4:8] == b"ftyp" and start[8:12] not in _PICTURES:
        return "mov"
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if not start:
        raise VideoError("The file is empty.", "Choose a video, as MP4 or WebM.")
    raise VideoError(
        "This is no video that can be read here.",
        "Choose one as MP4, MOV, WebM or MKV; for photos there are the other tasks.",
    )


def reading(path: Path, container: str, *more: str) -> list[str]:
    """Return what ffmpeg is told to open a stranger's video with: that file, that container, known decoders.

    Args:
        path: The file, absolute.
        container: What it is.
        more: Further options for this input.
    """
    codecs = ",".join([*_CODECS.values(), _SOUNDS])
    closed = ["-enable_drefs", "0", "-use_absolute_path", "0"] if container == "mov" else []
    return [
        "-protocol_whitelist", "file", "-f", container, *closed, "-codec_whitelist", codecs,
        "-max_pixels", str(MAX_PIXELS), "-max_streams", "32", "-threads", "2", *more, "-i", f"file:{path}",
    ]  # fmt: skip


def guarded() -> list[str]:
    """Return ffmpeg with what holds for every call on a stranger's video."""
    return [ffmpeg(), "-hide_banner", "-nostdin", "-max_alloc", str(_LARGEST_BLOCK)]


# Two blanks begin a line of a stream; a title that says the same stands further in.
_STREAM = re.compile(
    r"^  Stream #0:\d+[^\n]{0,60}?: Video: (?P<codec>\w+)(?P<how>[^\n]*?)"
    r", (?P<width>\d{1,6})x(?P<height>\d{1,6})"
    r"(?![^\n]*\(attached pic\))(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
_SOUND = re.compile(r"^  Stream #0:\d+[^\n]{0,60}?: Audio: ", re.MULTILINE)
_LENGTH = re.compile(r"^  Duration: (\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_RATES = {name: re.compile(rf"([\d.]{{1,12}}k?) {name}\b") for name in ("fps", "tbr")}


def _look(path: Path, container: str) -> tuple[bytes, str]:
    """Return the beginning of the first frame, as PPM, and what ffmpeg says of the file."""
    command = [
        *guarded(), *reading(path, container), "-map", "0:V:0", "-frames:v", "1", "-vf", _FIT,
        "-c:v", "ppm", "-f", "image2pipe", "-",
    ]  # fmt: skip
    try:
        # Whatever comes from elsewhere is the path alone, and no shell reads it. It fails where nothing can
        # be decoded, but says before that what there is.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VideoError("The video cannot be read in time.", "Export it again, as H.264 (MP4).") from error
    told = done.stderr[:_LARGEST_TOLD].decode(errors="replace").replace("\r\n", "\n")
    return done.stdout[:64], re.split(r"^(?:Output #0|Stream mapping:)", told, maxsplit=1, flags=re.M)[0]


def _size_of(picture: bytes) -> tuple[int, int] | None:
    """Return the size of a PPM, from its beginning; None where there is none."""
    match = re.match(rb"P6\n(\d{1,5}) (\d{1,5})\n", picture)
    return (int(match[1]), int(match[2])) if match else None


def _planned(path: Path, container: str, size: tuple[int, int], match: re.Match[str], told: str) -> Video:
    """Return the video with all that is cut off, in words."""
    given = _rate_of(match["rest"])
    every = max(1, math.ceil(given / MAX_FPS - Fraction(1, 1000)))
    rate = max(given / every, Fraction(_SLOWEST))
    length = _LENGTH.search(told)
    whole = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None
    seconds = MAX_SECONDS if whole is None else min(whole, MAX_SECONDS)
    warnings = []
    if whole is not None and whole > MAX_SECONDS + 0.5:
        warnings.append(f"Only the first {MAX_SECONDS} seconds are used, of {round(whole)}.")
    if every > 1:
        nth = {2: "second", 3: "third"}.get(every, f"{every}th")
        warnings.append(f"Every {nth} frame is used: {_told(rate)} a second instead of {_told(given)}.")
    width, height = int(match["width"]), int(match["height"])
    if max(size) < max(width, height):
        warnings.append(f"It is made smaller: {size[0]} x {size[1]} pixels.")
    how = match["how"]
    if "smpte2084" in how or "arib-std-b67" in how:
        warnings.append("It is an HDR video, whose colours become paler here.")
    plain = not re.search(r"\b(bt709|bt470bg|smpte170m|bt2020)", how) and "yuv" in how
    matrix = "bt709" if plain and min(width, height) >= _LARGE else "auto"
    frames = max(1, round(seconds * rate))
    return Video(path, container, size, rate, frames, bool(_SOUND.search(told)), matrix, tuple(warnings))


def _rate_of(text: str) -> Fraction:
    """Return the frames a second in ffmpeg's words; 25 where it does not say, or nonsense.

    Of frames at uneven times "fps" is the mean and "tbr" what they were meant to have.
    """
    mean, meant = (_number(rate.search(text)) for rate in _RATES.values())
    value = meant if mean <= meant <= 2 * mean + 1 else mean
    if not 0 < value <= 1000:
        return Fraction(25)
    common = next((rate for rate in _COMMON if abs(float(rate) - value) < 0.006), None)
    return common or Fraction(value).limit_denominator(100)


def _number(found: re.Match[str] | None) -> float:
    try:
        return float(found[1].removesuffix("k")) * (1000 if found[1].endswith("k") else 1) if found else 0.0
    except ValueError:  # points only
        return 0.0


def _told(rate: Fraction) -> str:
    return f"{float(rate):.4g}"

"""ffmpeg, a program that the package imageio-ffmpeg carries: where it is, and how it is run."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from psp.errors import PspError

_SECONDS = 300  # it may take so long; it takes one


def ffmpeg(next_step: str = "") -> str:
    """Return the path of the program.

    Args:
        next_step: What can be done without it.

    Raises:
        PspError: There is none.
    """
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped]  # noqa: PLC0415  (it has no types; only clips need it)

        path: str = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        steps = "Run: pip install imageio-ffmpeg" + (f"; or {next_step}." if next_step else ".")
        raise PspError("There is no ffmpeg here to make a clip with.", steps) from error
    return path


def run(command: Sequence[str], given: bytes = b"", *, seconds: float = _SECONDS) -> bytes:
    """Run it and return what it writes.

    Args:
        command: Our own: what comes from elsewhere is a value in it, never an option, and no shell reads it.
        given: What it reads.
        seconds: How long it may take; then it is killed.

    Raises:
        OSError: It cannot be started.
        subprocess.SubprocessError: It failed, or took too long.
    """
    return subprocess.run(command, input=given, capture_output=True, timeout=seconds, check=True).stdout

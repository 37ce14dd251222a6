"""Whether files are still those that were read, told without reading them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Stamp = tuple[tuple[int, ...] | None, ...]
"""One entry a file; None: it is not there."""


def stamp(files: Sequence[Path]) -> Stamp:
    """Return what tells each file from another one in its place: size, times and inode."""
    return tuple(map(_one, files))


def _one(path: Path) -> tuple[int, ...] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)

"""Whether files are still those that were read, told without reading them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

Stamp = tuple[tuple[int, ...] | None, ...]
"""One entry a file; None: it is not there."""


def stamp(files: Sequence[Path]) -> Stamp:
    """Return the :func:`identity` of each file."""
    return tuple(map(_one, files))


def identity(path: Path) -> tuple[int, ...]:
    """Return what tells a file from another one in its place: size, times and inode.

    Raises:
        OSError: It is not there, or cannot be looked at.
    """
    state = path.stat()
    return (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


def _one(path: Path) -> tuple[int, ...] | None:
    try:
        return identity(path)
    except OSError:
        return None

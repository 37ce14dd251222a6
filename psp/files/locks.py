"""One process at a time, of all that share a folder, here or on several machines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # told apart by its truth below


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process is in a block under ``path``, and let none in before this one ends.

    The system keeps the lock and lets it go when the process ends, in whichever way; so does the server of a
    network disk. On a disk without locks, and on Windows, nobody waits.

    Args:
        path: A file for the lock alone, made for it and deleted afterwards; its folder is made if need be.

    Raises:
        OSError: The file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    while True:
        with path.open("ab") as file:  # for writing: network disks lock nothing else
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(path, file.fileno()):
                continue  # who had it has deleted the file since: once more
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether an open file is still the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False

"""Files that are written whole or not at all, and what a killed process left of them."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that somebody writes cannot be deleted anyway
    fcntl = None  # type: ignore[assignment]  # told apart by its truth below

_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
# Seconds after which a draft is taken for abandoned where locks do not work (some network disks).
_DAY = 86400


@contextmanager
def writing(
    path: Path, *, final: Callable[[], Path] | None = None, synced: bool = True
) -> Iterator[BinaryIO]:
    """Open a new file that takes the name ``path`` when the block ends well, and vanishes when not.

    What killed processes left in the folder is deleted on the way.

    Args:
        path: The name.
        final: Asked once the block has ended: another name, in the same folder, where the name was not known
            before; may raise, so that the file vanishes.
        synced: Whether the file is on the disk before it has its name. If not, who reads it after a crash of
            the machine may find it empty, and must be able to tell.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_drafts(path.parent)
    draft, file = _open(path)
    try:
        with file:
            yield file
            file.flush()
            if synced:
                os.fsync(file.fileno())  # otherwise a crash can leave the name on an empty file
        draft.replace(path if final is None else final())
    finally:
        draft.unlink(missing_ok=True)


def clear_drafts(folder: Path) -> int:
    """Delete the drafts in ``folder`` that no process writes any more; return how many there were."""
    try:
        drafts = [Path(each.path) for each in os.scandir(folder) if _DRAFT.fullmatch(each.name)]
    except OSError:
        return 0  # no such folder, or not ours to look into
    return sum(map(_clear, drafts))


def _open(path: Path) -> tuple[Path, BinaryIO]:
    """Return a new draft for ``path``, locked as long as it is open."""
    while True:
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        file = draft.open("xb")
        if fcntl is None:
            return draft, file
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return draft, file
        file.close()  # cleared by another process between the two lines: once more


def _clear(draft: Path) -> bool:
    """Delete a draft unless it is being written; return whether it was deleted."""
    try:
        with draft.open("rb") as file:
            if fcntl is not None and not _free(file):
                return False
            if fcntl is not None:
                draft.unlink()
        if fcntl is None:
            draft.unlink()
    except OSError:
        return False  # gone already, not ours, or (on Windows) still open
    return True


def _free(file: BinaryIO) -> bool:
    """Lock a draft and return whether that was possible: whether nobody writes it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - os.fstat(file.fileno()).st_mtime > _DAY
    return True

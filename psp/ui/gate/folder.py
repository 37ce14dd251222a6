"""The studio's temporary folder, for uploads and results: private, cleared by age, gone with the studio.

Gradio's own is shared by all its programs on the machine, and what it holds outlives a studio that was
killed: nobody remembers those files, and the next studio serves them again. Here each studio has a folder of
its own, locked as long as it runs; the next one to start deletes those whose studio is gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from psp.files.drafts import clear_drafts

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted: that does for a lock
    fcntl = None  # type: ignore[assignment]  # told apart by its truth below

_PREFIX, _LOCK = "psp-studio-", ".lock"
_FILES, _SCRATCH = "gradio", "tmp"
HOUR, DAY = 3600, 86400
"""Seconds. Files are looked at every hour and deleted once they are 23 hours old: none becomes a day old."""

_SKEW = 60  # seconds that the clock of a disk may be ahead
_log = logging.getLogger(__name__)


@contextmanager
def temporary_folder(cache_dir: Path) -> Iterator[Path]:
    """Make this process keep its temporary files in a new private folder, and delete it at the end.

    It is made in ``GRADIO_TEMP_DIR``, else where the system has such files. Folders of studios that are gone
    are deleted first, and so is what they left half written in the cache.

    Args:
        cache_dir: ``Settings.cache_dir``.

    Yields:
        The folder that Gradio keeps uploads and results in.
    """
    named, default = os.environ.get("GRADIO_TEMP_DIR"), tempfile.tempdir
    base = Path(named or tempfile.gettempdir()).resolve()
    base.mkdir(parents=True, exist_ok=True)
    clear_abandoned(base)
    for folder in ("converted", "hashes"):
        clear_drafts(cache_dir / folder)
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))  # for this user alone
    with _locked(home):
        for part in (_FILES, _SCRATCH):
            (home / part).mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(home / _FILES)
        tempfile.tempdir = str(home / _SCRATCH)  # strokes on the pad are written there as they come in
        try:
            yield home / _FILES
        finally:
            tempfile.tempdir = default
            os.environ.pop("GRADIO_TEMP_DIR")
            if named is not None:
                os.environ["GRADIO_TEMP_DIR"] = named
            shutil.rmtree(home, ignore_errors=True)


def clear_abandoned(base: Path) -> int:
    """Delete the folders in ``base`` whose studio is gone; return how many there were."""
    cleared = 0
    for home in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            cleared += _mine(home) and _abandoned(home)
    return cleared


@contextmanager
def sweeping(files: Path, kept: Callable[[], set[str]], every: float = HOUR) -> Iterator[None]:
    """Delete what gets too old in a studio's folder, for the length of the block.

    Args:
        files: What :func:`temporary_folder` yielded; in another folder nothing is deleted.
        kept: Returns the files that the page itself shows, however old.
        every: Seconds between two looks.
    """
    stop, now = threading.Event(), _steady_clock()

    def look() -> None:
        while not stop.wait(every):
            try:
                sweep(files, kept(), now())
            except Exception:  # noqa: BLE001  (whatever it was, the next look must come)
                _log.exception("Old files could not be deleted")

    if (files.parent / _LOCK).exists():
        threading.Thread(target=look, name="sweeper", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def sweep(files: Path, kept: set[str], now: float) -> int:
    """Delete what is too old in a studio's folder; return how many files that were.

    Uploads that were cut off go an hour after their last byte, all else before it is a day old. The clock may
    have been set meanwhile: what is of the future counts as of now.

    Args:
        files: What :func:`temporary_folder` yielded.
        kept: Files that stay.
        now: The time, in seconds since 1970.
    """
    deleted = 0
    for place, _, names in os.walk(files, topdown=False):
        for name in names:
            path = Path(place) / name
            cut = path.parent == files or name.startswith(".")
            deleted += str(path) not in kept and _delete(path, now, HOUR if cut else DAY - HOUR)
        folder = Path(place)
        if folder != files:
            with contextlib.suppress(OSError):  # not empty
                if folder.stat().st_mtime < now - HOUR:  # else somebody may be about to write into it
                    folder.rmdir()
    for path in (files.parent / _SCRATCH).iterdir():
        if not path.is_dir():
            deleted += _delete(path, now, HOUR)
    return deleted


def _steady_clock() -> Callable[[], float]:
    """Return what tells the time, but no later one than can be by what has passed since this call.

    A clock that is set forward would make every file old at once.
    """
    began, since = time.time(), time.monotonic()
    return lambda: min(time.time(), began + time.monotonic() - since)


def _delete(path: Path, now: float, age: float) -> bool:
    """Delete a file that is older than ``age``; return whether it was."""
    try:
        written = path.lstat().st_mtime
        if written > now + _SKEW:
            os.utime(path, (now, now))
        if written >= now - age:
            return False
        path.unlink()
    except OSError:  # gone already, or (on Windows) being read: next time
        return False
    return True


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the lock of a studio's folder."""
    draft = home / f"{_LOCK}.new"  # it gets its name once it is locked, so that none is seen unlocked
    with draft.open("xb") as file:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a disk without locks; see _abandoned
                fcntl.flock(file, fcntl.LOCK_EX)
            draft.rename(home / _LOCK)
            yield
        else:
            with (home / _LOCK).open("xb"):
                yield


def _abandoned(home: Path) -> bool:
    """Delete a studio's folder if nobody holds its lock; return whether it was deleted."""
    lock = home / _LOCK
    age = time.time() - home.lstat().st_mtime
    if not lock.exists():
        if age < HOUR:  # another studio is just starting
            return False
    elif fcntl is None:
        lock.unlink()  # fails while it is open
    else:
        with lock.open("rb") as file:
            if not _free(file, age):
                return False
    shutil.rmtree(home)
    return True


def _free(lock: BinaryIO, age: float) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks: nothing in it is as old as that while a studio runs
        return age > DAY
    return True


def _mine(home: Path) -> bool:
    """Return whether a path is a folder of this user's, and no link to one."""
    state = home.lstat()
    return stat.S_ISDIR(state.st_mode) and (not hasattr(os, "getuid") or state.st_uid == os.getuid())

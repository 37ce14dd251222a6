"""An official file to one of ours, in the cache: copied once, checked and hashed in the same time.

What costs is going through a gigabyte: for the file's sha256, which names the copy, for the archive's own
checksums, for weights that are none, and to copy it. All go on at once, so that the disk is read once; the
copy takes its name when every check has passed. It is sealed and brought to the disk while the model works
already: a copy without its seal, after a crash of the machine say, is taken for damaged and made again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from psp.checkpoints.hashes import file_sha256, keep_seal
from psp.checkpoints.official import Opened, open_official, require_whole
from psp.checkpoints.sound import require_sound
from psp.checkpoints.tensors import save_tensors, seal_in_place
from psp.errors import CheckpointError

SETTLING = "psp-settling"
"""Name of the thread that finishes a conversion; the process waits for it at its end."""

_FOLDER = "converted"
Fitted = TypeVar("Fitted")


def find_conversion(path: Path, cache_dir: Path) -> Path | None:
    """Return the conversion of an official file, whole or not; None if there is none.

    Named by content: a file that changed has another name, and a copy elsewhere uses the same conversion.

    Raises:
        OSError: There is no such folder, and it cannot be made.
    """
    folder = cache_dir / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if not any(each.name.startswith(f"{path.stem}-") for each in folder.iterdir()):
        return None  # before a gigabyte is hashed for nothing
    found = _named(path, cache_dir)
    return found if found.is_file() else None


def convert(
    path: Path,
    cache_dir: Path,
    metadata: Callable[[Opened], Mapping[str, str]],
    fits: Callable[[Opened], Fitted],
) -> tuple[Path, Fitted]:
    """Convert an official file, and return the conversion and what ``fits`` returned.

    Args:
        path: The file.
        cache_dir: Where the conversion goes, to where :func:`find_conversion` finds it.
        metadata: Says what is kept with the tensors.
        fits: Refuses a file of another architecture, before anything is written.

    Raises:
        CheckpointError: The file cannot be used.
        OSError: Nothing can be written there; the file was found to be whole.
    """
    with ThreadPoolExecutor(3) as threads:
        named = threads.submit(_named, path, cache_dir)
        checks: list[Future[Any]] = [threads.submit(require_whole, path)]

        def final() -> Path:
            for check in checks:
                check.result()
            return named.result()

        try:
            opened = open_official(path, checked=False)
            fitted = fits(opened)
            checks.append(threads.submit(require_sound, path.name, opened.state))
            draft = cache_dir / _FOLDER / f"{path.stem}.safetensors"
            save_tensors(draft, opened.state, metadata(opened), sealed=True, final=final, later=True)
        except (CheckpointError, OSError):
            checks[0].result()  # of a damaged file this says more
            raise
        converted = named.result()
    threading.Thread(target=_settle, args=(converted, cache_dir), name=SETTLING).start()
    return converted, fitted


def _named(path: Path, cache_dir: Path) -> Path:
    return cache_dir / _FOLDER / f"{path.stem}-{file_sha256(path, cache_dir)[:16]}.safetensors"


def _settle(converted: Path, cache_dir: Path) -> None:
    with contextlib.suppress(OSError):  # gone, or replaced: whoever loads it next makes it again
        keep_seal(converted, cache_dir, *seal_in_place(converted))

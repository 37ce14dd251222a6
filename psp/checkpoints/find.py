"""Where a weight file is (bundled, local folder, cache, Hub), and whether it is the right one."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
from pathlib import Path

from psp.checkpoints.hub import Progress, download, hash_file
from psp.checkpoints.tensors import writing
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.registry import ModelEntry, download_path, file_on_disk

_log = logging.getLogger(__name__)


def find_file(
    entry: ModelEntry, settings: Settings, progress: Progress | None = None, assets: Path | None = None
) -> Path:
    """Return the file of ``entry``, verified: bundled, else in the local folder, else from the Hub.

    Args:
        entry: The model.
        settings: Names the local folder and the cache, and says whether the Hub may be asked.
        progress: Called during a download with the bytes that are there and the bytes in all (or None).
        assets: The folder of the bundled files; the repository's own by default.

    Raises:
        ModelNotFoundError: It is not on this machine and cannot be downloaded; says where to put it.
        CheckpointError: The file that was found, or downloaded, has another hash than it should.
    """
    place = file_on_disk(entry, settings, assets)
    if place is None:
        if entry.source is None or settings.offline:
            raise _missing(entry, "the studio is offline" if entry.source else "")
        path = download(entry, download_path(entry, settings), progress)
    else:
        path = place[0]
    if entry.sha256 is not None:
        actual = file_sha256(path, settings.cache_dir)
        if actual != entry.sha256:
            raise CheckpointError(
                f"{path.name} is not the file that it should be: its sha256 is {actual}, not {entry.sha256}.",
                "Delete it and download it again.",
            )
    return path


def file_sha256(path: Path, cache_dir: Path | None = None) -> str:
    """Return the sha256 of a file, in lower-case hex.

    With ``cache_dir``, a note there keeps it with the file's size, times and inode, so that a file of 1.2 GB
    is not hashed at each start; one that has changed in any of them is hashed anew.
    """
    if cache_dir is None:
        return hash_file(path)
    state = path.stat()
    identity = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    note = cache_dir / "hashes" / f"{name}.json"
    try:
        kept = json.loads(note.read_text())
        if kept["identity"] == identity and len(kept["sha256"]) == 64:
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or not one of ours: hash
    sha256 = hash_file(path)
    try:
        with writing(note) as out:
            out.write(json.dumps({"identity": identity, "sha256": sha256}).encode())
    except OSError:
        warn_unwritable(cache_dir)
    return sha256


@functools.cache
def warn_unwritable(cache_dir: Path) -> None:
    """Say, once for each folder, that nothing can be kept there."""
    _log.warning(
        "Nothing can be kept in %s, so models load more slowly. Set PSP_CACHE_DIR to a writable folder.",
        cache_dir,
    )


def _missing(entry: ModelEntry, why: str) -> ModelNotFoundError:
    problem = (
        f"{entry.file} ({entry.family}, {entry.task}) is not on this machine{', and ' + why if why else ''}."
    )
    if entry.path is not None:
        return ModelNotFoundError(f"There is no file {entry.file}.", "Check the path.")
    return ModelNotFoundError(problem, entry.by_hand)

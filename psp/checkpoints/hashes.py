"""The hash of a file, and its seal, kept in the cache as long as the file does not change."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from psp.checkpoints.tensors import SEAL, hash_sealed, read_metadata
from psp.errors import CheckpointError
from psp.files.drafts import writing
from psp.files.pins import hash_file
from psp.files.stamps import identity

_log = logging.getLogger(__name__)

_SEALS = ".seal"
"""What the notes of seals are called, beside those of hashes."""


def file_sha256(path: Path, cache_dir: Path | None = None) -> str:
    """Return the sha256 of a file, in lower-case hex.

    With ``cache_dir``, a note there keeps it with the file's size, times and inode, so that a file of 1.2 GB
    is not hashed at each start; one that has changed in any of them is hashed anew.
    """
    return hash_file(path) if cache_dir is None else _kept(path, cache_dir, "", hash_file)


def check_seal(path: Path, cache_dir: Path | None = None) -> bool:
    """Return whether a ``.safetensors`` file is sealed (see ``psp.checkpoints.tensors``), and check its seal.

    Kept as :func:`file_sha256` does it.

    Raises:
        CheckpointError: Its content is not what was written.
    """
    wanted = read_metadata(path).get(SEAL)
    if wanted is None:
        return False
    actual = hash_sealed(path) if cache_dir is None else _kept(path, cache_dir, _SEALS, hash_sealed)
    if actual != wanted:
        raise CheckpointError(
            f"{path.name} is damaged: its content is not what was written (sha256 {actual}, not {wanted}).",
            "Copy or download it again, or train on from the run's last state.",
        )
    return True


def keep_seal(path: Path, cache_dir: Path, seal: str, state: tuple[int, ...]) -> None:
    """Note for :func:`check_seal` that a file holds what its seal says, while it is as ``state`` has it.

    Args:
        path: The file.
        cache_dir: Where hashes are kept.
        seal: Its seal.
        state: Its identity (``psp.files.stamps``) when its content was known.
    """
    _write(_note(path, cache_dir, _SEALS), cache_dir, list(state), seal)


def _kept(path: Path, cache_dir: Path, kind: str, compute: Callable[[Path], str]) -> str:
    """Return what ``compute`` makes of a file; from the note of an earlier call if the file is unchanged."""
    state = list(identity(path))
    note = _note(path, cache_dir, kind)
    try:
        kept = json.loads(note.read_text())
        if kept["identity"] == state and len(kept["sha256"]) == 64:
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or not one of ours: hash
    sha256 = compute(path)
    _write(note, cache_dir, state, sha256)
    return sha256


def _note(path: Path, cache_dir: Path, kind: str) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return cache_dir / "hashes" / f"{name}{kind}.json"


def _write(note: Path, cache_dir: Path, state: list[int], sha256: str) -> None:
    try:
        with writing(note) as out:
            out.write(json.dumps({"identity": state, "sha256": sha256}).encode())
    except OSError:
        warn_unwritable(cache_dir)


@functools.cache
def warn_unwritable(cache_dir: Path) -> None:
    """Say, once for each folder, that nothing can be kept there."""
    _log.warning(
        "Nothing can be kept in %s, so models load more slowly. Set PSP_CACHE_DIR to a writable folder.",
        cache_dir,
    )

"""The files of the repository that are believed, by their sha256: weights and the examples' stored results.

``SHA256SUMS`` beside them lists all, as ``sha256sum`` writes it (``cd assets && sha256sum -c SHA256SUMS``).
After files were replaced on purpose, ``python -m psp models pin`` writes the lists anew. A file is hashed
once a start.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from psp.errors import CheckpointError
from psp.files.drafts import writing
from psp.files.stamps import identity

SUMS = "SHA256SUMS"
"""Name of the list."""

PINNED = {
    "assets": ("*/*.safetensors",),
    "examples": ("results/**/*.webp", "results/**/*.safetensors"),  # Git may change the lines of a text
}
"""Folders of the repository with a list, and which of their files are on it."""

_BLOCK = 1 << 20
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in lower-case hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def require_pinned(path: Path, folder: Path) -> None:
    """Refuse a file that is not what the list in ``folder`` says; hashed once as long as it does not change.

    Args:
        path: The file, somewhere below ``folder``.
        folder: Holds the list.

    Raises:
        CheckpointError: The file is damaged or another, or is not on the list, or there is no list.
    """
    name = path.relative_to(folder).as_posix()
    restore = f"Restore {folder.name}/{name} from the repository"
    wanted = read_pins(folder).get(name)
    if wanted is None:
        raise CheckpointError(
            f"{folder.name}/{SUMS} does not list {name}.",
            f"{restore}; if it is new: python -m psp models pin.",
        )
    actual = _hashed(path, identity(path))
    if actual != wanted:
        raise CheckpointError(
            f"{path.name} is damaged: its sha256 is {actual}, not {wanted}.",
            f"{restore}; if you replaced it on purpose: python -m psp models pin.",
        )


def read_pins(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file on the list in ``folder``, by its path below.

    Raises:
        CheckpointError: There is no list, or it cannot be understood.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{folder.name}/{SUMS} cannot be read.", f"Restore {folder.name}/{SUMS} from the repository."
        ) from error
    found = [_LINE.fullmatch(line) for line in lines]
    if None in found:
        raise CheckpointError(
            f"{folder.name}/{SUMS} is damaged.", f"Restore {folder.name}/{SUMS} from the repository."
        )
    return {match[2]: match[1] for match in found if match}


def write_pins(folder: Path, patterns: Iterable[str]) -> int:
    """Write the list of ``folder`` anew: its files that ``patterns`` name; return how many these are."""
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    lines = [f"{hash_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    with writing(folder / SUMS) as out:
        out.write("".join(lines).encode())
    return len(files)


@functools.lru_cache(maxsize=256)
def _hashed(path: Path, state: tuple[int, ...]) -> str:
    """Return the sha256 of a file; ``state`` tells versions of it apart."""
    return hash_file(path)

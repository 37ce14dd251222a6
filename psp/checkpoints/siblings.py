"""The files that a model's file needs beside it: its generator, the model that it builds on, and its parts.

A part holds tensors of the same network, where one file would be larger than a repository should hold.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.hub import Progress, download
from psp.checkpoints.tensors import read_metadata
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.registry.lookup import ModelEntry


@dataclass(frozen=True)
class Sibling:
    """A file that another one needs.

    Attributes:
        what: "generator"; "base": a model whose tensors are not stored again; "part": more tensors.
        name: Its name, in the same folder.
        sha256: What its sha256 must be; None: not said.
    """

    what: Literal["generator", "base", "part"]
    name: str
    sha256: str | None


PARTS = "parts"
"""Name in the metadata of the parts: JSON of the sha256 of each by its name."""

_MOST_PARTS = 64


def siblings_of(path: Path) -> tuple[Sibling, ...]:
    """Return what the file at ``path`` needs beside it, by its metadata; nothing for other formats.

    Raises:
        CheckpointError: The file is damaged, or names a file that no sibling can be.
    """
    if path.suffix != ".safetensors":
        return ()
    metadata = read_metadata(path)
    found = [*parts_of(path, metadata)]
    if "decoder" in metadata:
        found.append(Sibling("generator", metadata["decoder"], metadata.get("decoder_sha256")))
    if "base" in metadata:
        found.append(Sibling("base", metadata["base"], metadata.get("base_sha256")))
    for sibling in found:
        _check_name(path, sibling)
    return tuple(found)


def parts_of(path: Path, metadata: Mapping[str, str]) -> tuple[Sibling, ...]:
    """Return the parts that the ``metadata`` of the file at ``path`` name.

    Raises:
        CheckpointError: They cannot be understood.
    """
    if PARTS not in metadata:
        return ()
    try:
        named = json.loads(metadata[PARTS])
        if not 0 < len(named) <= _MOST_PARTS:
            raise ValueError
        return tuple(Sibling("part", name, _text(sha256)) for name, sha256 in named.items())
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{path.name} does not say which files are its parts.", "Download or copy it again."
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def all_siblings(path: Path, cache_dir: Path | None = None) -> tuple[Path, ...]:
    """Return every file that the model at ``path`` needs, those of its base too, each checked to be right.

    Raises:
        CheckpointError: One is missing, damaged or another file.
    """

    def below(path: Path, depth: int) -> Iterator[Path]:
        for sibling in _needed(path, depth):
            beside = find_beside(path, sibling, cache_dir)
            yield beside
            yield from below(beside, depth + 1)

    return tuple(dict.fromkeys(below(path, 0)))


def _needed(path: Path, depth: int) -> tuple[Sibling, ...]:
    """Return the siblings of a file that is reached by ``depth`` steps from a model's own.

    A base has no base itself, but may share a generator; a generator has parts at most, a part nothing.
    """
    allowed = (("part", "generator", "base"), ("part", "generator"), ("part",))
    return tuple(s for s in siblings_of(path) if s.what in allowed[depth]) if depth < len(allowed) else ()


def find_beside(path: Path, sibling: Sibling, cache_dir: Path | None) -> Path:
    """Return the file of ``sibling``, which lies beside ``path``, after checking that it is the right one.

    Raises:
        CheckpointError: It is not there, is another file, or lies elsewhere.
    """
    _check_name(path, sibling)
    name, found = sibling.name, path.with_name(sibling.name)
    if not found.is_file():
        raise CheckpointError(f"{path.name} needs {name}, which is not beside it.", f"Put {name} there too.")
    if sibling.sha256 is not None and (actual := file_sha256(found, cache_dir)) != sibling.sha256:
        raise CheckpointError(
            f"{name} is not the {sibling.what} that {path.name} needs: its sha256 is {actual}, "
            f"not {sibling.sha256}.",
            "Copy both files from the same place.",
        )
    return found


def bring_siblings(entry: ModelEntry, path: Path, settings: Settings, progress: Progress | None) -> None:
    """Download what the downloaded file at ``path`` needs and what is not beside it yet.

    Each is verified by the sha256 that the file names.

    Args:
        entry: The model, with the revision that ``path`` came from.
        path: Its file, in the folder of downloads.
        settings: Say whether the Hub may be asked.
        progress: Called during a download with the bytes that are there and the bytes in all (or None).

    Raises:
        ModelNotFoundError: A file cannot be downloaded.
        CheckpointError: What came has another hash, or cannot be kept.
    """

    def bring(path: Path, depth: int) -> None:
        for sibling in _needed(path, depth):
            bring(_bring(entry, path, sibling, settings, progress), depth + 1)

    bring(path, 0)


def _bring(
    entry: ModelEntry, path: Path, sibling: Sibling, settings: Settings, progress: Progress | None
) -> Path:
    target = path.with_name(sibling.name)
    if target.is_file():
        return target
    needed = dataclasses.replace(entry, file=sibling.name, sha256=sibling.sha256)
    if settings.offline:
        raise ModelNotFoundError(
            f"{path.name} needs {sibling.name}, which is not on this machine, and the studio is offline.",
            needed.by_hand,
        )
    return download(needed, target, progress)


def _check_name(path: Path, sibling: Sibling) -> None:
    """Refuse a name that could lead out of the folder."""
    name = sibling.name
    if Path(name).name != name or "\\" in name or name in ("", ".", ".."):
        raise CheckpointError(
            f"{path.name} names a {sibling.what} outside its folder.", "Do not use the file."
        )

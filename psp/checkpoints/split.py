"""Tensors in several files, where one would be larger than a repository should hold: saved, read as one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from psp.checkpoints.hashes import check_seal, file_sha256
from psp.checkpoints.quantize import from_int8
from psp.checkpoints.siblings import PARTS, find_beside, parts_of
from psp.checkpoints.tensors import load_tensors, save_tensors
from psp.errors import CheckpointError

PART_FORMAT = "psp-studio/1-part"


def save_in_parts(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], largest: int | None = None
) -> None:
    """Write ``tensors`` to ``path``, sealed; what is beyond ``largest`` bytes to parts beside it.

    Args:
        path: The file, which is written last. Parts are called ``<stem>.part2.safetensors`` and so on.
        tensors: The tensors as they are stored.
        metadata: Short texts to keep with them, in the first file.
        largest: Bytes of tensors a file; None: one file for all.

    Raises:
        OSError: A file cannot be written.
    """
    first, *others = _split(tensors, largest)
    parts: dict[str, str] = {}
    for number, group in enumerate(others, start=2):
        part = path.with_name(f"{path.stem}.part{number}.safetensors")
        save_tensors(part, group, {"format": PART_FORMAT}, sealed=True)
        parts[part.name] = file_sha256(part)
    told = {PARTS: json.dumps(parts)} if parts else {}
    save_tensors(path, first, {**metadata, **told}, sealed=True)


def load_in_parts(
    path: Path, metadata: Mapping[str, str], cache_dir: Path | None = None, *, mapped: bool = True
) -> dict[str, Tensor]:
    """Return the tensors of ``path`` and of its parts, int8 made whole, after checking their seals.

    Args:
        path: The file.
        metadata: Its metadata, which name the parts.
        cache_dir: Where hashes are kept.
        mapped: Whether tensors map their files; see ``load_tensors``.

    Raises:
        CheckpointError: One is missing, damaged, or another file than it should be.
    """
    files = [path, *(find_beside(path, part, cache_dir) for part in parts_of(path, metadata))]
    stored: dict[str, Tensor] = {}
    for file in files:
        check_seal(file, cache_dir)
        tensors = load_tensors(file, mapped=mapped)[0]
        if twice := sorted(set(tensors) & set(stored)):
            raise CheckpointError(f"Two parts of {path.name} hold {twice[0]}.", "Save the model again.")
        stored |= tensors
    return from_int8(path.name, stored)


def _split(tensors: Mapping[str, Tensor], largest: int | None) -> Iterator[dict[str, Tensor]]:
    """Yield groups of tensors, in their order, of ``largest`` bytes at most; at least one, maybe empty."""
    group: dict[str, Tensor] = {}
    taken = 0
    for name, value in tensors.items():
        size = value.numel() * value.element_size()
        if largest is not None and group and taken + size > largest:
            yield group
            group, taken = {}, 0
        group[name] = value
        taken += size
    yield group

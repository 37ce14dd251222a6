"""Named tensors in one ``.safetensors`` file: written whole or not at all, checked before reading.

A file can be sealed: it names the sha256 of itself, with zeros where that stands. So whatever bit of it
changes is found, by ``psp.checkpoints.hashes``, which keeps what it found.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from psp.errors import CheckpointError, ModelNotFoundError
from psp.files.drafts import writing
from psp.files.stamps import identity

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
SEAL = "seal_sha256"
"""Name in the metadata of a sealed file's own sha256."""

_UNSEALED = "0" * 64
_BLOCK = 1 << 20
_TYPES = {name: dtype for dtype, name in _NAMES.items()}
_LONGEST_HEADER = 100_000_000  # the format's own limit
_AGAIN = "Download or copy the file again."


def save_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    *,
    sealed: bool = False,
    final: Callable[[], Path] | None = None,
    later: bool = False,
) -> None:
    """Write ``tensors`` and ``metadata`` to ``path``, whole or not at all; equal content gives equal bytes.

    The library's own writer copies all tensors in memory and orders metadata by chance, so the format, which
    is simple, is written here, one tensor at a time. Folders are made as needed.

    Args:
        path: The file; one that is there is replaced only when the new one is complete.
        tensors: Tensors of any shape on any device.
        metadata: Short texts to keep with them.
        sealed: Whether the file names its own sha256, which loading checks.
        final: Says what the file is called, where that is known last; see ``psp.files.drafts.writing``.
        later: Whether :func:`seal_in_place` follows, which also brings the file to the disk.

    Raises:
        OSError: The file cannot be written.
    """
    # Largest elements first, as the library has it, so that every tensor starts on a multiple of its size.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {}
    kept = {key: text for key, text in (metadata or {}).items() if key != SEAL}  # that of other content
    metadata = {**kept, SEAL: _UNSEALED} if sealed else kept
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    offset = 0
    for name in names:
        tensor = tensors[name]
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    start = struct.pack("<Q", len(text)) + text
    if sealed and not later:
        digest = hashlib.sha256(start)
        for name in names:
            digest.update(_bytes_of(tensors[name]))
        start = start.replace(_seal(_UNSEALED), _seal(digest.hexdigest()), 1)
    with writing(path, final=final, synced=not later) as file:
        file.write(start)
        for name in names:
            file.write(_bytes_of(tensors[name]))


def hash_sealed(path: Path) -> str:
    """Return the sha256 of a sealed file, with zeros where its own stands.

    Raises:
        CheckpointError: The file is missing, damaged, or no sealed ``.safetensors`` file.
    """
    named = read_metadata(path).get(SEAL, "")
    with path.open("rb") as file:
        return _hash(file, _head(file).replace(_seal(named), _seal(_UNSEALED), 1))


def seal_in_place(path: Path) -> tuple[str, tuple[int, ...]]:
    """Seal a file that was written to be sealed later, and bring it to the disk.

    Returns:
        Its seal, and its identity (``psp.files.stamps``).

    Raises:
        OSError: It is gone, or cannot be written.
    """
    with path.open("r+b") as file:
        head = _head(file)
        seal = _hash(file, head)
        file.seek(0)
        file.write(head.replace(_seal(_UNSEALED), _seal(seal), 1))
        file.flush()
        os.fsync(file.fileno())
        return seal, identity(path)


def _head(file: BinaryIO) -> bytes:
    """Return what stands before the tensors of a file that was opened just now."""
    length = file.read(8)
    return length + file.read(struct.unpack("<Q", length)[0])


def _hash(file: BinaryIO, head: bytes) -> str:
    """Return the sha256 of ``head`` and of the rest of a file."""
    digest = hashlib.sha256(head)
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _seal(sha256: str) -> bytes:
    return f'"{SEAL}":"{sha256}"'.encode()


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return the numbers of ``tensor`` as they stand in a file."""
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).cpu().numpy().data


def load_tensors(path: Path, *, mapped: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a ``.safetensors`` file, on the CPU.

    Args:
        path: The file.
        mapped: Whether they map the file: their memory is read when it is first used. Who then writes over
            the file (as ``cp`` does), instead of putting another in its place, ends the process; so a file
            that others may replace while it is in use is read once.

    Raises:
        CheckpointError: The file is missing, damaged, or no ``.safetensors`` file.
    """
    metadata = read_metadata(path)
    if not mapped:
        return _read_all(path), metadata
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}.", _AGAIN) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a ``.safetensors`` file, after checking that the file is complete.

    Raises:
        CheckpointError: The file is missing, damaged, or no ``.safetensors`` file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            text = file.read(length) if length <= min(_LONGEST_HEADER, size - 8) else b""
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no file {path.name}.", "Check the path.") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.", "Check the path.") from error
    if size == 0:
        raise CheckpointError(f"{path.name} is empty (0 bytes).", _AGAIN)
    if size < 8 or (length > size - 8 and length <= _LONGEST_HEADER):
        needed = 8 if size < 8 else 8 + length
        raise CheckpointError(
            f"{path.name} is truncated: {size} bytes, and the header alone takes {needed}.", _AGAIN
        )
    header = _parse(path.name, start, text)
    try:
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        expected = 8 + length + int(max(ends, default=0))
        metadata = {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}
    except (TypeError, KeyError, IndexError, ValueError, AttributeError) as error:
        raise CheckpointError(f"The header of {path.name} (from byte 8) is damaged.", _AGAIN) from error
    if size != expected:
        kind = "truncated" if size < expected else "damaged"
        raise CheckpointError(
            f"{path.name} is {kind}: {size} bytes, but its header promises {expected}.", _AGAIN
        )
    return metadata


def _read_all(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file, in memory of their own."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(length))
            data = torch.empty(path.stat().st_size - 8 - length, dtype=torch.uint8)
            if file.readinto(data.numpy().data) != len(data):
                raise ValueError("it ends early")
        header.pop("__metadata__", None)
        return {name: _slice(data, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, struct.error) as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}.", _AGAIN) from error


def _slice(data: Tensor, entry: dict[str, Any]) -> Tensor:
    """Return one tensor of a file, as a view of all its bytes where it is aligned."""
    start, end = entry["data_offsets"]
    dtype = _TYPES[entry["dtype"]]
    if not 0 <= start <= end <= len(data):
        raise ValueError("a tensor lies outside the file")
    part = data[start:end]
    return (part if start % dtype.itemsize == 0 else part.clone()).view(dtype).reshape(entry["shape"])


def _parse(name: str, start: bytes, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        problem = f"{name} is not a .safetensors file: bytes 0 to 8 are {start!r}"
        raise CheckpointError(f"{problem}, and no header follows.", "Give a .pt or .safetensors checkpoint.")
    return header

"""What old checkpoints hold beside tensors: paths, NumPy numbers, types; read without running their own code.

A pickle names the function or class that makes a value again. torch's safe unpickler refuses all names but
those of tensors and a few more; for the names below it is given a function of this module instead of the one
that is named, so that what a file can make is plain data, whatever its arguments are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import numpy as np

Maker: TypeAlias = Callable[..., Any]

_NUMBERS = re.compile(r"[<>|=]?(?:[biufc]\d{1,2}|[SU]\d{1,5}|\?)")
_LARGEST = 1 << 26  # bytes of an array; options hold none, an average code takes a few kB


class Unknown:
    """A value of which nothing is known or needed: only that it is plain."""

    def __init__(self, *args: object) -> None:
        """Take whatever the file gives, and keep none of it."""

    def __setstate__(self, state: object) -> None:
        """Take whatever the file gives, and keep none of it."""


class _NumberType:
    """A NumPy dtype on its way: its code, and the byte order that follows as its state."""

    def __init__(self, code: object = "", *rest: object) -> None:
        self.code = code.decode("ascii") if isinstance(code, bytes) else str(code)
        if not _NUMBERS.fullmatch(self.code):
            raise ValueError(f"a NumPy type {self.code[:20]!r}, which is no number")
        self.order = ""

    def __setstate__(self, state: object) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else ""
        self.order = str(order) if str(order) in ("<", ">") else ""

    def dtype(self) -> np.dtype[Any]:
        """Return the type, one of numbers or text."""
        kind = self.code.lstrip("<>|=")
        order = self.order or (self.code[0] if self.code[0] in "<>" else "")
        return np.dtype(order + kind)


class _Array:
    """A NumPy array on its way: it gets its numbers as its state."""

    def __init__(self, *args: object) -> None:
        self.values: np.ndarray[Any, np.dtype[Any]] | None = None

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise ValueError("a NumPy array that is damaged")
        _, shape, kind, by_columns, data = state
        if not isinstance(kind, _NumberType) or not isinstance(data, (bytes, bytearray)):
            raise ValueError("a NumPy array that does not hold numbers")
        if len(data) > _LARGEST:
            raise ValueError("a NumPy array that is too large to be an option")
        flat = np.frombuffer(bytes(data), kind.dtype())
        self.values = flat.reshape(tuple(shape), order="F" if by_columns else "C")


def _array(*args: object) -> _Array:
    return _Array()


def _scalar(kind: object, data: object = b"") -> object:
    """Return a NumPy number, or text, as Python's own."""
    if not isinstance(kind, _NumberType) or not isinstance(data, (bytes, bytearray)):
        raise ValueError("a NumPy value that is no number")
    dtype = kind.dtype()
    if dtype.itemsize == 0:  # an empty text
        return dtype.type().item()
    if len(data) != dtype.itemsize:
        raise ValueError("a NumPy number that is damaged")
    return np.frombuffer(bytes(data), dtype)[0].item()


def _path(*parts: object) -> str:
    return str(PurePosixPath(*(part for part in parts if isinstance(part, str))))


def _mapping(*args: object) -> dict[object, object]:
    """Return what a defaultdict becomes: its items follow, its factory is not needed."""
    return {}


def _list(*args: object) -> list[object]:
    """Return what a deque becomes: its items follow."""
    return []


def _no_bytes(*args: object) -> bytes:
    """Return empty bytes: how the pickles of ``torch.save`` write these; all others are texts, encoded."""
    return b""


def _frozenset(items: object = ()) -> tuple[object, ...]:
    return tuple(items) if isinstance(items, (list, tuple, set)) else ()


_UNKNOWN = {
    "builtins": "int float str bool list dict tuple object slice range type",
    "datetime": "datetime date time timedelta timezone",
    "decimal": "Decimal",
    "numpy": "bool bool_ str_ intc int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64",
    "types": "SimpleNamespace",
    "uuid": "UUID",
}


def _names() -> dict[str, Maker]:
    made: dict[str, Maker] = {
        "collections.defaultdict": _mapping,
        "collections.deque": _list,
        "builtins.frozenset": _frozenset,
        "builtins.bytes": _no_bytes,
        "numpy.dtype": _NumberType,
        "numpy.ndarray": _Array,
    }
    for core in ("numpy.core", "numpy._core"):
        made |= {f"{core}.multiarray.scalar": _scalar, f"{core}.multiarray._reconstruct": _array}
    for module in ("pathlib", "pathlib._local"):
        for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"):
            made[f"{module}.{name}"] = _path
    # Types and times: named as values, or made of a few numbers, and never asked for.
    for module, names in _UNKNOWN.items():
        made |= {f"{module}.{name}": Unknown for name in names.split()}
    return made


SAFE_NAMES: dict[str, Maker] = _names()
"""What is called for each name that a pickle may use beside torch's own."""


def plain_value(value: object) -> object:
    """Return an array of the file as one of NumPy's, and all else as it is."""
    return value.values if isinstance(value, _Array) else value

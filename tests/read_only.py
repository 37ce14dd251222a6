"""A folder on a disk that cannot be written, for tests: as root too, for whom rights do not count."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def read_only(folder: Path, why: int = errno.EROFS) -> Iterator[None]:
    """Let everything fail in this process that would change what is below ``folder``.

    Args:
        folder: The folder.
        why: What the system says of it; ``errno.ENOSPC`` makes it a disk without room for so much as a name.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((io, "open"), (builtins, "open")):
            patch.setattr(module, name, _opening(getattr(module, name), folder, why))
        patch.setattr(os, "open", _lowly(os.open, folder, why))
        for name in ("mkdir", "rename", "replace", "unlink", "rmdir", "utime"):
            patch.setattr(os, name, _refusing(getattr(os, name), folder, why))
        yield


def _refuse(path: object, folder: Path, why: int) -> None:
    if isinstance(path, str | Path) and Path(os.path.abspath(path)).is_relative_to(folder):  # noqa: PTH100
        raise OSError(why, os.strerror(why), str(path))


def _opening(function: Callable[..., Any], folder: Path, why: int) -> Callable[..., Any]:
    def opening(path: object, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wxa+"):
            _refuse(path, folder, why)
        return function(path, mode, *args, **kwargs)

    return opening


def _lowly(function: Callable[..., int], folder: Path, why: int) -> Callable[..., int]:
    def opening(path: object, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _refuse(path, folder, why)
        return function(path, flags, *args, **kwargs)

    return opening


def _refusing(function: Callable[..., Any], folder: Path, why: int) -> Callable[..., Any]:
    def refusing(*args: Any, **kwargs: Any) -> Any:
        for path in args[:2]:
            _refuse(path, folder, why)
        return function(*args, **kwargs)

    return refusing

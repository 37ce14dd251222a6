"""What all calls of a task from Python share: plain arguments, and a result that knows its inputs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from psp.result import Result

_Class = TypeVar("_Class", bound=type)


def task_calls(cls: _Class) -> _Class:
    """Let all methods of ``cls`` take NumPy's scalars for numbers, and results note the files they come from.

    A number out of an array (``face=np.int64(0)``) would otherwise end up in a recipe, which is JSON.
    """
    for name, method in vars(cls).copy().items():
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(cls, name, _plainly(method))
    return cls


def _plainly(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: object, *args: object, **kwargs: object) -> Any:  # noqa: ANN401  (whatever the method returns)
        args = tuple(_plain(value) for value in args)
        kwargs = {name: _plain(value) for name, value in kwargs.items()}
        made = method(self, *args, **kwargs)
        return replace(made, inputs=_files((*args, *kwargs.values()))) if isinstance(made, Result) else made

    return call


def _plain(value: object) -> object:
    """Return a scalar of NumPy as Python's own; all else as it is."""
    scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if scalar else value  # type: ignore[attr-defined]  # one of the two


def _files(values: tuple[object, ...]) -> tuple[Path, ...]:
    """Return the files that are named in ``values``, by paths that hold in every folder."""
    named = (Path(value).absolute() for value in values if isinstance(value, str | Path))
    return tuple(path for path in named if _is_file(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that can be no path
        return False

"""What all calls of a task from Python share: plain arguments, and a result that knows its inputs."""

from __future__ import annotations

import functools
import inspect
import math
import reprlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from psp.errors import InputError
from psp.inference.result import Result
from psp.parameters import SETTINGS

_Class = TypeVar("_Class", bound=type)
_KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}


def task_calls(cls: _Class) -> _Class:
    """Let all methods of ``cls`` check their settings, and results note the files that they come from.

    NumPy's scalars pass for Python's own: a number out of an array (``face=np.int64(0)``) would otherwise end
    up in a recipe, which is JSON. None stands for the default.
    """
    for name, method in vars(cls).copy().items():
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(cls, name, _checked(method))
    return cls


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401  (whatever the method returns)
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            default = signature.parameters[name].default
            if name != "self":
                given.arguments[name] = _setting(name, _plain(value), default)
        made = method(*given.args, **given.kwargs)
        files = _files(tuple(given.arguments.values()))
        return replace(made, inputs=files) if isinstance(made, Result) else made

    return call


def _setting(name: str, value: object, default: object) -> object:
    """Return an argument; a setting as its own type, for None its default.

    Raises:
        InputError: It is of another type, or a fraction where a whole number is meant.
    """
    kind = str if name == "model" else SETTINGS[name].type if name in SETTINGS else None
    if default is inspect.Parameter.empty or default is None or kind is None:
        return value  # the picture, the step, a style picture
    if value is None:
        return default
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if kind is int and math.isfinite(number) and number == int(number):
        return int(number)
    if kind is float and math.isfinite(number):
        return float(number)
    if kind is bool and isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    if kind is str and (isinstance(value, str) or (name == "model" and isinstance(value, Path))):
        return str(value)
    raise InputError(f"The {name} is {reprlib.repr(value)}.", f"Take {_KINDS[kind]}, such as {default!r}.")


def _plain(value: object) -> object:
    """Return a scalar of NumPy as Python's own; all else as it is."""
    scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if scalar else value  # type: ignore[attr-defined]  # one of the two


def _files(values: tuple[object, ...]) -> tuple[Path, ...]:
    """Return the files that are named in ``values``, lists in it too, by paths that hold in every folder."""
    each = (one for value in values for one in (value if isinstance(value, list | tuple) else (value,)))
    named = (Path(value).absolute() for value in each if isinstance(value, str | Path))
    return tuple(path for path in named if _is_file(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that can be no path
        return False

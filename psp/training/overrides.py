"""Changes to a preset from outside: a TOML file and ``--set name=value``; and settings written as TOML."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from psp.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_T = TypeVar("_T")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        SettingsError: It is not there, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows writes a byte-order mark
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}.", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path.name} is no TOML: {error}.", "See toml.io for the format.") from error


def read_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Return what ``name=value`` texts set, as nested tables: "optimizer.lr=2e-4", "losses.lpips=0.5".

    Values are written as in TOML; what is no TOML value is taken as text.

    Raises:
        SettingsError: A text has no "=", or sets what another one holds.
    """
    tables: dict[str, Any] = {}
    for text in assignments:
        name, separator, value = text.partition("=")
        if not separator:
            raise SettingsError(f"{text!r} sets nothing.", "Write NAME=VALUE, for example optimizer.lr=2e-4.")
        *path, last = name.strip().split(".")
        table = tables
        for part in path:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(f"{name} is set inside a value.", "Set the one or the other.")
        table[last] = _toml_value(value.strip())
    return tables


def _toml_value(text: str) -> Any:  # noqa: ANN401  (whatever a TOML file can hold)
    try:
        table = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text  # more lines would set more, unseen


def override(config: _T, changes: Mapping[str, Any], where: str = "") -> _T:
    """Return the dataclass ``config`` with the fields in ``changes`` replaced, nested tables field by field.

    Raises:
        SettingsError: A field is unknown or of another type, or the fields do not fit each other.
    """
    assert dataclasses.is_dataclass(config) and not isinstance(config, type)
    hints = get_type_hints(type(config))
    replaced: dict[str, Any] = {}
    for name, value in changes.items():
        place = f"{where}{name}"
        if name not in hints:
            raise SettingsError(f"There is no setting {place}.", f"There are: {', '.join(hints)}.")
        current = getattr(config, name)
        if dataclasses.is_dataclass(current) and not isinstance(current, type):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{place} is a group of settings.", f"Set {place}.NAME.")
            replaced[name] = override(_of_kind(hints[name], current, value), value, f"{place}.")
        else:
            replaced[name] = _converted(hints[name], value, place)
    try:
        return dataclasses.replace(config, **replaced)
    except (AssertionError, ValueError) as error:  # the second: a size of 0 has no logarithm
        raise SettingsError(
            f"The settings contradict each other: {error}.", "Change them together."
        ) from error


def _of_kind(hint: Any, current: _T, changes: Mapping[str, Any]) -> _T:  # noqa: ANN401  (type of any field)
    """Return ``current``, or one of another kind that ``hint`` allows, where ``changes`` are that one's."""
    for kind in (type(current), *get_args(hint)):
        hints = get_type_hints(kind)
        named = "kind" not in changes or changes["kind"] in get_args(hints.get("kind"))
        if named and set(changes) <= set(hints):
            return current if kind is type(current) else kind()
    return current


def _converted(hint: Any, value: Any, place: str) -> Any:  # noqa: ANN401  (types and values of any field)
    """Return ``value`` as the type ``hint``, one that fields of a config have."""
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise SettingsError(f"{place} cannot be {value!r}.", f"It is one of: {', '.join(get_args(hint))}.")
    if get_origin(hint) is tuple and isinstance(value, (list, tuple)):
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_converted(inner[0], item, f"{place}[{i}]") for i, item in enumerate(value))
        if len(inner) == len(value):
            return tuple(_converted(kind, item, place) for kind, item in zip(inner, value, strict=True))
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        try:
            return hint(**{name: value[name] for name in value})  # type: ignore[operator]  # a dataclass is called
        except TypeError as error:
            raise SettingsError(f"{place} cannot be {dict(value)!r}.", "Check its names.") from error
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    kind = hint.__name__ if isinstance(hint, type) else str(hint)
    raise SettingsError(f"{place} cannot be {value!r}.", f"It is of the type {kind}.")


def to_toml(config: object) -> str:
    """Return the dataclass ``config`` as TOML that ``read_toml`` and ``override`` take, a line a setting."""
    return "".join(f"{name} = {_written(value)}\n" for name, value in _lines("", config))


def _lines(prefix: str, config: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401  (any dataclass)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _lines(f"{prefix}{field.name}.", value)
        else:
            yield f"{prefix}{field.name}", value


def _written(value: Any) -> str:  # noqa: ANN401  (any value of a config)
    if dataclasses.is_dataclass(value):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return "{ " + ", ".join(f"{name} = {_written(item)}" for name, item in fields) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else repr(value)

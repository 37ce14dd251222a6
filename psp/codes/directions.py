"""Directions in W: what is added to codes to change one thing about a face, and files of them.

A file is a ``.safetensors`` with a tensor a direction, by its name: [dim] for all layers alike, or [n,dim];
an amount of 1 adds it as it stands. Its metadata may hold ``directions``, JSON that says by name which
``layers`` are moved ([from, to), all by default), from where to where it is safe (``low``, ``high``: -1 and 1
by default), and what a person reads: ``title``, ``group``, ``about``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from psp.codes.edits import Edits
from psp.codes.latents import GROUPS, MAX_FILE, Codes, metadata_of
from psp.errors import InputError
from psp.ranges import MOST_EDITED

MOST_DIRECTIONS = 64
"""How many directions a file may hold."""

SEFA_COUNT = 3
"""How many of SeFa's directions there are for each group of layers."""

NAMELESS = "one way; the other"
"""What is said of a direction of which nobody has said what it does."""

_Tensor: TypeAlias = np.ndarray[Any, Any]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LONGEST = 80  # characters of what a person reads
_USE = "Use a .safetensors file with one tensor a direction, as docs/tasks.md describes it."


@dataclass(frozen=True)
class Named:
    """What a person reads of a direction.

    Attributes:
        name: In the API: small letters, digits, ``-`` and ``_``.
        title: What the page calls it.
        group: The heading under which it stands there.
        about: What it does downwards and upwards: "none; a hat".
        low: The least amount that was measured, or looked at, to leave the person who they are.
        high: The largest.
    """

    name: str
    title: str
    group: str = ""
    about: str = ""
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True, eq=False)
class Direction:
    """One thing that can be changed.

    Attributes:
        named: What it is called.
        shift: What an amount of 1 adds to codes [n,dim].
    """

    named: Named
    shift: Codes


Directions: TypeAlias = Mapping[str, Direction]
"""By their names."""


def directions_from_bytes(data: bytes, n_codes: int, dim: int) -> dict[str, Direction]:
    """Read a file of directions for a model with ``n_codes`` codes of ``dim`` numbers; no pickle is opened.

    Raises:
        InputError: The file is too large, none of that kind, or holds what does not fit the model.
    """
    tensors, told = _read(data)
    return {
        name: Direction(_named(name, said), _shift(name, tensors[name], said, n_codes, dim))
        for name, said in told.items()
    }


def names_in(data: bytes) -> tuple[Named, ...]:
    """Return what the directions in a file are called, whatever model they are for.

    Raises:
        InputError: The file is too large, or none of that kind.
    """
    return tuple(_named(name, said) for name, said in _read(data)[1].items())


def sefa_names() -> tuple[Named, ...]:
    """Return what SeFa's directions are called, of every model that has some (``psp.models.sefa``)."""
    return tuple(
        Named(f"{group}-{index}", f"{title} {index}", title, NAMELESS)
        for group, title in GROUPS.items()
        for index in range(1, SEFA_COUNT + 1)
    )


def shift_of(edits: Edits, directions: Directions, n_codes: int, dim: int) -> Codes:
    """Return what ``edits`` add to codes, [n,dim].

    Raises:
        InputError: There is no direction of a name; says which there are.
    """
    shift = np.zeros((n_codes, dim), np.float32)
    for name, amount in edits.items():
        if name not in directions:
            there = ", ".join(directions) or "none"
            raise InputError(f"This model has no direction {name!r}.", f"It has: {there}.")
        shift += np.float32(amount) * directions[name].shift
    return shift


def _read(data: bytes) -> tuple[dict[str, _Tensor], dict[str, dict[str, Any]]]:
    """Return the tensors of a file and what is said of each, in its order, the others after that."""
    if len(data) > MAX_FILE:
        raise InputError(
            f"The file of directions is too large: {len(data) >> 20} MB.", f"{MAX_FILE >> 20} MB are allowed."
        )
    try:
        tensors = load(data)
        told = json.loads(metadata_of(io.BytesIO(data)).get("directions", "{}"))
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise InputError("This is not a .safetensors file of directions.", _USE) from error
    if not 1 <= len(tensors) <= MOST_DIRECTIONS:
        raise InputError(f"The file holds {len(tensors)} directions.", f"1 to {MOST_DIRECTIONS} are allowed.")
    for name in tensors:
        if not _NAME.fullmatch(name):
            raise InputError(
                f"The name of a direction is {name[:40]!r}.", "Small letters, digits, - and _ are allowed."
            )
    known = told if isinstance(told, dict) else {}
    said = {name: each for name, each in known.items() if name in tensors and isinstance(each, dict)}
    return tensors, {**said, **{name: {} for name in sorted(set(tensors) - set(said))}}


def _named(name: str, said: Mapping[str, Any]) -> Named:
    words = {key: _plain(said.get(key, "")) for key in ("title", "group", "about")}
    ends = [said.get(key, own) for key, own in (("low", -1), ("high", 1))]
    usable = all(isinstance(end, int | float) and abs(end) <= MOST_EDITED for end in ends)
    low, high = map(float, ends) if usable and ends[0] < ends[1] else (-1.0, 1.0)
    return Named(name, words["title"] or _title(name), words["group"], words["about"] or NAMELESS, low, high)


def _plain(said: object) -> str:
    """Return a short text on one line: what is not printable, such as half a character, cannot be sent."""
    return "".join(each for each in str(said)[:_LONGEST] if each.isprintable())


def _shift(name: str, tensor: _Tensor, said: Mapping[str, Any], n_codes: int, dim: int) -> Codes:
    if tensor.shape not in ((dim,), (n_codes, dim)) or tensor.dtype.kind != "f":
        raise InputError(
            f"The direction {name!r} is no [{dim}] or [{n_codes},{dim}] of numbers.",
            "Choose the model that it was made for.",
        )
    numbers = np.broadcast_to(tensor.astype(np.float32), (n_codes, dim))
    if not np.isfinite(numbers).all() or not numbers.any():
        raise InputError(f"The direction {name!r} holds NaN, infinity, or nothing.", _USE)
    moved = _layers(name, said.get("layers", [0, n_codes]), n_codes)
    shift = np.zeros((n_codes, dim), np.float32)
    shift[moved] = numbers[moved]
    return shift


def _layers(name: str, given: object, n_codes: int) -> slice:
    """Return the layers [from, to) that a direction moves."""
    if isinstance(given, list) and len(given) == 2 and all(type(end) is int for end in given):
        low, high = given
        if 0 <= low < high <= n_codes:
            return slice(low, high)
    raise InputError(
        f"The layers of the direction {name!r} cannot be used.", f"Write [from, to), within 0 to {n_codes}."
    )


def _title(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]

"""Values of settings held against their ranges: what comes from outside, in a request or a recipe.

Knows no models: how many layers or faces there are is checked where that is known.
"""

from __future__ import annotations

import math
import re

from psp.errors import InputError
from psp.parameters import SETTINGS

LAYERS_GRAMMAR = (
    "Write them like 8-, 0-3,7 or all; or pose, features, colours; with a share, 0 to 1, after a colon: "
    "pose:0.5,features."
)
"""How a choice of layers is written, as a sentence of messages."""

LAYERS_PART = re.compile(
    r"(?:(?P<word>auto|all|pose|features|colours)|(?P<range>\d{0,3}-?\d{0,3}))"
    r"(?::(?P<share>0|1|0?\.\d{1,20}|1\.0{1,20}))?"
)
"""One part of a choice of layers, as ``plain_layers`` makes them."""

SHARE_DIGITS = 4
"""How many digits after the point a share has: more tell no picture from another."""

EDITS_GRAMMAR = "Write them like smile:0.5,age:-1: names, each with an amount from -2 to 2 after a colon."
"""How edits are written, as a sentence of messages."""

EDITS_PART = re.compile(r"(?P<name>[a-z][a-z0-9_-]{0,39}):(?P<amount>[+-]?(?:\d{1,2}|\d{0,2}\.\d{1,20}))")
"""One edit, as ``plain_edits`` makes them."""

MOST_EDITED = 2.0
"""The largest amount of an edit, up or down: twice what was measured to be safe."""

_LONGEST = 200
_LONGEST_LAYERS = 400  # what the studio writes itself: 23 layers, each with a share of its own
_LONGEST_EDITS = 1000
# Characters of a value that a message repeats.
_SHOWN = 40


def check_number(name: str, value: object) -> int | float:
    """Return the number that the setting ``name`` of ``psp.parameters.SETTINGS`` has.

    Args:
        name: The setting.
        value: What was given: an int or a float, or its text.

    Raises:
        InputError: It is no number, or one out of the setting's range.
    """
    allowed = SETTINGS[name]
    number = as_number(name, value, allowed.told())
    if allowed.type is int:
        number = as_whole(name, number, allowed.told())
    inside = number in allowed.numbers if allowed.choices else allowed.low <= number <= allowed.high
    if not inside:
        raise InputError(f"The setting {name} is {shown(value)}.", allowed.told())
    return number


def as_number(name: str, value: object, next_step: str) -> int | float:
    """Return a finite number, from a number or its text.

    Raises:
        InputError: It is none; ``next_step`` says what would be.
    """
    number: int | float
    try:
        if isinstance(value, str) and len(value) <= _LONGEST:
            number = int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        else:
            raise ValueError
        finite = math.isfinite(number)
    except (ValueError, OverflowError):
        finite, number = False, 0
    if not finite:
        raise InputError(f"The {name} is {shown(value)}, which is no number to use.", next_step)
    return number


def as_whole(name: str, number: float, next_step: str) -> int:
    """Return a number that has no fraction as an int.

    Raises:
        InputError: It has one: nothing is cut off silently.
    """
    if number != int(number):
        raise InputError(f"The {name} is {shown(number)}, which is no whole number.", next_step)
    return int(number)


def plain_layers(text: str) -> str:
    """Return a choice of layers without spaces, in small letters, each dash a hyphen."""
    return re.sub(r"\s+", "", text.lower()).replace("–", "-")


def check_layers(text: object) -> str:
    """Return a choice of layers if it is written as ``psp.codes.latents.parse_layers`` reads them.

    Raises:
        InputError: It is not.
    """
    short = isinstance(text, str) and len(text) <= _LONGEST_LAYERS
    if not short or not all(map(LAYERS_PART.fullmatch, plain_layers(str(text)).split(","))):
        raise InputError(f"The layers {shown(text)} cannot be understood.", LAYERS_GRAMMAR)
    return str(text)


def plain_edits(text: str) -> str:
    """Return edits without spaces, in small letters, each minus a hyphen."""
    return re.sub(r"\s+", "", text.lower()).replace("−", "-").replace("–", "-").strip(",")


def check_edits(text: object) -> str:
    """Return edits if they are written as ``psp.codes.edits.parse_edits`` reads them.

    Raises:
        InputError: They are not, or an amount is out of range.
    """
    short = isinstance(text, str) and len(text) <= _LONGEST_EDITS
    parts = [part for part in plain_edits(str(text)).split(",") if part] if short else []
    read = [EDITS_PART.fullmatch(part) for part in parts]
    if not short or not all(read):
        raise InputError(f"The edits cannot be understood: {shown(text)}.", EDITS_GRAMMAR)
    names = [part["name"] for part in read if part]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"The edits have {shown(twice)} twice.", "Give each direction one amount.")
    if any(part and abs(float(part["amount"])) > MOST_EDITED for part in read):
        raise InputError(f"The edits are {shown(text)}.", EDITS_GRAMMAR)
    return str(text)


def check_word(name: str, value: object) -> str:
    """Return the word that the setting ``name`` of ``psp.parameters.SETTINGS`` has.

    Raises:
        InputError: It is none of its words.
    """
    allowed = SETTINGS[name]
    if value not in allowed.words or not isinstance(value, str):
        raise InputError(f"The {name} is {shown(value)}.", allowed.told())
    return value


def shown(value: object) -> str:
    """Return a value as a message may repeat it: short, on one line, whatever it is."""
    if isinstance(value, str):
        text = repr(value[: _SHOWN + 1])
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "empty"}[value]
    elif isinstance(value, int):
        text = str(value) if abs(value) < 10**_SHOWN else "a number of many digits"
    elif isinstance(value, float):
        text = str(value)
    else:
        text = {"list": "a list", "dict": "an object", "tuple": "a list"}.get(
            type(value).__name__, "of another type"
        )
    return text if len(text) <= _SHOWN + 2 else f"{text[:_SHOWN]}…"

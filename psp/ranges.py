"""The range of every setting: what comes from outside, in a request or a recipe, is held against it.

Knows no models: how many layers or faces there are is checked where that is known.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from psp.errors import InputError

MAX_VARIANTS = 16
"""How many variants one request may ask for."""

MAX_SEED = 2**32 - 1

FACTORS = (0, 4, 8, 16, 32)
"""How many times super-resolution may shrink a picture first; 0: not at all."""

MAX_FACE = 9999
"""The largest number of a face: no photo has more of them."""

_LAYERS = re.compile(r"[\d\s,–-]*|\s*(auto|all|pose|features|colours)\s*", re.IGNORECASE)
_LONGEST = 200
# Characters of a value that a message repeats.
_SHOWN = 40


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may have.

    Attributes:
        low: The least.
        high: The largest.
        whole: Whether it has no fraction.
        choices: The only ones, where there are few.
        below: What numbers below 0 mean, where these are taken too.
    """

    low: float
    high: float
    whole: bool = True
    choices: tuple[int, ...] = ()
    below: str = ""

    def told(self) -> str:
        """Return the range in words."""
        if self.choices:
            return f"Take one of {', '.join(map(str, self.choices))}."
        kind = "whole number" if self.whole else "number"
        below = f"; below 0: {self.below}" if self.below else ""
        return f"Take a {kind} from {0 if self.below else self.low:.0f} to {self.high:.0f}{below}."


RANGES: dict[str, Range] = {
    "face": Range(0, MAX_FACE),
    "strength": Range(0, 1, whole=False),
    "factor": Range(FACTORS[0], FACTORS[-1], choices=FACTORS),
    "alpha": Range(0, 1, whole=False),
    "variants": Range(1, MAX_VARIANTS),
    "variant": Range(0, MAX_VARIANTS - 1),
    "seed": Range(-MAX_SEED, MAX_SEED, below="by chance"),
}
"""The numbers among the settings, by their API names."""

WORDS: dict[str, tuple[str, ...]] = {"style": ("random", "picture"), "parser": ("landmarks", "segformer")}
"""The settings that have one of a few words."""


def check_number(name: str, value: object) -> int | float:
    """Return the number that the setting ``name`` of :data:`RANGES` has.

    Args:
        name: The setting.
        value: What was given: an int or a float, or its text.

    Raises:
        InputError: It is no number, or one out of the setting's range.
    """
    allowed = RANGES[name]
    number = as_number(name, value, allowed.told())
    if allowed.whole:
        number = as_whole(name, number, allowed.told())
    if not allowed.low <= number <= allowed.high or (allowed.choices and number not in allowed.choices):
        raise InputError(f"The {name} is {shown(value)}.", allowed.told())
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


def check_layers(text: object) -> str:
    """Return a choice of layers if it is written as ``psp.codes.latents.parse_layers`` reads them.

    Raises:
        InputError: It is not.
    """
    if not isinstance(text, str) or len(text) > _LONGEST or not _LAYERS.fullmatch(text):
        raise InputError(
            f"The layers {shown(text)} cannot be understood.",
            "Write them like 8-, 0-3,7 or all; or pose, features, colours.",
        )
    return text


def check_word(name: str, value: object) -> str:
    """Return the word that the setting ``name`` of :data:`WORDS` has.

    Raises:
        InputError: It is none of its words.
    """
    if value not in WORDS[name] or not isinstance(value, str):
        raise InputError(f"The {name} is {shown(value)}.", f"Take {' or '.join(WORDS[name])}.")
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

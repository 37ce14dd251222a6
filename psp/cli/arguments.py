"""Numbers on the command line: within their limits, or an error that says what these are."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

_SHOWN = 40


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from ``low`` to ``high``, for ``ArgumentParser.add_argument``.

    Args:
        low: The least that is taken.
        high: The most; None: there is no end.
    """
    span = f"from {low} on" if high is None else f"from {low} to {high}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is not a whole number {span}")
        return value

    return read


def any_whole(text: str) -> int:
    """Read a whole number whose limits the task knows."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is not a whole number") from error


def any_number(text: str) -> float:
    """Read a number whose limits the task knows."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is not a number") from error


def above_zero(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is not a number above 0")
    return value

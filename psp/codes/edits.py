"""Edits as text: which directions a face is moved along, and how far ("smile:0.5,age:-1")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from psp.ranges import EDITS_PART, check_edits, plain_edits

Edits: TypeAlias = Mapping[str, float]
"""Amounts by the names of directions: 1 is as far as was measured to leave the person who they are."""

_DIGITS = 4  # after the point, as of layers: finer steps nobody sees


def parse_edits(text: str) -> dict[str, float]:
    """Read edits: names, each with an amount from −2 to 2 after a colon, with commas between them.

    Amounts of 0 are left out. Four digits after the point count.

    Raises:
        InputError: The text cannot be understood, a name comes twice, or an amount is out of range.
    """
    read = [EDITS_PART.fullmatch(part) for part in plain_edits(check_edits(text)).split(",") if part]
    amounts = {part["name"]: round(float(part["amount"]), _DIGITS) for part in read if part}
    return {name: amount for name, amount in amounts.items() if amount}


def write_edits(edits: Edits) -> str:
    """Return edits as ``parse_edits`` reads them, in their order."""
    return ",".join(f"{name}:{amount:.{_DIGITS}f}".rstrip("0").rstrip(".") for name, amount in edits.items())

"""Whose pictures and weights a gallery shows: licences beside results, of models, and of examples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from psp.checkpoints.card import clean
from psp.errors import InputError
from psp.inference.examples import FOLDER, Example
from psp.registry.table import MODELS

_NAMES = ("LICENSE.md", "LICENSE.txt", "LICENSE", "LICENCE.md", "LICENCE.txt", "LICENCE")
_LARGEST = 100_000  # bytes; a list of credits is a page or two
_ROW = re.compile(r"^\|(?P<files>[^|]+)\|(?P<what>[^|]+)\|(?P<licence>[^|]+)\|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def licence_file(folder: Path) -> tuple[str, str] | None:
    """Return the name and the text of the licence that lies beside the results; None: there is none.

    Raises:
        InputError: It is no text, or too long for one.
    """
    path = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name} has more than {_LARGEST // 1000} kB.", "Shorten it.")
        return path.name, path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no text in UTF-8.", "Save it as one.") from error


def model_terms(names: Iterable[str]) -> list[str]:
    """Return what the use of each model is bound to, one sentence each."""
    known = {entry.family: entry.licence for entry in MODELS}
    return [
        f"{clean(name)}: {known[name]}" if name in known else f"{clean(name)}: as its author says."
        for name in sorted(set(names))
    ]


def example_credit(example: Example) -> str:
    """Return whose picture the input of an example is, from ``examples/LICENSE.md``; empty: not there."""
    try:
        rows = list(_ROW.finditer((FOLDER / "LICENSE.md").read_text(encoding="utf-8")))
    except OSError:
        return ""
    for row in rows:
        if f"{Path(example.given).name}`" in row["files"]:
            return " ".join(
                _LINK.sub(r"\1", f"{example.given}: {row['what'].strip()}; {row['licence'].strip()}.")
                .replace("`", "")
                .split()
            )
    return ""

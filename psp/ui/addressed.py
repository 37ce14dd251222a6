"""Who reads an error or a warning: a visitor has controls with names, a program has parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from psp.parameters import ALIGN, ALIGN_OFF

MORE_SETTINGS = "More settings"
"""The section of a tab that holds what few visitors need."""

_PROGRAM = ContextVar("program", default=False)


@contextmanager
def spoken_to(*, program: bool) -> Iterator[None]:
    """Say for the time of a block whether what is said is read by a program's author, or at the page."""
    token = _PROGRAM.set(program)
    try:
        yield
    finally:
        _PROGRAM.reset(token)


def is_program() -> bool:
    """Return whether what is said now is read by a program's author."""
    return _PROGRAM.get()


def for_reader(text: str) -> str:
    """Return an error's or a warning's text in the words of whoever reads it now."""
    return text if _PROGRAM.get() else for_page(text)


def for_page(text: str) -> str:
    """Return a text with the names of the page's controls in the place of the API's parameters."""
    return text.replace(ALIGN_OFF, f"switch off “{ALIGN.label}” under “{MORE_SETTINGS}”")

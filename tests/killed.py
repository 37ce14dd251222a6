"""A process that is killed at a certain line, for tests: by SIGKILL, so that nothing of it can tidy up."""

from __future__ import annotations

import os
import pkgutil
import signal
from collections.abc import Callable

import pytest

from tests.forked import forked


def killed_at(place: str, work: Callable[[], object], nth: int = 1) -> None:
    """Do ``work`` in a copy of this process that is killed when it comes to ``place`` for the ``nth`` time.

    Args:
        place: A function, like "pathlib.Path.replace"; it is not run that time.
        work: What is done.
        nth: Which call of it.
    """

    def armed() -> None:
        with pytest.MonkeyPatch.context() as patch:
            _arm(patch, place, nth)
            work()

    _, status = os.waitpid(forked(armed), 0)
    assert os.WIFSIGNALED(status), f"it never came to {place}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _arm(patch: pytest.MonkeyPatch, place: str, nth: int) -> None:
    holder_name, _, name = place.rpartition(".")
    holder, function = pkgutil.resolve_name(holder_name), pkgutil.resolve_name(place)
    calls = []

    def deadly(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    patch.setattr(holder, name, deadly)

"""A request's turn: whether its work is still wanted, and how much time it has; asked between its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from psp.errors import StoppedError, TimeLimitError
from psp.inference.network import DOWNLOADING


class Turn:
    """The turn of one request.

    Args:
        seconds: How long it may take. Downloads of models, which all are waiting for, do not count.
        unwanted: Returns why the work is to stop, or nothing.
    """

    def __init__(self, seconds: float, unwanted: Callable[[], str]) -> None:
        self._seconds = seconds
        self._unwanted = unwanted
        self._began = time.monotonic()

    def left(self) -> float:
        """Return how many seconds are left."""
        return self._began + self._seconds - time.monotonic()

    def check(self, words: str = "") -> None:
        """Return if the work is to go on; called before each of its steps.

        Args:
            words: What happens now.

        Raises:
            StoppedError: Nobody waits for it any more, or the studio stops.
            TimeLimitError: It took too long.
        """
        if why := self._unwanted():
            raise StoppedError(why, "Ask again.")
        if DOWNLOADING in words:
            self._began = time.monotonic()
        elif self.left() < 0:
            raise TimeLimitError(
                f"This takes longer than the {self._seconds:.0f} seconds that a request may take here.",
                "Ask for fewer variants or faces, or take a smaller picture.",
            )


_TURN: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def taking(turn: Turn) -> Iterator[None]:
    """Make ``turn`` that of the request in this thread, for the length of the block."""
    token = _TURN.set(turn)
    try:
        yield
    finally:
        _TURN.reset(token)


def current_turn() -> Turn:
    """Return the turn of the request in this thread; one without limits where there is none."""
    return _TURN.get() or Turn(float("inf"), str)

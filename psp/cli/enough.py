"""Ctrl+C while codes come closer to a photo: who has enough gets the closest by then; twice, it ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psp.errors import EnoughError

Told = Callable[[str, float | None], None]


@contextmanager
def until_enough(step: Told) -> Iterator[Told]:
    """Yield a step that tells ``step``, and has enough after Ctrl+C; at any other time that ends the command.

    Raises:
        KeyboardInterrupt: Ctrl+C was pressed while nothing could be handed out, or twice.
    """
    from psp.inference.network import APPROACHING  # noqa: PLC0415  (only commands that refine need it)

    approaching = enough = False

    def press(*_: object) -> None:
        nonlocal enough
        if enough or not approaching:
            raise KeyboardInterrupt
        enough = True
        print("\nenough: the closest by now is made", file=sys.stderr, flush=True)

    def tell(words: str, share: float | None) -> None:
        nonlocal approaching
        approaching = words == APPROACHING
        if enough and approaching:
            raise EnoughError("Stopped.", "Nothing was saved.")
        step(words, share)

    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield step
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield tell
    finally:
        signal.signal(signal.SIGINT, before)

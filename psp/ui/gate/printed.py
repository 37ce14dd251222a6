"""The journal on standard output, by a thread of its own: a reader who stands still holds up no request."""

from __future__ import annotations

import logging
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener

from psp.ui.gate.journal import NAME

# Lines that may wait for a reader who does not read; later ones are lost.
_MOST = 10_000


class _Patient(QueueHandler):
    """Hands lines on without waiting; one for which there is no room is dropped."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Say nothing: to stand still is no error."""


@contextmanager
def printed(log: str) -> Iterator[None]:
    """Write the journal to standard output as long as the block lasts.

    Args:
        log: ``Settings.log``: "requests", or "off".
    """
    if log == "off":
        yield
        return
    logger = logging.getLogger(NAME)
    before = logger.level, logger.propagate
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_MOST)
    handler = _Patient(lines)
    listener = QueueListener(lines, logging.StreamHandler(sys.stdout))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # once, whatever the root has
    listener.start()
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
        listener.stop()

"""Serving the page until it is asked to stop, and stopping without cutting anybody off."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import gradio as gr
from gradio.utils import get_upload_folder

from psp.ui.gate.folder import sweeping
from psp.ui.gate.line import Line

# Seconds that clients have to fetch the files of a result, once no request runs any more.
_FETCH = 1.0
# Seconds that requests have to notice that they are to stop, and connections to close.
_LAST = 0.5

_log = logging.getLogger(__name__)


def serve_until_stopped(page: gr.Blocks) -> None:
    """Wait until the process is asked to stop (SIGTERM, Ctrl-C), then let requests that run finish.

    They may go on for ``Settings.drain_seconds``; those that wait are sent away, new ones refused. Asked a
    second time, the process stops at once.

    Args:
        page: A page that is being served, with lines of its own (``psp.ui.gate.line``).
    """
    line = page._queue
    assert isinstance(line, Line), "build_app gives it one"
    with sweeping(Path(get_upload_folder()), lambda: _kept(page)), _asked_to_stop() as asked:
        while page.is_running and not asked:
            time.sleep(0.1)
        if asked:
            _log.warning("Stopping; requests that run may go on for %g s.", line.drain_seconds)
            drain(line, line.drain_seconds)
    close(page)


def drain(line: Line, seconds: float) -> None:
    """Take no more requests, and wait for those that run, up to ``seconds``; then stop them."""
    end = time.monotonic() + seconds
    worked = line.busy()
    line.stop_soon("The studio is being stopped.", "Try again in a minute.")
    while line.busy() and time.monotonic() < end:
        time.sleep(0.05)
    if worked:
        time.sleep(max(0.0, min(_FETCH, end - time.monotonic())))
    line.halted = True
    end = time.monotonic() + _LAST
    while line.busy() and time.monotonic() < end:
        time.sleep(0.05)


def close(page: gr.Blocks) -> None:
    """Close a page's server; streams that are still open are cut after a moment."""
    if page.server is not None:
        page.server.config.timeout_graceful_shutdown = 1  # for ever, otherwise
    page.close(verbose=False)


def leave() -> None:
    """End the process, even if a thread is deep in work that cannot be stopped and would be waited for."""
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Give a list that gets the signals by which the process is asked to stop."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            os._exit(128 + number)
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():  # only that one gets signals
        yield asked
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, note) for each in signals]
    try:
        yield asked
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _kept(page: gr.Blocks) -> set[str]:
    """Return the files that the page itself shows, such as its examples."""
    return {str(file) for block in page.blocks.values() for file in getattr(block, "keep_in_cache", ())}

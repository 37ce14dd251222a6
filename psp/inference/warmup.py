"""Loading ahead: what the first request would load, in the background, before it comes.

Nothing is downloaded for it, and no more stays in memory than after that request. It happens once a process:
what visitors ask for afterwards says better than a guess which models to keep.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from psp.errors import PspError
from psp.inference.pipeline import PspPipeline
from psp.registry.lookup import file_on_disk, find_entry
from psp.tasks import TASKS

_log = logging.getLogger(__name__)


class Warmth:
    """The one warming up of a process; off until it is allowed, so that who only builds a page loads nothing.

    Args:
        pipeline: Keeps what is loaded.
    """

    def __init__(self, pipeline: PspPipeline) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._on = threading.Event()

    def allow(self) -> None:
        """Let it be started; not where a GPU is lent, for there everything is loaded at the start."""
        if not self._pipeline.network.lent:
            self._on.set()

    def stop(self) -> None:
        """Start it no more, and end it after the part that is being loaded."""
        self._on.clear()

    def start(self, task: str) -> bool:
        """Load in the background what ``task`` needs; return whether it was this call that started it."""
        with self._lock:
            if not self._on.is_set() or self._thread is not None:
                return False
            # A daemon: a process that is asked to stop does not wait for it.
            self._thread = threading.Thread(target=self._load, args=(task,), name="warm-up", daemon=True)
            self._thread.start()
            return True

    def wait(self, seconds: float) -> bool:
        """Wait until it is done, ``seconds`` at most; return whether it is."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return False
        thread.join(seconds)
        return not thread.is_alive()

    def _load(self, task: str) -> None:
        began = time.monotonic()
        try:
            for part in warm_up(self._pipeline, task):
                _log.debug("Warm for %s: %s after %.1f s", task, part, time.monotonic() - began)
                if not self._on.is_set():
                    return
        except PspError as error:
            _log.info("Not warmed up for %s: %s", task, error)
        except Exception:  # noqa: BLE001  (nobody waits for this thread; the request will tell what is wrong)
            _log.debug("Not warmed up for %s", task, exc_info=True)


def warm_up(pipeline: PspPipeline, task: str) -> Iterator[str]:
    """Load what a request for ``task`` with the defaults needs, a part at each step; yield its name.

    A model that would have to be downloaded is left to the request, which says so.

    Args:
        pipeline: Keeps the model.
        task: A task of the page.

    Raises:
        PspError: The model, or another file, is not here or cannot be used; the request would say the same.
    """
    model, settings = TASKS[task].model, pipeline.settings
    if file_on_disk(find_entry("auto", model, settings), settings) is None:
        return
    pipeline.load("auto", model)
    yield "model"
    if TASKS[task].kind != "photo":
        return
    from psp.faces.detection import load_detector  # noqa: PLC0415  (dlib comes after the page)
    from psp.inference.descriptors import load_descriptor  # noqa: PLC0415  (torch comes after the page)
    from psp.inference.quality import lpips_network  # noqa: PLC0415  (torch comes after the page)

    load_detector()
    yield "faces"
    load_descriptor()
    lpips_network()
    yield "measures"

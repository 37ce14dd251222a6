"""The journal: one line a request, for whoever runs the studio; nothing in it says who asked, or about whom.

Counted are the endpoints of the API, and what the page alone runs: a task on all faces, and pasting back
(:func:`own_run`); not previews, examples, nor what only shows a result. A line is made of numbers and of our
own words, names of endpoints, families and classes of errors: never of text from a request or an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any, TypeVar

import gradio as gr
from gradio.block_function import BlockFunction

from psp.config import Settings
from psp.errors import PspError, StoppedError, TimeLimitError
from psp.inference.result import Result
from psp.parameters import MAX_VARIANTS
from psp.registry.lookup import families
from psp.ui.addressed import spoken_to
from psp.ui.gate.requests import given_by_clients, parameters_of

NAME = "psp.requests"
"""The logger: a handler there, at level INFO, gets the lines."""

F = TypeVar("F", bound=Callable[..., Any])

_KNOWN = ("model", "size", "faces", "variants", "device")
_DEVICE = re.compile(r"(cpu|cuda|mps)(:[0-9]{1,2})?")

# Where a function of the page keeps what it is in the journal; functools.wraps hands it on.
_MARK = "_journal"

_log = logging.getLogger(NAME)
_doubts = logging.getLogger(__name__)


class Entry:
    """What the journal has of one request.

    Args:
        task: Name of the endpoint, or of the task that the page runs.
        run: "one", or what the page runs: "all faces", "paste".
        source: "page" or "api".
        asked: When it came, by ``time.monotonic``.
        settings: Know the families.

    Attributes:
        outcome: How it ended; see :func:`outcome_of`.
        kind: The class of the error that ended it, or nothing.
        counted: Is told of it once it is written.
    """

    def __init__(self, task: str, run: str, source: str, asked: float, settings: Settings) -> None:
        self.task, self.run, self.source = task, run, source
        self.outcome, self.kind = "stopped", ""
        self._asked, self._settings = asked, settings
        self._began: float | None = None
        self._ended: float | None = None
        self._known: dict[str, str | int | None] = dict.fromkeys(_KNOWN)
        self.counted: Callable[[Entry], None] | None = None

    @classmethod
    def of(
        cls,
        function: BlockFunction,
        body: Any,  # noqa: ANN401  (gradio's PredictBody, in two kinds)
        asked: float,
        settings: Settings,
    ) -> Entry | None:
        """Return the entry of a request, or None if it is of those that are not counted.

        Args:
            function: What is called.
            body: What was sent: its ``data`` say which model and how many variants are asked for; the page
                alone says with a ``trigger_id`` what was pressed.
            asked: When it came.
            settings: Know the families.
        """
        task, run = getattr(function.fn, _MARK, (function.api_name, "one"))
        counted = run != "one" or function.api_visibility == "public"
        if function.fn is None or not counted or not isinstance(task, str):
            return None
        source = "api" if getattr(body, "trigger_id", None) is None else "page"
        entry = cls(task, run, source, asked, settings)
        with contextlib.suppress(Exception):  # whatever was sent: it is checked elsewhere
            values = list(body.data)
            by_clients = given_by_clients(function)
            names = by_clients if len(values) == len(by_clients) else parameters_of(function)
            asked_for = dict(zip(names, values, strict=True))
            entry.know(model=asked_for.get("model"), variants=asked_for.get("variants"))
        return entry

    def know(self, **known: object) -> None:
        """Keep what is known of a request, as far as it can stand in the journal."""
        for name, value in known.items():
            if name == "model" and value is not None:
                names = ("auto", *families(self._settings))
                self._known[name] = value if isinstance(value, str) and value in names else "other"
            elif name == "device":
                self._known[name] = value if isinstance(value, str) and _DEVICE.fullmatch(value) else None
            elif isinstance(value, int | float) and not isinstance(value, bool):
                most = MAX_VARIANTS if name == "variants" else 1_000_000
                self._known[name] = int(value) if 0 < value <= most else None

    def begin(self) -> None:
        """Note that the work begins."""
        self._began = time.monotonic()

    def end(self, error: BaseException | None) -> None:
        """Note that the work has ended, and how."""
        self._ended = time.monotonic()
        self.outcome, self.kind = outcome_of(error)

    def write(self) -> None:
        """Write the line; whatever goes wrong in that is no fault of the request's."""
        try:
            if self.counted:
                self.counted(self)
            _log.info(self.line())
        except Exception:  # noqa: BLE001  (as the docstring says)
            _doubts.debug("A line of the journal could not be written", exc_info=True)

    @property
    def began(self) -> bool:
        """Whether work on it began."""
        return self._began is not None

    @property
    def waited(self) -> float:
        """Seconds until its work began, or else until it ended."""
        return (self._began or self._ended or time.monotonic()) - self._asked

    @property
    def worked(self) -> float:
        """Seconds of work."""
        return (self._ended or time.monotonic()) - self._began if self._began else 0.0

    def line(self) -> str:
        """Return the line: a JSON object, with null for what is not known."""
        return json.dumps(
            {
                "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "task": self.task,
                "run": self.run,
                "source": self.source,
                **self._known,
                "waited": round(self.waited, 3),
                "worked": round(self.worked, 3),
                "outcome": self.outcome,
                "kind": self.kind or None,
            }
        )


_NOW: ContextVar[Entry | None] = ContextVar("entry", default=None)


def outcome_of(error: BaseException | None) -> tuple[str, str]:
    """Return how a request ended, and the class of the error that ended it.

    Args:
        error: As it left the function, or as it is told of it (``psp.ui.words``).
    """
    if isinstance(error, gr.Error) and error.__cause__ is not None:
        error = error.__cause__
    kind = "" if error is None else type(error).__name__
    if error is None:
        return "ok", ""
    if isinstance(error, StoppedError | asyncio.CancelledError):
        return "stopped", kind
    if isinstance(error, TimeLimitError):
        return "timeout", kind
    return ("refused" if isinstance(error, PspError | gr.Error) else "failed"), kind


def own_run(task: str, run: str, function: F) -> F:
    """Return a function of the page, to be counted as a run of ``task``."""
    function.__dict__[_MARK] = (task, run)
    return function


def note(results: Sequence[Result], *, faces: int | None = None) -> None:
    """Note what a request made: models, sizes and numbers, in the thread that works on it.

    Args:
        results: What was made; one for each face.
        faces: How many faces, where it is more than one that is asked for.
    """
    entry = _NOW.get()
    if entry is None or not results:
        return
    with contextlib.suppress(Exception):  # the journal is no part of the request
        details = results[0].details
        variants = len(results[0].images)
        entry.know(model=details["model"], size=details["size"], variants=variants, faces=faces)
        entry.know(device=details["device"])


def note_faces(count: int) -> None:
    """Note how many faces a request puts into a photo."""
    if entry := _NOW.get():
        entry.know(faces=count)


@contextmanager
def judged() -> Iterator[None]:
    """Note how the request of this context ends with the block."""
    entry = _NOW.get()
    try:
        yield
    except BaseException as error:
        if entry:
            entry.end(error)
        raise
    if entry:
        entry.end(None)


@contextmanager
def written(entry: Entry | None) -> Iterator[None]:
    """Make ``entry`` that of the request in this context, and write it when the block has ended."""
    if entry is None:
        yield
        return
    entry.begin()
    token = _NOW.set(entry)
    try:
        with spoken_to(program=entry.source == "api"):
            yield
    finally:
        _NOW.reset(token)
        entry.write()


def write_refused(entry: Entry | None, kind: str) -> None:
    """Write that a request was not taken."""
    if entry:
        entry.outcome, entry.kind = "refused", kind
        entry.write()

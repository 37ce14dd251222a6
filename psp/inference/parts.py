"""Several calls of tasks that meet at the network: each prepares by itself, then one GPU is lent for all.

A task prepares its picture, asks the network, and tells the story of the result. Where a GPU is lent call by
call (ZeroGPU), all faces of a photo ask together: every call waits, in a thread of its own, where it asks the
network, until the last of them is there. One runs at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from psp.errors import StoppedError

if TYPE_CHECKING:
    from psp.inference.errands import Errand
    from psp.inference.result import Result

Room = Callable[["Errand"], int]
"""Given the first call's job: how many calls there is room for, where each asks for as much."""


class Part:
    """One call, in a thread of its own.

    Args:
        make: The call.
    """

    def __init__(self, make: Callable[[], Result]) -> None:
        self.errand: Errand | None = None
        self._make = make
        self._answer: Any = None  # what the network made: codes and images
        self._made: Result | None = None
        self._error: BaseException | None = None
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), daemon=True)

    def begin(self) -> None:
        """Run until the call asks the network, or ends without.

        Raises:
            Exception: What the call raises.
        """
        self._thread.start()
        self._wait()

    def end(self, answer: object) -> Result:
        """Run to the end with what the network has made, or None where nothing will be.

        Raises:
            Exception: What the call raises.
        """
        self._answer = answer
        if self._thread.is_alive():
            self._go.release()
            self._wait()
        assert self._made is not None
        return self._made

    def ask(self, errand: Errand) -> Any:  # noqa: ANN401  (as above)
        """Wait for what the network makes; in the call's own thread.

        Raises:
            StoppedError: Another call has failed.
        """
        self.errand = errand
        self._back.release()
        self._go.acquire()
        if self._answer is None:
            raise StoppedError("Another face could not be made.")
        return self._answer

    def _wait(self) -> None:
        self._back.acquire()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        _PART.set(self)
        try:
            self._made = self._make()
        except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
            self._error = error
        finally:
            self._back.release()


_PART: ContextVar[Part | None] = ContextVar("part", default=None)


def current_part() -> Part | None:
    """Return the call that this thread runs; None where it does not run one of several."""
    return _PART.get()


def make_together(
    run: Callable[[Sequence[Errand]], Sequence[object]], calls: Sequence[Callable[[], Result]], room: Room
) -> list[Result]:
    """Run calls of tasks, as many as there is room for, with one lent GPU.

    Args:
        run: Runs the jobs of all calls: ``Network.run_together``.
        calls: Each asks the network once.
        room: How many there is room for; one is always run.

    Raises:
        Exception: What the first call raises that fails; the others end without a result.
    """
    parts: list[Part] = []
    most = len(calls)
    try:
        while len(parts) < most:
            part = Part(calls[len(parts)])
            parts.append(part)
            part.begin()
            assert part.errand is not None, "a call asks the network"
            most = min(most, max(1, room(part.errand)))
        made = run([part.errand for part in parts if part.errand])
    except BaseException:
        for part in parts:
            _let_go(part)
        raise
    return [part.end(answer) for part, answer in zip(parts, made, strict=True)]


def _let_go(part: Part) -> None:
    """End a call that gets no answer."""
    try:
        part.end(None)
    except BaseException:  # noqa: BLE001  (what failed first is told)
        return

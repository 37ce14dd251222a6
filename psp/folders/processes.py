"""One function over many items in parallel processes; one that dies takes its own item along, no other."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from psp.errors import PspError, SettingsError

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

# Windows waits for at most 63 handles at once, two of which are its own.
_MOST = 61


def cpu_count() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a container may have fewer than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_workers(workers: int) -> int:
    """Return ``workers``, or raise :class:`SettingsError` if there cannot be so many."""
    if not 1 <= workers <= _MOST:
        raise SettingsError(f"{workers} workers were asked for.", f"Take 1 to {_MOST}.")
    return workers


def each(
    function: Callable[[_Item], _Made], items: Iterable[_Item], workers: int, ahead: int
) -> Generator[tuple[_Item, _Made | BaseException], None, None]:
    """Call ``function`` with every item, in processes of their own, and yield what came of it, in order.

    Work goes on ahead of who takes the results. Close the iterator to stop it; it stops too when this process
    ends in any way.

    Args:
        function: From the top of a module, so that another process finds it.
        items: Its arguments.
        workers: How many processes.
        ahead: How many items may be under way or done, but not taken.

    Yields:
        The item, and the result or the error that was raised. Where a process died, which happens where
        memory is short, all that was under way is tried again, one at a time; what a process dies of that
        has nothing else to do gets a ``PspError``.

    Raises:
        PspError: No process can be started.
    """
    rest = iter(items)
    waiting: deque[tuple[_Item, Future[_Made]]] = deque()
    crew = _Crew(workers)
    try:
        while True:
            for item in itertools.islice(rest, max(ahead, workers) - len(waiting)):
                waiting.append((item, crew.submit(function, item)))
            if not waiting:
                return
            if _lost(waiting[0][1]):
                crew.stop()
                yield from _one_by_one(function, waiting)
                waiting.clear()
                crew = _Crew(workers)
            else:
                item, future = waiting.popleft()
                outcome = _outcome(future)
                yield item, outcome
    finally:
        crew.stop()


def in_turn(
    function: Callable[[_Item], _Made], items: Iterable[_Item]
) -> Generator[tuple[_Item, _Made | BaseException], None, None]:
    """Do as :func:`each` does, in this process and thread, each item when it is asked for."""
    for item in items:
        try:
            outcome: _Made | BaseException = function(item)
        except Exception as error:  # noqa: BLE001  (it is told with its item, as from another process)
            outcome = error
        yield item, outcome


def _one_by_one(
    function: Callable[[_Item], _Made], waiting: Iterable[tuple[_Item, Future[_Made]]]
) -> Generator[tuple[_Item, _Made | BaseException], None, None]:
    """Yield what is done of ``waiting``, and try the rest again, one at a time."""
    crew = _Crew.that_works()
    try:
        for item, future in waiting:
            again = crew.submit(function, item) if _lost(future) else future
            if _lost(again):
                crew.stop()
                crew = _Crew.that_works()
                yield (
                    item,
                    PspError(
                        "The process that worked on it died.",
                        "It may need more memory than there is: try a smaller picture.",
                    ),
                )
            else:
                outcome = _outcome(again)
                yield item, outcome
    finally:
        crew.stop()


class _Crew:
    """Processes that wait for work, and end when this one does.

    Args:
        workers: How many.
    """

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: a forked process inherits locks that threads of this one hold.
        context = multiprocessing.get_context("spawn")
        self._end, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(workers, context, _begin, (self._end,))

    @classmethod
    def that_works(cls) -> _Crew:
        """Return a crew of one that has been seen to work.

        Raises:
            PspError: It does not.
        """
        crew = cls(1)
        if _lost(crew.submit(abs, 0)):
            crew.stop()
            raise PspError(
                "Processes that work cannot be started: they die at once.",
                "Check the memory; in a script of your own, start under: if __name__ == '__main__'.",
            )
        return crew

    def submit(self, function: Callable[[_Item], _Made], item: _Item) -> Future[_Made]:
        """Give out work."""
        try:
            return self._pool.submit(function, item)
        except BrokenProcessPool as error:
            broken: Future[_Made] = Future()
            broken.set_exception(error)
            return broken

    def stop(self) -> None:
        """End the processes, whatever they are at; a second time does nothing."""
        self._lifeline.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._end.close()


def _begin(lifeline: Connection[Any, Any]) -> None:
    """Prepare a process: one thread for its libraries, and none of it outlives who started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches all; who started the process ends it
    # Before these libraries are imported: each of many processes would start a thread for each core.
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
    threading.Thread(target=_follow, args=(lifeline,), daemon=True).start()


def _follow(lifeline: Connection[Any, Any]) -> None:
    """End this process once the other end of the line is closed, also by the death of its owner."""
    try:
        lifeline.recv()
    except (EOFError, OSError):
        os._exit(1)


def _lost(future: Future[_Made]) -> bool:
    """Whether the process died before the work was done; waits for that."""
    return future.cancelled() or isinstance(future.exception(), BrokenProcessPool)


def _outcome(future: Future[_Made]) -> _Made | BaseException:
    error = future.exception()
    return future.result() if error is None else error

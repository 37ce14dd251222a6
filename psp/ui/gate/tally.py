"""What has been asked of a process, counted by our own words: endpoints, runs, outcomes, and seconds.

Nothing that anybody sends becomes a label, so that there stay few. The lines are those of Prometheus' text
format.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator

from psp.ui.gate.journal import Entry

# Upper ends in seconds: from a tool without a model to the longest that a request may take by default.
_ENDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Histogram:
    """Seconds, counted by how many they are."""

    def __init__(self) -> None:
        self._counts = [0] * len(_ENDS)
        self._sum, self._all = 0.0, 0

    def add(self, seconds: float) -> None:
        """Count one."""
        for index, end in enumerate(_ENDS):
            self._counts[index] += seconds <= end
        self._sum += seconds
        self._all += 1

    def lines(self, name: str, **labels: str) -> Iterator[str]:
        """Yield the lines of it."""
        for end, count in zip(map(str, _ENDS), self._counts, strict=True):
            yield line(f"{name}_bucket", count, **labels, le=end)
        yield line(f"{name}_bucket", self._all, **labels, le="+Inf")
        yield line(f"{name}_sum", round(self._sum, 3), **labels)
        yield line(f"{name}_count", self._all, **labels)


class Tally:
    """What has been asked of one process since it began; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[tuple[str, str, str]] = Counter()
        self._worked: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._waited = Histogram()

    def add(self, entry: Entry) -> None:
        """Count a request that has ended; how long it took, if its work began."""
        with self._lock:
            self._ended[entry.task, entry.run, entry.outcome] += 1
            if entry.began:
                self._worked[entry.task].add(entry.worked)
                self._waited.add(entry.waited)

    def lines(self) -> list[str]:
        """Return all of it in lines."""
        with self._lock:
            told = about("psp_requests_total", "counter", "Requests that have ended, by how they did.")
            for (endpoint, run, outcome), count in sorted(self._ended.items()):
                told.append(line("psp_requests_total", count, endpoint=endpoint, run=run, outcome=outcome))
            told += about("psp_request_seconds", "histogram", "Seconds of work, without the wait in line.")
            for endpoint, worked in sorted(self._worked.items()):
                told += worked.lines("psp_request_seconds", endpoint=endpoint)
            told += about("psp_wait_seconds", "histogram", "Seconds in line before the work began.")
            return [*told, *self._waited.lines("psp_wait_seconds")]


def about(name: str, kind: str, words: str) -> list[str]:
    """Return the lines that say what a figure is."""
    return [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]


def line(name: str, value: float, **labels: str) -> str:
    """Return the line of one value."""
    said = ",".join(f'{label}="{text}"' for label, text in labels.items())  # our own words: nothing to escape
    return f"{name}{{{said}}} {value}" if said else f"{name} {value}"

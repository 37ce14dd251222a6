"""What came of every picture of a folder: the report beside the results, and the summary for a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from psp.errors import InputError, PspError
from psp.folders.files import Found
from psp.folders.reports import FAILED, Reports, Row, Whole, read_report
from psp.inference.launched import ALONE, Place

__all__ = ["FAILED", "Ledger", "Report", "Row", "read_report"]

Report = Callable[[str], None]
"""Called with every line to show."""

# Failures that the summary names; all stand in the report.
_NAMED = 10
# Seconds between lines that tell how far the work is.
_PAUSE = 10.0


class Ledger:
    """Keeps count of a folder's pictures, of those that fall to this process.

    Args:
        command: Name of the command, for the report's name.
        done: The result of a picture that did not fail, in one word.
        columns: Further columns of the report.
        out: Folder of the results.
        found: The pictures. What an earlier report said of them holds until they are done anew.
        report: Called with every line to show.
        place: Which process this is, of those that share the folder.
    """

    def __init__(
        self,
        command: str,
        done: str,
        columns: Sequence[str],
        out: Path,
        found: Sequence[Found],
        report: Report,
        place: Place = ALONE,
    ) -> None:
        self.path = out / f"{command}-report.csv"
        self.done = done
        self._report = report
        self._reports = Reports(self.path, columns, found, place)
        self.mine = self._reports.mine
        self._known = self._reports.begin(report)
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._there = 0
        self._failed = 0
        self._failed_before = 0
        self._made = 0
        self._start = self._told = time.perf_counter()

    @property
    def handled(self) -> int:
        """How many pictures were done or failed."""
        return self._made + self._failed

    @property
    def made(self) -> int:
        """How many pictures were done."""
        return self._made

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.mine)

    @property
    def there(self) -> int:
        """How many results are there from an earlier run."""
        return self._there

    @property
    def failed(self) -> int:
        """How many pictures failed, in this run or, where that is kept, in an earlier one."""
        return self._failed + self._failed_before

    @property
    def left(self) -> int:
        """How many pictures nothing has come of yet."""
        return len(self.mine) - len(self._rows)

    @property
    def seconds(self) -> float:
        """Time since :meth:`open`."""
        return time.perf_counter() - self._start

    def keep(self, name: str) -> None:
        """Note that the result of a picture is there from an earlier run."""
        known = tuple(row for row in self._known.get(name, ()) if row.result == self.done)
        self._rows[name] = known or (Row(name, self.done, "was there already"),)
        self._there += 1

    def has_failed(self, name: str) -> bool:
        """Return whether a picture failed in an earlier run."""
        return any(row.result == FAILED for row in self._known.get(name, ()))

    def keep_failed(self, name: str) -> None:
        """Note that a picture is not tried again."""
        self._rows[name] = self._known[name]
        self._failed_before += 1

    def add(self, name: str, outcome: Sequence[Row] | BaseException) -> None:
        """Note what came of a picture: a row for each face, or the error that it failed of."""
        if isinstance(outcome, BaseException):
            words = str(outcome) if isinstance(outcome, PspError) else _fault(outcome)
            self._rows[name] = (Row(name, FAILED, " ".join(words.split())),)
        else:
            self._rows[name] = tuple(outcome)
        if any(row.result == FAILED for row in self._rows[name]):
            self._failed += 1
        else:
            self._made += 1
        if time.perf_counter() - self._told > _PAUSE:
            self._told = time.perf_counter()
            self._reports.write(self._all())  # who is killed leaves what was known by then
            self._report(f"{self.handled} done ({self._failed} {FAILED}), {self.left} to do, {self._rate()}")

    @contextmanager
    def open(self) -> Iterator[None]:
        """Write the report when the work is done, or stopped by an error or a person; then tell the summary.

        Raises:
            InputError: Not one picture has a result.
        """
        if not self.mine:
            self._report(f"none of the {len(self._reports.names)} pictures falls to this process")
        if self._there:
            many = len(self.mine) - self._there
            self._report(f"{self._there} of {len(self.mine)} were there already; {many} to do")
        self._start = self._told = time.perf_counter()
        try:
            yield
        finally:
            whole = self._reports.finish(self._all())
        self._tell(whole)

    def _all(self) -> dict[str, tuple[Row, ...]]:
        """Return what is known of the pictures by now."""
        return {**self._known, **self._rows}

    def _tell(self, whole: Whole) -> None:
        counts = [f"{self._made} {self.done}", f"{self._failed} {FAILED}"]
        if self._there:
            counts.append(f"{self._there} there already (--again makes them anew)")
        doubted = [row for rows in self._rows.values() for row in rows if row.more.get("warnings")]
        if doubted:
            counts.append(f"{len(doubted)} with warnings (see the report)")
        failures = [row for rows in self._rows.values() for row in rows if row.result == FAILED]
        self._report(", ".join(counts))
        for row in failures[:_NAMED]:
            self._report(f"  {row.file}: {row.reason}")
        if len(failures) > _NAMED:
            self._report(f"  … and {len(failures) - _NAMED} more")
        if self.handled:
            self._report(f"{self.handled} pictures in {self.seconds:.1f} s, {self._rate()}")
        if not self._reports.place.alone:
            self._tell_of_all(whole)
        self._report(f"report: {self.path}")
        if self._is_hopeless(whole):
            count = len(self._reports.names)
            raise InputError(f"No picture could be {self.done}; all {count} {FAILED}.", f"See {self.path}.")

    def _is_hopeless(self, whole: Whole) -> bool:
        """Whether not one picture has a result; of several processes, the last one says so for all.

        Another one that did would have the rest stopped: a launcher ends all when one ends with an error.
        """
        if self._reports.place.alone:
            return not self._made and not self._there and not self.left
        return whole.last and not whole.made and not whole.left

    def _tell_of_all(self, whole: Whole) -> None:
        """Tell what all processes together have done."""
        words = f"all processes: {whole.made} {self.done}, {whole.failed} {FAILED}"
        if whole.left:
            words += f", {whole.left} to do"
        self._report(words if whole.last else f"{words}; others have not ended")

    def _rate(self) -> str:
        return f"{self.handled / max(self.seconds, 1e-9):.3g} pictures/s"


def _fault(error: BaseException) -> str:
    """Return what is said of an error that is not ours; without the names of files that the system adds."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"{type(error).__name__}: {said}"

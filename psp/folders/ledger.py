"""What came of every picture of a folder: the report beside the results, and the summary for a person."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psp.errors import InputError, PspError
from psp.files.saving import begins_with, set_aside
from psp.folders.files import Found, write_file

Report = Callable[[str], None]
"""Called with every line to show."""

FAILED = "failed"

# Failures that the summary names; all stand in the report.
_NAMED = 10
# Seconds between lines that tell how far the work is.
_PAUSE = 10.0
_COLUMNS = ("file", "result", "reason")


@dataclass(frozen=True)
class Row:
    """What came of one picture, or of one face of it.

    Attributes:
        file: ``Found.name``.
        result: What was done, in one word, or ``FAILED``.
        reason: Why it failed, as a person reads it.
        more: Further columns, by name.
    """

    file: str
    result: str
    reason: str = ""
    more: dict[str, object] = field(default_factory=dict)


class Ledger:
    """Keeps count of a folder's pictures.

    Args:
        command: Name of the command, for the report's name.
        done: The result of a picture that did not fail, in one word.
        columns: Further columns of the report.
        out: Folder of the results.
        found: The pictures. What an earlier report said of them holds until they are done anew.
        report: Called with every line to show.
    """

    def __init__(
        self,
        command: str,
        done: str,
        columns: Sequence[str],
        out: Path,
        found: Sequence[Found],
        report: Report,
    ) -> None:
        self.path = out / f"{command}-report.csv"
        self.done = done
        self._columns = (*_COLUMNS, *columns)
        self._report = report
        self._known = read_report(self.path)
        if self.path.is_file() and not begins_with(",".join(_COLUMNS))(self.path):
            # Another's, or changed by a table calculation: not to be lost.
            report(f"{self.path} is no report of this command; it is called {set_aside(self.path).name} now")
        self._names = tuple(each.name for each in found)
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
        return len(self._names)

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
        return len(self._names) - len(self._rows)

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
            self._write()  # who is killed leaves what was known by then
            self._report(f"{self.handled} done ({self._failed} {FAILED}), {self.left} to do, {self._rate()}")

    @contextmanager
    def open(self) -> Iterator[None]:
        """Write the report when the work is done, or stopped by an error or a person; then tell the summary.

        Raises:
            InputError: Not one picture has a result.
        """
        if self._there:
            many = len(self._names) - self._there
            self._report(f"{self._there} of {len(self._names)} were there already; {many} to do")
        self._start = self._told = time.perf_counter()
        try:
            yield
        finally:
            self._write()
        self._tell()

    def _write(self) -> None:
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, self._columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        for name in self._names:
            for row in self._rows.get(name, self._known.get(name, ())):
                table.writerow({**row.more, "file": row.file, "result": row.result, "reason": row.reason})
        write_file(self.path, text.getvalue().encode("utf-8", "backslashreplace"))

    def _tell(self) -> None:
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
        self._report(f"report: {self.path}")
        if not self._made and not self._there and not self.left:
            raise InputError(
                f"No picture could be {self.done}; all {len(self._names)} {FAILED}.", f"See {self.path}."
            )

    def _rate(self) -> str:
        return f"{self.handled / max(self.seconds, 1e-9):.3g} pictures/s"


def _fault(error: BaseException) -> str:
    """Return what is said of an error that is not ours; without the names of files that the system adds."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"{type(error).__name__}: {said}"


def read_report(path: Path) -> dict[str, tuple[Row, ...]]:
    """Return the rows of an earlier report; of one that cannot be read, none: it is written anew."""
    try:
        table = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), restval=""))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    rows: dict[str, tuple[Row, ...]] = {}
    for line in table:
        name, result, reason = (line.get(column) or "" for column in _COLUMNS)
        rest: dict[str, object] = {key: value for key, value in line.items() if key not in _COLUMNS}
        rows[name] = (*rows.get(name, ()), Row(name, result, reason, rest))
    return rows

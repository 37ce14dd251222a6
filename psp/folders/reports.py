"""The files of a report: one for a person to read, and, of several processes, one each until it is done.

The processes know of each other by these files alone, in the folder that they share. Each has the pictures
whose names fall to it, keeps what came of them in "infer-report.2of3.csv", and when it ends takes over into
"infer-report.csv" what is in there, one process at a time. So there is no last one to wait for: what a killed
process leaves is taken over by the next run, in however many processes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psp.files.locks import locked
from psp.files.saving import begins_with, set_aside
from psp.folders.files import Found, write_file
from psp.inference.launched import Place

__all__ = ["FAILED", "Reports", "Row", "Rows", "Whole", "falls_to", "read_report"]

FAILED = "failed"
"""The result of a picture that cannot be used."""

_COLUMNS = ("file", "result", "reason")
_is_report = begins_with(",".join(_COLUMNS))


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


Rows = Mapping[str, tuple[Row, ...]]
"""What came of pictures, by their names."""


@dataclass(frozen=True)
class Whole:
    """What the report of all processes holds, as one of them ends.

    Attributes:
        made: Pictures that something was made of.
        failed: Pictures that cannot be used.
        left: Pictures that nothing has come of yet.
        last: Whether no other process is at work.
    """

    made: int
    failed: int
    left: int
    last: bool


def falls_to(name: str, place: Place) -> bool:
    """Return whether a process has the picture of this name: the same on every machine, in every run.

    Args:
        name: ``Found.name``.
        place: Which process, of how many.
    """
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:8], "big") % place.count == place.number


class Reports:
    """The report of a folder, and what this process adds to it.

    Args:
        path: The report of all processes.
        columns: Further columns.
        found: All pictures.
        place: Which process this is.
    """

    def __init__(self, path: Path, columns: Sequence[str], found: Sequence[Found], place: Place) -> None:
        self.path = path
        self.place = place
        self.names = tuple(each.name for each in found)
        self.mine = tuple(each for each in found if place.alone or falls_to(each.name, place))
        self._own = path if place.alone else self._ledger(place.words)
        self._lock = path.with_name(f".{path.stem}.lock")
        self._columns = (*_COLUMNS, *columns)

    def begin(self, report: Callable[[str], None]) -> Rows:
        """Return what is known of earlier runs; what their processes left behind becomes part of the report.

        Args:
            report: Called with a line where a file of somebody else's gives way.
        """
        if self.place.alone and not self._ledgers():
            return self._read(report)
        with locked(self._lock):
            known = self._read(report)
            before = [each for each in self._ledgers() if self._count_of(each) != self.place.count]
            if before:
                for each in sorted(before, key=_age):
                    known |= read_report(each)  # what is not in the report yet is newer
                self._write(self.path, self.names, known)
                for each in before:
                    each.unlink(missing_ok=True)
            if not self.place.alone:
                known |= read_report(self._own)
                self.write(known)  # others see by it that this one is at work
        return known

    def write(self, rows: Rows) -> None:
        """Keep what came of this process's pictures."""
        names = self.names if self.place.alone else tuple(each.name for each in self.mine)
        self._write(self._own, names, rows)

    def finish(self, rows: Rows) -> Whole:
        """Take over what came of this process's pictures into the report, and say what that holds now."""
        if self.place.alone:
            self.write(rows)
            return self._whole(rows, last=True)
        self.write(rows)  # at first: who is killed while waiting loses nothing
        with locked(self._lock):
            merged = read_report(self.path)
            merged |= {each.name: rows[each.name] for each in self.mine if each.name in rows}
            self._write(self.path, self.names, merged)
            self._own.unlink(missing_ok=True)
            return self._whole(merged, last=not self._ledgers())

    def _read(self, report: Callable[[str], None]) -> dict[str, tuple[Row, ...]]:
        known = read_report(self.path)
        if self.path.is_file() and not _is_report(self.path):
            # Another's, or changed by a table calculation: not to be lost.
            aside = set_aside(self.path).name
            report(f"{self.path} is no report of this command; it is called {aside} now")
        return known

    def _whole(self, rows: Rows, last: bool) -> Whole:
        of_each = [rows[name] for name in self.names if name in rows]
        failed = sum(any(row.result == FAILED for row in of_one) for of_one in of_each)
        return Whole(len(of_each) - failed, failed, len(self.names) - len(of_each), last)

    def _ledger(self, words: str) -> Path:
        return self.path.with_name(f"{self.path.stem}.{words}{self.path.suffix}")

    def _ledgers(self) -> list[Path]:
        """Return the files that processes keep until they are done; none of somebody else's."""
        there = self.path.parent.glob(f"{self.path.stem}.*of*{self.path.suffix}")
        return [path for path in there if self._count_of(path) and _is_report(path)]

    def _count_of(self, ledger: Path) -> int:
        """Return of how many processes a file is, by its name; 0: it is none such."""
        name = re.escape(self.path.stem) + r"\.([1-9][0-9]*)of([1-9][0-9]*)" + re.escape(self.path.suffix)
        match = re.fullmatch(name, ledger.name)
        return int(match[2]) if match and int(match[1]) <= int(match[2]) else 0

    def _write(self, path: Path, names: Sequence[str], rows: Rows) -> None:
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, self._columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        # Before Python 3.13 a "\r" by itself is not quoted, although it ends a line for whoever reads it.
        quoted = csv.DictWriter(
            text, self._columns, extrasaction="ignore", lineterminator="\n", quoting=csv.QUOTE_ALL
        )
        for name in names:
            for row in rows.get(name, ()):
                line = {**row.more, "file": row.file, "result": row.result, "reason": row.reason}
                (quoted if "\r" in name else table).writerow(line)
        write_file(path, text.getvalue().encode("utf-8", "backslashreplace"))


def _age(path: Path) -> tuple[int, str]:
    """Return what puts files in the order in which they were written."""
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:  # taken over by another process just now, on a disk without locks
        return 0, path.name


def read_report(path: Path) -> dict[str, tuple[Row, ...]]:
    """Return the rows of an earlier report; of one that cannot be read, none: it is written anew."""
    try:
        # Not by read_text: what ends a line for others may be part of a file's name.
        text = io.StringIO(path.read_bytes().decode("utf-8"), newline="")
        table = list(csv.DictReader(text, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    rows: dict[str, tuple[Row, ...]] = {}
    for line in table:
        name, result, reason = (line.get(column) or "" for column in _COLUMNS)
        rest: dict[str, object] = {key: value for key, value in line.items() if key not in _COLUMNS}
        rows[name] = (*rows.get(name, ()), Row(name, result, reason, rest))
    return rows

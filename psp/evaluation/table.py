"""What was measured, as lines: a task's table, and each picture's figures with their means, also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from psp.evaluation.measures import Compared
from psp.files.drafts import writing

Report = Callable[[str], None]
Row = Sequence[str | int | float]

HEADER = "source,name,l2,lpips,identity"
"""How the CSV file begins."""

_ALL = "all"
_MEAN = "mean"


def line(row: Row, headers: Sequence[str]) -> str:
    """Return a row as text: its name, then a column as wide as its header for each value."""
    cells = [f"{row[0]:<12}"]
    for value, header in zip(row[1:], headers, strict=True):
        text = f"{value:.4f}" if isinstance(value, float) else str(value)
        cells.append(f"{text:>{max(len(header), 6) + 2}}")
    return "".join(cells)


@dataclass(frozen=True, eq=False)
class Scored:
    """Figures of some results.

    Attributes:
        compared: Results beside what they should look like.
        seconds: Time of the network, a picture; None: nothing was computed.
        variant: What sets these results of a picture apart from others of it ("1/4"); may be empty.
    """

    compared: Compared
    seconds: float | None = None
    variant: str = ""


@dataclass(eq=False)
class Scores:
    """The figures of every picture: written to a file as they come, their means at the end.

    Attributes:
        columns: Those that are measured, of l2, lpips, identity, similarity and seconds.
        file: Where the CSV goes; None: nowhere.
    """

    columns: tuple[str, ...]
    file: BinaryIO | None = None
    _sums: dict[tuple[str, str], tuple[int, np.ndarray]] = field(default_factory=dict)

    def add(self, source: str, names: Sequence[str], scored: Scored) -> None:
        """Add the pictures ``names`` of ``source``, in the order in which they were ``scored``."""
        table = np.stack([self._column(column, scored) for column in self.columns], axis=1)
        label = f"{source} {scored.variant}".strip()
        for name, values in zip(names, table, strict=True):
            self._write(label, name, values)
        key = (source, scored.variant)
        count, total = self._sums.get(key, (0, np.zeros(len(self.columns))))
        self._sums[key] = count + len(table), total + table.sum(axis=0)

    def finish(self, report: Report) -> None:
        """Write the means of each source and over all, and ``report`` them as a table."""
        headers = ("pictures", *self.columns)
        report(line((_MEAN, *headers), headers))
        for label, count, values in self._means():
            self._write(label, _MEAN, values)
            report(line((label, count, *map(float, values)), headers))

    def by_source(self) -> Iterator[tuple[str, str, int, dict[str, float]]]:
        """Yield each source and variant with the number of pictures and the means, seconds left out."""
        for (source, variant), (count, total) in self._sums.items():
            means = dict(zip(self.columns, (total / count).tolist(), strict=True))
            yield source, variant, count, {name: value for name, value in means.items() if name != "seconds"}

    def _means(self) -> Iterator[tuple[str, int, np.ndarray]]:
        for (source, variant), (count, total) in self._sums.items():
            yield f"{source} {variant}".strip(), count, total / count
        for variant in dict.fromkeys(variant for _, variant in self._sums):
            parts = [part for (_, own), part in self._sums.items() if own == variant]
            count = sum(part[0] for part in parts)
            yield f"{_ALL} {variant}".strip(), count, np.sum([part[1] for part in parts], axis=0) / count

    @staticmethod
    def _column(column: str, scored: Scored) -> np.ndarray:
        if column == "seconds":
            return np.full(len(scored.compared.l2), scored.seconds)
        return np.asarray(getattr(scored.compared, column))

    def _write(self, label: str, name: str, values: np.ndarray) -> None:
        _write_row(self.file, (label, name, *(f"{value:.6f}" for value in values)))


@contextmanager
def open_scores(path: Path | None, similarity: bool, seconds: bool) -> Iterator[Scores]:
    """Open the figures of every picture; the file ``path`` appears when the block ends well, or not at all.

    Args:
        path: A CSV file, which is replaced; None: no file.
        similarity: Whether there are cosines of a face network.
        seconds: Whether a network made the results.

    Raises:
        OSError: The file cannot be written.
    """
    optional = (*(["similarity"] if similarity else []), *(["seconds"] if seconds else []))
    columns = (*HEADER.split(",")[2:], *optional)
    if path is None:
        yield Scores(columns)
        return
    with writing(path) as file:
        _write_row(file, (*HEADER.split(",")[:2], *columns))
        yield Scores(columns, file)


def _write_row(file: BinaryIO | None, cells: Sequence[str]) -> None:
    if file is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))  # a name may be no text

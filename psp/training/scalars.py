"""Loss curves: a CSV file always, TensorBoard where it is installed."""

from __future__ import annotations

import csv
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psp.files.saving import write_files

SCALARS_FILE = "scalars.csv"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scalar:
    """One figure of a run.

    Attributes:
        group: "train" (means since the last line), "held_out" or "samples".
        pictures: How far the run was.
        name: Name of the figure.
        value: The figure.
    """

    group: str
    pictures: int
    name: str
    value: float


def read_scalars(path: Path) -> list[Scalar]:
    """Return the figures in a ``scalars.csv``; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Scalar(row[0], int(row[1]), row[2], float(row[3])) for row in csv.reader(file) if len(row) == 4
        ]


class ScalarLog:
    """Appends figures to ``scalars.csv`` and to TensorBoard's event file in one folder.

    Args:
        folder: The run's folder; it exists.
        pictures: How far the run is; lines from beyond, of a run that broke off, are taken out.
    """

    def __init__(self, folder: Path, pictures: int = 0) -> None:
        path = folder / SCALARS_FILE
        kept = [row for row in read_scalars(path) if row.pictures <= pictures]
        table = io.StringIO(newline="")
        csv.writer(table).writerows([row.group, row.pictures, row.name, f"{row.value:.6g}"] for row in kept)
        write_files({path: table.getvalue().encode()})  # a full disk must not cost the lines that are there
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._board: Any = None
        try:
            # Optional, and slow to import: only a run needs it.
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
        except ImportError:
            _log.warning(
                "TensorBoard is not installed: no event files, only scalars.csv (pip install tensorboard)."
            )
        else:
            self._board = SummaryWriter(str(folder))  # type: ignore[no-untyped-call]  # torch ships it untyped

    def add(self, group: str, pictures: int, figures: dict[str, float]) -> None:
        """Append ``figures`` after ``pictures``."""
        for name, value in figures.items():
            self._rows.writerow([group, pictures, name, f"{value:.6g}"])
            if self._board is not None:
                self._board.add_scalar(f"{group}/{name}", value, pictures)
        self._file.flush()

    def close(self) -> None:
        """Write what is left and close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()

"""Loss curves: a CSV file always, TensorBoard where it is installed."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


class ScalarLog:
    """Appends figures to ``scalars.csv`` and to TensorBoard's event file in one folder.

    Args:
        folder: The run's folder; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "scalars.csv").open("a", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._board: Any = None
        try:
            # Optional, and slow to import: only a run needs it.
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
        except ImportError:
            _log.warning(
                "TensorBoard is not installed: curves go to scalars.csv only (pip install tensorboard)."
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

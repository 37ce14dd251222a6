"""What all commands on folders share: the request, and passing pictures one by one through processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from psp.config import Settings
from psp.folders.ledger import Ledger, Report, Row
from psp.folders.processes import each
from psp.inference.launched import ALONE, Place

# Results a worker may be ahead: a picture that takes a hundred times as long as others holds nobody up.
_AHEAD = 64


@dataclass(frozen=True)
class Folders:
    """Where pictures come from, where results go, and how.

    Attributes:
        pictures: Folder of pictures.
        out: Folder of the results; folders below are those of the pictures.
        workers: How many processes.
        again: Whether to make anew what is there.
        settings: Of the studio.
        report: Called with every line to show.
        place: Which process this is, of those that share the folder.
    """

    pictures: Path
    out: Path
    workers: int
    again: bool
    settings: Settings
    report: Report
    place: Place = ALONE


class Errand(Protocol):
    """What is to be done to one picture; crosses to another process."""

    @property
    def name(self) -> str:
        """``Found.name``."""


_Errand = TypeVar("_Errand", bound=Errand)


def run_errands(
    ledger: Ledger,
    function: Callable[[_Errand], Sequence[Row]],
    errands: Sequence[_Errand],
    workers: int,
) -> None:
    """Do every errand in some process and enter it.

    Args:
        ledger: What came of them.
        function: Does one errand; from the top of a module.
        errands: What is to be done.
        workers: How many processes.

    Raises:
        InputError: Not one picture has a result.
    """
    workers = min(workers, max(1, len(errands)))
    with ledger.open(), closing(each(function, errands, workers, _AHEAD * workers)) as outcomes:
        for errand, outcome in outcomes:
            ledger.add(errand.name, outcome)

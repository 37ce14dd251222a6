"""One visitor's batch: its folder, what was asked for, and the work of one stretch.

The engine is the command line's ``infer``: what is there already by the same recipe is not made again, so a
batch goes on where it was stopped, and after more photos or other settings only what changes is made.
"""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder

from psp.errors import InputError, StoppedError
from psp.folders.batch import Folders
from psp.folders.bundle import Unpacked, keep_results, pack, places, unpack
from psp.folders.files import Found, find_pictures
from psp.folders.infer import DONE, REPORT, Inference, Tally, infer_folder
from psp.folders.ledger import Row, read_report
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline

# Seconds of a stretch: short enough for others to wait, long enough not to be all overhead.
_STRETCH = 12.0

_claiming = threading.Lock()


@dataclass(frozen=True)
class Batch:
    """Photos in a folder of their own, and what is made of them.

    Attributes:
        given: The files that were handed in.
        home: The folder; photos are in ``in``, results in ``out``.
        unpacked: The photos.
        found: The same, as ``infer`` sees them.
        inference: What is made.
    """

    given: tuple[str, ...]
    home: Path
    unpacked: Unpacked
    found: tuple[Found, ...]
    inference: Inference

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.home / "out"

    def there(self) -> bool:
        """Return whether its photos are still there."""
        return all(each.path.is_file() for each in self.found)

    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """Return what came of each photo so far."""
        return read_report(self.out / REPORT)

    def archive(self) -> Path:
        """Pack the results and the report, and return the zip file."""
        into = self.home / f"{self.inference.task}-batch.zip"
        pack(self.out, into)
        return into


class Visit:
    """One visitor's batch over several requests; a session has its own.

    Attributes:
        batch: The batch, once there is one.
        run: Number of the press on Run that began it, as the page counts.
        halted_through: Number of the last press before that on Stop: what was begun by then is to stop, also
            where it waits for its turn yet.
        small: Small pictures of its results, by the photo's name.
    """

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.run, self.halted_through = 0, -1
        self.small: dict[str, str] = {}
        self._working = False

    @property
    def halted(self) -> bool:
        """Whether the visitor wants it stopped."""
        return self.run <= self.halted_through

    def begin(self, run: int, given: Sequence[str], inference: Inference, most: int) -> None:
        """Take what was handed in; what is there of it from before is kept, where the same is made of it.

        Args:
            run: Number of the press on Run.
            given: Paths of pictures and zip files.
            inference: What is made of them.
            most: How many pictures there may be.

        Raises:
            InputError: There is no picture, or there are too many; or a zip file cannot be used.
        """
        before = self.batch
        home = before.home if before and before.there() else _new_home()
        if before and before.home == home and before.given == tuple(given):
            unpacked, found = before.unpacked, before.found
        else:
            unpacked = unpack([Path(path) for path in given], home / "in", most)
            found = find_pictures(home / "in", home / "out")
        if before is None or before.inference != inference:
            shutil.rmtree(home / "out", ignore_errors=True)  # nothing of what was made otherwise comes along
            self.small = {}
        elif before.found != found or before.unpacked != unpacked:
            old = places(before.found, before.unpacked.digests)
            keep_results(home / "out", old, places(found, unpacked.digests))
            self.small = {}
        self.batch, self.run = Batch(tuple(given), home, unpacked, found, inference), run

    def require(self) -> Batch:
        """Return the batch.

        Raises:
            InputError: There is none, or its files are gone.
        """
        if self.batch is None:
            raise InputError("There is no batch to go on with.", "Press Run.")
        if not self.batch.there():
            raise InputError("The files of this batch are gone, as all are after a day.", "Give them again.")
        return self.batch

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Have the batch for one stretch; two at once would write the same files.

        Raises:
            InputError: It is being worked on.
        """
        with _claiming:
            if self._working:
                raise InputError("This batch is being worked on.", "Wait, or press Stop.")
            self._working = True
        try:
            yield
        finally:
            self._working = False


@dataclass(frozen=True)
class Stretch:
    """What a stretch came to.

    Attributes:
        tally: What came of the photos.
        speed: Photos a second; 0: not known.
        stopped: Whether the visitor stopped it.
    """

    tally: Tally
    speed: float
    stopped: bool


def work(pipeline: PspPipeline, visit: Visit, batch: Batch, step: Step) -> Stretch:
    """Work on a batch for some seconds.

    Args:
        pipeline: Its network and settings are used.
        visit: Says whether the visitor wants it stopped.
        batch: The batch.
        step: Told how far it is; may raise to stop the work for another reason.

    Raises:
        PspError: As ``infer_folder``; not where no picture can be used: the report says why.
    """

    def asking(words: str, share: float | None) -> None:
        step(words, share)
        if visit.halted:
            raise StoppedError("Stopped.")

    began = time.monotonic()
    before = _tally(batch)
    try:
        tally = _infer(pipeline, batch, asking)
    except StoppedError:
        if not visit.halted:
            raise
        tally = _tally(batch)
    done = before.left - tally.left
    return Stretch(tally, done / max(time.monotonic() - began, 1e-3), visit.halted)


def _infer(pipeline: PspPipeline, batch: Batch, step: Step) -> Tally:
    said: Callable[[str], None] = lambda line: None  # noqa: E731  (the page tells it in its own way)
    folders = Folders(batch.home / "in", batch.out, 0, False, pipeline.settings, said)
    try:
        return infer_folder(folders, batch.inference, step, network=pipeline.network, seconds=_STRETCH)
    except InputError:
        tally = _tally(batch)
        if tally.failed < len(batch.found):
            raise
        return tally  # not one could be used: each says why


def _tally(batch: Batch) -> Tally:
    """Return what came of the photos so far, by the report."""
    rows = batch.rows()
    known = [rows[each.name] for each in batch.found if each.name in rows]
    made = sum(all(row.result == DONE for row in of_one) for of_one in known)
    return Tally(0, made, len(known) - made, len(batch.found) - len(known))


def _new_home() -> Path:
    """Return a new folder among the uploads, where old files are deleted; nobody can guess its name."""
    home = Path(get_upload_folder()).resolve() / f"batch-{uuid.uuid4().hex}"
    home.mkdir(parents=True)
    return home

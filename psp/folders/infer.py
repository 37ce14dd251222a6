"""Results for a whole folder: pictures are prepared in processes and go through the network in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from psp.errors import PspError, SettingsError
from psp.folders.batch import Folders
from psp.folders.files import Found, find_pictures
from psp.folders.ledger import Ledger, Row
from psp.folders.passing import Passing
from psp.folders.plan import Inference, check_inference, make_plan
from psp.folders.prefetch import Prefetched, Wanted, prefetch
from psp.folders.processes import check_workers, cpu_count, each, in_turn
from psp.folders.reports import falls_to
from psp.folders.saver import COUPLES, LATENTS, Saver
from psp.inference.errands import Made
from psp.inference.job import Job
from psp.inference.network import Network, Step

__all__ = ["DONE", "REPORT", "Inference", "Tally", "infer_folder"]

DONE = "made"
"""The result of a picture in the report, if it is none of failure."""

REPORT = "infer-report.csv"
"""Name of the report."""

# Pictures each worker may be ahead, besides the next batch.
_AHEAD = 4


@dataclass(frozen=True)
class Tally:
    """What a run came to.

    Attributes:
        made: Pictures that it made.
        there: Those that were there already.
        failed: Those that cannot be used.
        left: Those that it did not come to.
    """

    made: int
    there: int
    failed: int
    left: int


@dataclass(eq=False)
class _Seconds:
    """Where the time went."""

    prepare: float = 0.0
    wait: float = 0.0
    network: float = 0.0


def infer_folder(
    folders: Folders,
    inference: Inference,
    step: Step | None = None,
    *,
    network: Network | None = None,
    seconds: float | None = None,
) -> Tally:
    """Run a task on every picture, and report in ``infer-report.csv`` what cannot be used.

    Args:
        folders: Where from and where to. "a/b.jpg" becomes "a/b.png", "couples/a/b.png" (left what the model
            saw, right the result) and "latents/a/b.safetensors". With no workers, pictures are prepared in
            this process, one after another.
        inference: What is made.
        step: Told how far a download and the work is; may raise to stop it. What is made stays.
        network: Runs the models; None: one of its own.
        seconds: After which no further batch is begun; the rest is left to another run, and so is nothing
            that has failed before. None: all is done, and what has failed is tried again.

    Raises:
        InputError: There is no picture, or not one could be used; or a setting cannot be.
        SettingsError: The folder of the results or the number of workers cannot be used.
        CheckpointError: The model cannot be found or loaded.
        DeviceMemoryError: There is too little memory for a single picture, the smallest batch.
    """
    until = None if seconds is None else time.monotonic() + seconds
    if folders.workers:
        check_workers(folders.workers)
    check_inference(inference)
    found = find_pictures(folders.pictures, folders.out, folders.report)
    _check_names(found, inference)
    if not any(falls_to(each_found.name, folders.place) for each_found in found):
        with _ledger(folders, found).open():
            return Tally(0, 0, 0, 0)  # no model need be loaded for that
    network = network or Network(folders.settings)
    job = Job(inference.task, network, inference.model, step)
    loaded = f"loaded in {job.clock.seconds['load_model']:.1f} s"
    folders.report(f"{job.loaded.name} on {network.device}, {loaded}")
    plan = make_plan(job, inference)
    saver = Saver(folders.out, inference, plan.recipe)
    ledger = _ledger(folders, found)
    wanted: list[Wanted] = []
    refused: list[tuple[str, PspError]] = []
    for each_found in ledger.mine:
        if not folders.again and saver.has(each_found.target):
            ledger.keep(each_found.name)
        elif until is not None and ledger.has_failed(each_found.name):
            ledger.keep_failed(each_found.name)
        elif (error := saver.refused(each_found.target)) is not None:
            refused.append((each_found.name, error))
        else:
            wanted.append(_want(each_found, inference, job, folders.settings.max_pixels))
    run = _Run(Passing(network, job.loaded, plan, folders.report), saver, ledger, step, until)
    with ledger.open():
        for name, error in refused:
            ledger.add(name, error)
        run.all(wanted, min(folders.workers, max(1, len(wanted))))
    if ledger.made:
        folders.report(run.told())
    return Tally(ledger.made, ledger.there, ledger.failed, ledger.left)


@dataclass(eq=False)
class _Run:
    """One run over the pictures that are wanted.

    Attributes:
        passing: Runs the model.
        saver: Writes the results.
        ledger: Keeps count.
        step: Told how far it is.
        until: No batch is begun after this time, by ``time.monotonic``.
        prepare: Seconds of work in the processes.
        wait: Seconds that the network waited for pictures.
        running: Seconds in the network.
        workers: How many processes there are.
        done: Pictures that something has come of, in this run or before.
    """

    passing: Passing
    saver: Saver
    ledger: Ledger
    step: Step | None
    until: float | None
    prepare: float = 0.0
    wait: float = 0.0
    running: float = 0.0
    workers: int = 0
    done: int = 0

    def all(self, wanted: Sequence[Wanted], workers: int) -> None:
        """Pass all pictures through the network; those of one batch are saved while the next one runs."""
        size, self.workers = self.saver.inference.batch, workers
        self.done = self.ledger.count - len(wanted)
        ready = (
            each(prefetch, wanted, workers, size + _AHEAD * workers) if workers else in_turn(prefetch, wanted)
        )
        saving: list[tuple[Wanted, Prefetched, Future[None]]] = []
        with closing(ready) as outcomes, ThreadPoolExecutor(min(8, cpu_count())) as threads:
            try:
                for batch in self._batches(outcomes, size):
                    start = time.perf_counter()
                    made = self.passing([one for _, one in batch])
                    self.running += time.perf_counter() - start
                    _enter(self.ledger, saving)  # at most one batch of pictures waits to be saved
                    saving = [
                        (want, one, threads.submit(self._save, want, one, outcome))
                        for (want, one), outcome in zip(batch, made, strict=True)
                    ]
                    if self.until is not None and time.monotonic() > self.until:
                        break
            finally:
                _enter(self.ledger, saving)

    def told(self) -> str:
        """Return where the time went."""
        made = self.ledger.made
        where = f"{self.workers} processes" if self.workers else "this process"
        return (
            f"preparation: {self.prepare:.1f} s of work in {where}, {_rate(made, self.prepare)} a process; "
            f"network: {self.running:.1f} s, {_rate(made, self.running)}; "
            f"it waited {self.wait:.1f} s for pictures"
        )

    def _batches(
        self, outcomes: Iterator[tuple[Wanted, Prefetched | BaseException]], size: int
    ) -> Iterator[list[tuple[Wanted, Prefetched]]]:
        """Yield what is ready, ``size`` pictures at a time and the rest at the end; enter what is not."""
        batch: list[tuple[Wanted, Prefetched]] = []
        start = time.perf_counter()
        self._tell()
        for want, outcome in outcomes:
            if isinstance(outcome, BaseException):
                self.ledger.add(want.name, outcome)
                self.done += 1
            else:
                self.prepare += outcome.seconds
                batch.append((want, outcome))
            if len(batch) == size:
                self.wait += time.perf_counter() - start
                yield batch
                self.done += len(batch)
                batch = []
                start = time.perf_counter()
            self._tell()
        self.wait += time.perf_counter() - start
        if batch:
            yield batch

    def _save(self, want: Wanted, ready: Prefetched, outcome: Made | Exception) -> None:
        """Write the files of a result; a picture that gave none fails by what it failed of."""
        if isinstance(outcome, Exception):
            raise outcome
        self.saver.save(want.target, outcome, ready.seen)

    def _tell(self) -> None:
        """Tell how far the work is, and give the caller a chance to stop it."""
        if self.step:
            count = self.ledger.count
            self.step(f"{self.done} of {count}", self.done / count)


def _enter(ledger: Ledger, saving: Sequence[tuple[Wanted, Prefetched, Future[None]]]) -> None:
    for want, ready, saved in saving:
        error = saved.exception()
        ledger.add(want.name, (Row(want.name, DONE, more=ready.told),) if error is None else error)


def _ledger(folders: Folders, found: Sequence[Found]) -> Ledger:
    columns = ("faces", "face", "side", "warnings")
    return Ledger("infer", DONE, columns, folders.out, found, folders.report, folders.place)


def _want(found: Found, inference: Inference, job: Job, max_pixels: int) -> Wanted:
    return Wanted(
        found.name,
        found.path,
        found.target,
        inference.task,
        inference.align,
        inference.face,
        inference.factor,
        job.loaded.in_size,
        max_pixels,
        job.loaded.classes,
    )


def _check_names(found: Sequence[Found], inference: Inference) -> None:
    """Refuse pictures in folders whose results would mingle with couples or codes."""
    taken = {COUPLES: inference.couples, LATENTS: inference.latents}
    for each_found in found:
        first = each_found.target.parts[0].casefold()
        if len(each_found.target.parts) > 1 and taken.get(first, False):
            raise SettingsError(
                f"The folder of pictures holds a folder {first!r}, as that of the results will.",
                f"Leave out --{first}.",
            )


def _rate(count: int, seconds: float) -> str:
    return f"{count / max(seconds, 1e-9):.3g} pictures/s"

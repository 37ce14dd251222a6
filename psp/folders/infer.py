"""Results for a whole folder: pictures are prepared in processes and go through the network in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from psp.codes.latents import codes_to_bytes
from psp.codes.recipe import Recipe, picture_to_png
from psp.codes.variants import plan_random_styles
from psp.errors import InputError, PspError, SettingsError
from psp.files.saving import made_by, require_own
from psp.folders.batch import Folders
from psp.folders.files import Found, find_pictures, made_already, write_file
from psp.folders.ledger import Ledger, Row
from psp.folders.prefetch import Prefetched, Wanted, prefetch
from psp.folders.processes import check_workers, cpu_count, each
from psp.inference.errands import Made
from psp.inference.job import Job
from psp.inference.network import Network, Step, Work
from psp.parameters import Setting
from psp.pictures.images import to_pictures
from psp.ranges import check_number, check_word
from psp.tasks import TASKS

__all__ = ["Inference", "infer_folder"]

_DONE = "made"
_COUPLES, _LATENTS = "couples", "latents"
# All of a batch is in memory at once.
_LARGEST_BATCH = 1024
# Pictures each worker may be ahead, besides the next batch.
_AHEAD = 4


@dataclass(frozen=True)
class Inference:
    """What is to be made of every picture.

    Attributes:
        task: One that has a model of its own; nothing is mixed.
        model: A family's name, a path, or "auto".
        batch: Pictures that go through the network at once.
        align: Whether to look for a face in each photo.
        face: Which face; 0 is the largest.
        factor: Super-resolution: shrink so many times first; 0: not at all.
        couples: Whether to save what the model saw beside the result as well.
        latents: Whether to save the codes as well.
        likeness: Of "encode": "exact" runs picture by picture, and keeps the details beside the codes, and
            "close" takes a quarter of a minute a picture.
    """

    task: str
    model: str = "auto"
    batch: int = 8
    align: bool = True
    face: int = 0
    factor: int = 0
    couples: bool = False
    latents: bool = False
    likeness: str = "quick"


@dataclass(eq=False)
class _Seconds:
    """Where the time went."""

    prepare: float = 0.0
    wait: float = 0.0
    network: float = 0.0


def infer_folder(folders: Folders, inference: Inference, step: Step | None = None) -> None:
    """Run a task on every picture, and report in ``infer-report.csv`` what cannot be used.

    Args:
        folders: Where from and where to. "a/b.jpg" becomes "a/b.png", "couples/a/b.png" (left what the model
            saw, right the result) and "latents/a/b.safetensors".
        inference: What is made.
        step: Told how far a download is.

    Raises:
        InputError: There is no picture, or not one could be used; or a setting cannot be.
        SettingsError: The folder of the results or the number of workers cannot be used.
        CheckpointError: The model cannot be found or loaded.
    """
    check_workers(folders.workers)
    if not 1 <= inference.batch <= _LARGEST_BATCH:
        raise InputError(f"The batch is {inference.batch}.", f"Take 1 to {_LARGEST_BATCH}.")
    check_number("factor", inference.factor)
    if inference.factor and inference.task != "super_resolution":
        raise SettingsError("A factor is for super-resolution.", "Leave out --factor.")
    if check_word("likeness", inference.likeness) != "quick" and inference.task != "encode":
        raise SettingsError("Likeness is a setting of encode.", "Leave out --likeness.")
    found = find_pictures(folders.pictures, folders.out, folders.report)
    _check_names(found, inference)
    network = Network(folders.settings)
    job = Job(inference.task, network, inference.model, step)
    loaded = f"loaded in {job.clock.seconds['load_model']:.1f} s"
    folders.report(f"{job.loaded.name} on {network.device}, {loaded}")
    saver = _Saver(folders.out, inference, _recipe(job, inference))
    columns = ("faces", "face", "side", "warnings")
    ledger = Ledger("infer", _DONE, columns, folders.out, found, folders.report)
    wanted: list[Wanted] = []
    refused: list[tuple[str, PspError]] = []
    for each_found in found:
        if not folders.again and saver.has(each_found.target):
            ledger.keep(each_found.name)
        elif (error := saver.refused(each_found.target)) is not None:
            refused.append((each_found.name, error))
        else:
            wanted.append(_want(each_found, inference, job, folders.settings.max_pixels))
    seconds = _Seconds()
    workers = min(folders.workers, max(1, len(wanted)))
    with ledger.open():
        for name, error in refused:
            ledger.add(name, error)
        _run(network, wanted, saver, ledger, seconds, workers)
    if ledger.made:
        folders.report(
            f"preparation: {seconds.prepare:.1f} s of work in {workers} processes, "
            f"{_rate(ledger.made, seconds.prepare)} a process; "
            f"network: {seconds.network:.1f} s, {_rate(ledger.made, seconds.network)}; "
            f"it waited {seconds.wait:.1f} s for pictures"
        )


def _run(
    network: Network,
    wanted: Sequence[Wanted],
    saver: _Saver,
    ledger: Ledger,
    seconds: _Seconds,
    workers: int,
) -> None:
    """Pass all pictures through the network; those of one batch are saved while the next one runs."""
    size = saver.inference.batch
    with (
        closing(each(prefetch, wanted, workers, size + _AHEAD * workers)) as outcomes,
        ThreadPoolExecutor(min(8, cpu_count())) as threads,
    ):
        saving: list[tuple[Wanted, Prefetched, Future[None]]] = []
        for batch in _batches(outcomes, ledger, seconds, size):
            start = time.perf_counter()
            made = _pass(network, saver.inference, [ready for _, ready in batch])
            seconds.network += time.perf_counter() - start
            _enter(ledger, saving)  # at most one batch of pictures waits to be saved
            saving = [
                (want, ready, threads.submit(saver.save, want.target, one, ready.seen))
                for (want, ready), one in zip(batch, made, strict=True)
            ]
        _enter(ledger, saving)


def _batches(
    outcomes: Iterator[tuple[Wanted, Prefetched | BaseException]],
    ledger: Ledger,
    seconds: _Seconds,
    size: int,
) -> Iterator[list[tuple[Wanted, Prefetched]]]:
    """Yield what is ready, ``size`` pictures at a time and the rest at the end; enter what is not."""
    batch: list[tuple[Wanted, Prefetched]] = []
    start = time.perf_counter()
    for want, outcome in outcomes:
        if isinstance(outcome, BaseException):
            ledger.add(want.name, outcome)
            continue
        seconds.prepare += outcome.seconds
        batch.append((want, outcome))
        if len(batch) == size:
            seconds.wait += time.perf_counter() - start
            yield batch
            batch = []
            start = time.perf_counter()
    seconds.wait += time.perf_counter() - start
    if batch:
        yield batch


def _pass(network: Network, inference: Inference, batch: Sequence[Prefetched]) -> list[Made]:
    """Run one batch; returns what each picture of it gives.

    Raises:
        PspError: The device has too little memory.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    work = Work(inference.model, inference.task, together=True, likeness=inference.likeness)
    all_made: dict[int, Made] = {}
    try:
        if work.likeness == "exact":  # what codes cannot say is found photo by photo
            return [network.run(replace(work, inputs=ready.inputs, detail=ready.detail)) for ready in batch]
        for detail in dict.fromkeys(ready.detail for ready in batch):  # mostly one for all
            places = [place for place, ready in enumerate(batch) if ready.detail == detail]
            inputs = np.concatenate([batch[place].inputs for place in places])
            made = network.run(replace(work, inputs=inputs, detail=detail))
            for index, place in enumerate(places):
                all_made[place] = Made(made.codes[index : index + 1], made.images[index : index + 1])
    except torch.OutOfMemoryError as error:
        raise PspError(
            f"{network.device} has too little memory for {len(batch)} pictures at once.",
            "Take a smaller batch (--batch); what is made already stays.",
        ) from error
    return [all_made[place] for place in range(len(batch))]


def _enter(ledger: Ledger, saving: Sequence[tuple[Wanted, Prefetched, Future[None]]]) -> None:
    for want, ready, saved in saving:
        error = saved.exception()
        ledger.add(want.name, (Row(want.name, _DONE, more=ready.told),) if error is None else error)


class _Saver:
    """Writes the files of a result; safe to call from several threads.

    Args:
        out: Folder of the results.
        inference: Which files.
        recipe: What reproduces a result.
    """

    def __init__(self, out: Path, inference: Inference, recipe: Recipe) -> None:
        self.inference = inference
        self._out = out
        self._recipe = recipe
        self._own = made_by(TASKS)

    def refused(self, target: Path) -> PspError | None:
        """Return why a result cannot be written: a file of another's is in its place; None: it can."""
        try:
            for place in (self._out / target, self._couple(target), self._latents(target)):
                if place is not None:
                    require_own(place, self._own)
        except PspError as error:
            return error
        return None

    def has(self, target: Path) -> bool:
        """Whether all files of a result are there."""
        more = [place for place in (self._couple(target), self._latents(target)) if place is not None]
        return made_already(self._out / target, self._recipe) and all(place.is_file() for place in more)

    def save(self, target: Path, made: Made, seen: Image.Image) -> None:
        """Write the files of one result.

        Args:
            target: The picture, below the folder of results.
            made: One picture, its codes and what is beside them.
            seen: What the model saw.
        """
        import torch  # noqa: PLC0415  (torch comes after the page)

        (picture,) = to_pictures(torch.from_numpy(made.images))
        couple, latents = self._couple(target), self._latents(target)
        if couple is not None:
            beside = _couple(seen, picture, TASKS[self.inference.task].kind == "mask")
            write_file(couple, picture_to_png(beside, self._recipe), self._own)
        if latents is not None:
            write_file(latents, codes_to_bytes(made.codes[0], self._recipe, details=made.details), self._own)
        # Last: where it is, the others are.
        write_file(self._out / target, picture_to_png(picture, self._recipe), self._own)

    def _couple(self, target: Path) -> Path | None:
        return self._out / _COUPLES / target if self.inference.couples else None

    def _latents(self, target: Path) -> Path | None:
        return self._out / _LATENTS / target.with_suffix(".safetensors") if self.inference.latents else None


def _couple(seen: Image.Image, made: Image.Image, is_map: bool) -> Image.Image:
    """Return what the model saw and the result side by side, both of the result's size."""
    way = Image.Resampling.NEAREST if is_map else Image.Resampling.BICUBIC
    both = Image.new("RGB", (2 * made.width, made.height))
    both.paste(seen.resize(made.size, way), (0, 0))
    both.paste(made, (made.width, 0))
    return both


def _recipe(job: Job, inference: Inference) -> Recipe:
    """Return what a result says of itself: the same as that of a single picture."""
    # Of what would be mixed, nothing is.
    plain = plan_random_styles(1, 0, "auto", 0.0, job.loaded.resolutions, job.loaded.code_dim).settings()
    said: dict[str, Setting] = {"align": inference.align, "face": inference.face}
    if TASKS[inference.task].kind != "photo":
        return job.recipe(plain)
    said |= {setting.name: setting.default for setting in TASKS[inference.task].own()}
    if "factor" in said:
        said["factor"] = inference.factor
    if "likeness" in said:
        said["likeness"] = inference.likeness
    return job.recipe(said)


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
    taken = {_COUPLES: inference.couples, _LATENTS: inference.latents}
    for each_found in found:
        first = each_found.target.parts[0].casefold()
        if len(each_found.target.parts) > 1 and taken.get(first, False):
            raise SettingsError(
                f"The folder of pictures holds a folder {first!r}, as that of the results will.",
                f"Leave out --{first}.",
            )


def _rate(count: int, seconds: float) -> str:
    return f"{count / max(seconds, 1e-9):.3g} pictures/s"

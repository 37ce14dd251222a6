"""The loop that all training shares: steps, log, checkpoints, picture sheets, and the ways to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from psp.errors import TrainingError
from psp.training.curves import draw_curves
from psp.training.scalars import ScalarLog
from psp.training.state import Position

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Progress:
    """One line of a run's log.

    Attributes:
        position: How far the run is.
        total: Pictures of the whole run.
        terms: The loss terms, means since the last line, or held-out figures.
        rate: Pictures a second since the last line; 0 for held-out figures.
    """

    position: Position
    total: int
    terms: dict[str, float]
    rate: float

    def line(self) -> str:
        """Return it as one line for a person."""
        place = self.position
        terms = "  ".join(f"{name} {value:.4f}" for name, value in self.terms.items())
        rate = f"  {self.rate:.1f}/s" if self.rate else ""
        return f"{place.pictures}/{self.total}  {place.seconds:.0f} s{rate}  {terms}"


@dataclass(frozen=True)
class Pace:
    """How long a run is and how often it stops to look.

    Attributes:
        pictures: Length of the run.
        batch: Pictures a step.
        log_every: Steps between log lines.
        sheet_every: Steps between picture sheets and figures.
        save_every: Steps between checkpoints.
        first: Whether to look before the first step too.
    """

    pictures: int
    batch: int
    log_every: int
    sheet_every: int
    save_every: int
    first: bool = False


class Trainee(Protocol):
    """What is trained, one step after the other."""

    position: Position
    out: Path

    def step(self) -> dict[str, float]:
        """Do one step and return its terms; their means are logged."""

    def save(self) -> None:
        """Write the state of the run."""

    def show(self, scalars: ScalarLog) -> None:
        """Write a picture sheet and figures."""


@dataclass
class _Window:
    """What has come together since the last log line."""

    began: float
    step: int
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = total + value, count + 1

    def means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in self.sums.items()}


class Interruption:
    """Whether somebody asked the process to stop (Ctrl-C, or the signal of a job system)."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Remember it; the second time, stop at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruptions() -> Iterator[Interruption]:
    """Turn Ctrl-C and SIGTERM into a wish, so that a step is never cut in two; only in the main thread."""
    wish = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish) for number in _SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kept_share(batch: int, ema_pictures: int, step: int) -> float:
    """Return how much of a moving average of weights stays in a step; a young average forgets faster."""
    return min(0.5 ** (batch / max(ema_pictures, 1)), (1 + step) / (10 + step))


def run_loop(
    trainee: Trainee,
    pace: Pace,
    *,
    minutes: float | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    agree: Callable[[bool], bool] = bool,
    main: bool = True,
) -> None:
    """Train until the run is whole, ``minutes`` are over or somebody asks to stop; then save.

    Args:
        trainee: What is trained; it goes on from its position.
        pace: How long, and how often to look.
        minutes: Stop after this time; None: not before the run is whole.
        report: Called with every log line.
        agree: Turns one process's wish to stop into that of all of them.
        main: Whether this process logs; the others only step.

    Raises:
        TrainingError: A checkpoint cannot be written; the last one stays.
        KeyboardInterrupt: Somebody asked to stop; the state is saved.
    """
    trainee.out.mkdir(parents=True, exist_ok=True)
    scalars = ScalarLog(trainee.out, trainee.position.pictures) if main else None
    began, before = time.monotonic(), trainee.position.seconds
    window = _Window(began, trainee.position.step)
    shown = saved = -1
    with interruptions() as wish:
        if scalars is not None and pace.first and trainee.position.step == 0:
            trainee.show(scalars)
        while trainee.position.pictures < pace.pictures:
            late = minutes is not None and time.monotonic() - began > 60 * minutes
            if agree(wish.asked or late):
                break
            window.add(trainee.step())
            now, done = time.monotonic(), trainee.position
            trainee.position = Position(done.step + 1, done.pictures + pace.batch, before + now - began)
            step = trainee.position.step
            if scalars is not None and step % pace.log_every == 0:
                rate = (step - window.step) * pace.batch / (now - window.began)
                means = window.means()
                report(Progress(trainee.position, pace.pictures, means, rate))
                scalars.add("train", trainee.position.pictures, means | {"pictures_per_second": rate})
                window = _Window(now, step)
            if scalars is not None and step % pace.sheet_every == 0:
                trainee.show(scalars)  # before the state is saved: the best figure belongs to it
                draw_curves(trainee.out)
                shown = step
            if step % pace.save_every == 0:
                _save(trainee, main)
                saved = step
        last = trainee.position.step
        if scalars is not None:
            # A run that ended on a sheet has shown all, and one that is asked to stop is in a hurry.
            # Where the time was over before the first step, nothing should pass for a result.
            show = last not in (0, shown) and not wish.asked
            _finish(trainee, scalars, show=show, save=last != saved)
        if wish.asked:
            raise KeyboardInterrupt


def _finish(trainee: Trainee, scalars: ScalarLog, *, show: bool, save: bool) -> None:
    """Show and save what the end of a run leaves to do; it is saved whatever becomes of the sheet."""
    try:
        if show:
            trainee.show(scalars)
    finally:
        if show or save:
            _save(trainee, main=True)
    scalars.close()
    draw_curves(trainee.out)


def _save(trainee: Trainee, main: bool) -> None:
    if not main:
        return
    try:
        trainee.save()
    except OSError as error:
        raise TrainingError(
            f"The state cannot be written after {trainee.position.pictures} pictures: {error.strerror}.",
            "Free some space and start the same command again: it goes on from the last state there is.",
        ) from error

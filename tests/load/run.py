"""Load: many clients ask at once for some time; what came of it, and which promises were broken.

Before, every request is made alone: under load its answer has to be the same, byte for byte. Beside those
who wait for their answers there are some who leave, with and without saying so. At last the line is filled
beyond its end.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.load.client import Ask, Got, LoadClient
from tests.load.studio import Served, serving

_GROWTH = 0.05  # of the memory after warm-up
_UNFAIR = 3.0  # times the median wait
_FREE = 30.0  # seconds until places of those who left are free
_QUICK = "/align"
FULL = ("requests wait already", "The line is full")
"""What is said where there is no room."""


@dataclass(frozen=True)
class Load:
    """How much.

    Attributes:
        clients: Who wait for their answers.
        seconds: For how long they ask.
        leavers: Who leave instead.
        overflow: How many ask at last beyond those that may wait.
    """

    clients: int
    seconds: float
    leavers: int = 4
    overflow: int = 20


@dataclass
class Report:
    """What came of it.

    Attributes:
        served: Answers that were equal to those made alone.
        seconds: How long each took.
        waits: Mean wait of each client.
        left: How often somebody left.
        memory: Of the studio in MB: after warm-up, and at the end.
        full: What those were told who found no room, and how often.
        problems: Promises that were broken.
    """

    served: int = 0
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    left: int = 0
    memory: tuple[float, float] = (0.0, 0.0)
    full: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it for a person."""
        p50, p95, p99 = (quantile(self.seconds, share) for share in (0.5, 0.95, 0.99))
        before, after = self.memory
        median = statistics.median(self.waits) if self.waits else 0.0
        return [
            f"served: {self.served} answers, each the same bytes as alone",
            f"seconds: p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}",
            f"wait of a client: median {median:.2f} s, longest {max(self.waits, default=0.0):.2f} s",
            f"left while waiting or served: {self.left}",
            f"memory: {before:.0f} MB after warm-up, {after:.0f} MB at the end ({after / before - 1:+.1%})",
            f"line full: {sum(self.full.values())} told so",
            *(f"BROKEN: {problem}" for problem in self.problems),
        ]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all are not above."""
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run_load(assets: Path, folder: Path, plan: Sequence[Ask], load: Load) -> Report:
    """Serve a studio and load it.

    Args:
        assets: The small family.
        folder: For its files.
        plan: What is asked; the clients begin at different places of it.
        load: How much.
    """
    report = Report()
    with serving(assets, folder, load.clients + load.leavers + 2) as studio:
        alone = LoadClient(studio.raw, 0)
        wanted = []
        for ask in plan:
            wanted.append(alone.ask(ask))
            if wanted[-1].words:
                report.problems.append(f"{ask.endpoint} alone: {wanted[-1].words}")
        _ask_all_at_once(studio, plan, wanted, load, report)
        _require_free(studio, report)
        _overfill(studio, next(ask for ask in plan if ask.endpoint == _QUICK), load, report)
        _require_free(studio, report)
        final = alone.ask(plan[0])
        if final.mark != wanted[0].mark:
            report.problems.append(f"after the load: {final.words or 'other bytes'}")
    return report


def _ask_all_at_once(
    studio: Served, plan: Sequence[Ask], wanted: Sequence[Got], load: Load, report: Report
) -> None:
    """Let all clients ask until the time is over; half of it is warm-up."""
    lock, began = threading.Lock(), time.monotonic()
    until = began + load.seconds

    def wait_for_answers(number: int) -> None:
        client, at, waits = LoadClient(studio.raw, number), number, []
        while time.monotonic() < until:
            index = at % len(plan)
            got, at = client.ask(plan[index]), at + 1
            waits.append(max(0.0, got.seconds - got.worked))
            with lock:
                if got.mark == wanted[index].mark and not got.words:
                    report.served += 1
                    report.seconds.append(got.seconds)
                else:
                    report.problems.append(f"{plan[index].endpoint}: {got.words or 'other bytes'}")
        with lock:
            report.waits.append(statistics.fmean(waits))

    def leave(number: int) -> None:
        client, chance = LoadClient(studio.raw, 5000 + number), random.Random(number)
        while time.monotonic() < until:
            client.leave(chance.choice(plan), chance.uniform(0.0, 2.0), cancels=chance.random() < 0.5)
            with lock:
                report.left += 1

    with ThreadPoolExecutor(load.clients + load.leavers) as crowd:
        waiting = [crowd.submit(wait_for_answers, 1 + number) for number in range(load.clients)]
        leaving = [crowd.submit(leave, number) for number in range(load.leavers)]
        time.sleep(load.seconds / 2)
        warm = studio.memory()
        for each in (*waiting, *leaving):
            each.result()
    report.memory = (warm, studio.memory())
    median = statistics.median(report.waits)
    if max(report.waits) > _UNFAIR * median + 1.0:
        report.problems.append(f"one client waited {max(report.waits):.1f} s, the median is {median:.1f} s")
    if report.memory[1] > warm * (1 + _GROWTH):
        report.problems.append(f"memory grew from {warm:.0f} to {report.memory[1]:.0f} MB")


def _require_free(studio: Served, report: Report) -> None:
    """Hold that nothing waits and nothing runs, soon."""
    until = time.monotonic() + _FREE
    while studio.at_work():
        if time.monotonic() > until:
            report.problems.append(f"{studio.at_work()} places are taken by nobody")
            return
        time.sleep(0.2)


def _overfill(studio: Served, ask: Ask, load: Load, report: Report) -> None:
    """Ask for more than may wait: each answer is a result, or says that the line is full."""
    room = load.clients + load.leavers + 2
    with ThreadPoolExecutor(room + load.overflow) as crowd:
        found = [crowd.submit(LoadClient(studio.raw, 9000 + n).ask, ask) for n in range(room + load.overflow)]
        for each in found:
            words = each.result().words
            if any(said in words for said in FULL):
                report.full[words] += 1
            elif words:
                report.problems.append(f"while the line was full: {words}")
    if not report.full:
        report.problems.append("the line was filled beyond its end, and nobody was told")

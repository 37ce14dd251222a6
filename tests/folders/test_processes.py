"""Work is spread over processes; a process that dies costs its own item, and none outlives its owner."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from psp.errors import PspError, SettingsError
from psp.folders.processes import check_workers, each

ROOT = Path(__file__).resolve().parents[2]


def halve(number: int) -> int:
    """Fails for odd numbers, and dies of 13."""
    if number == 13:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return "done"


def sleep_long(mark: Path) -> None:
    mark.write_text(str(os.getpid()))
    time.sleep(60)


def sleep_unless_quick(mark: Path) -> None:
    if mark.name != "quick":
        sleep_long(mark)


def read_pid(mark: Path) -> int:
    """Wait for a process to say its number."""
    for _ in range(300):
        if mark.exists() and mark.read_text():
            return int(mark.read_text())
        time.sleep(0.1)
    raise AssertionError("the process did not start")


def is_gone(pid: int) -> bool:
    """Wait for a process to end."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True  # dead, and not yet buried by whoever adopted it
        time.sleep(0.1)
    return False


def test_results_and_errors_come_in_the_order_of_the_items() -> None:
    outcomes = list(each(halve, [2, 4, 5, 6], workers=2, ahead=8))
    assert [item for item, _ in outcomes] == [2, 4, 5, 6]
    assert [outcome for _, outcome in outcomes if isinstance(outcome, int)] == [1, 2, 3]
    assert isinstance(outcomes[2][1], ValueError)
    assert str(outcomes[2][1]) == "5 is odd"


def test_a_process_that_dies_takes_along_only_its_own_item() -> None:
    items = [2, 4, 13, 6, 8, 13, 10, 12]
    outcomes = list(each(halve, items, workers=2, ahead=5))
    assert [item for item, _ in outcomes] == items
    assert [outcome for _, outcome in outcomes if isinstance(outcome, int)] == [1, 2, 3, 4, 5, 6]
    for item, outcome in outcomes:
        if item == 13:
            assert isinstance(outcome, PspError)
            assert "died" in outcome.problem


def test_what_a_process_died_of_once_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    marks = [tmp_path / "a", tmp_path / "b"]
    assert [outcome for _, outcome in each(die_once, marks, workers=1, ahead=2)] == ["done", "done"]


def test_work_goes_no_further_ahead_than_asked() -> None:
    taken: list[int] = []

    def count() -> Iterator[int]:
        for number in itertools.count(0, 2):
            taken.append(number)
            yield number

    with closing(each(halve, count(), workers=2, ahead=3)) as outcomes:
        assert next(outcomes) == (0, 0)
        assert len(taken) == 3
        assert next(outcomes) == (2, 1)
        assert len(taken) == 4


def test_closing_ends_what_is_under_way_at_once(tmp_path: Path) -> None:
    (tmp_path / "quick").touch()
    items = [tmp_path / "quick", tmp_path / "long", tmp_path / "later"]
    outcomes = each(sleep_unless_quick, items, workers=1, ahead=3)
    next(outcomes)
    worker = read_pid(tmp_path / "long")
    start = time.perf_counter()
    outcomes.close()
    assert time.perf_counter() - start < 5
    assert is_gone(worker)
    assert not (tmp_path / "later").exists()


def test_processes_end_with_an_owner_who_was_killed(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from psp.folders.processes import each;"
        "from tests.folders.test_processes import sleep_long;"
        f"list(each(sleep_long, [Path({str(tmp_path / 'pid')!r})], workers=1, ahead=1))"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        worker = read_pid(tmp_path / "pid")
    finally:
        owner.kill()
        owner.wait()
    assert is_gone(worker)


@pytest.mark.parametrize("workers", [0, -1, 62])
def test_a_number_of_workers_that_cannot_be_is_told(workers: int) -> None:
    with pytest.raises(SettingsError, match="1 to 61"):
        check_workers(workers)

"""Under a lock there is one at a time, and its file does not stay."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from psp.files import locks
from psp.files.locks import locked


@pytest.mark.skipif(sys.platform == "win32", reason="there nobody waits")
def test_one_at_a_time_is_in_a_locked_block(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with locked(tmp_path / "new" / ".lock"):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.002)
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert most == 20 * [1]
    assert not [*(tmp_path / "new").iterdir()]


def test_an_error_in_the_block_lets_the_next_one_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="torn"), locked(tmp_path / ".lock"):
        raise ValueError("torn")
    with locked(tmp_path / ".lock"):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_disk_without_locks_does_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if locks.fcntl is not None:

        def refuse(*_: object) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with locked(tmp_path / ".lock"):
        pass
    monkeypatch.setattr(locks, "fcntl", None)
    with locked(tmp_path / ".lock"):
        pass
    assert not [*tmp_path.iterdir()]

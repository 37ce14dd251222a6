"""Copies of this process that do some work, for tests of what processes do to each other and to the disk."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

import pytest
import torch


def forked(work: Callable[[], object]) -> int:
    """Do ``work`` in a copy of this process, which ends with 1 where something is raised; return its number.

    Args:
        work: What is done. What it raises is printed.
    """
    if not hasattr(os, "fork"):
        pytest.skip("this system copies no processes")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)  # it must not outlive the test
            torch.set_num_threads(1)  # the threads of this process are not there
            work()
            code = 0
        except BaseException:  # noqa: BLE001  (the copy ends here, whatever it was)
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def in_two_processes(work: Callable[[], object]) -> None:
    """Do ``work`` in two copies of this process that begin together; both must come to its end."""
    ready, go = os.pipe()

    def once_told() -> None:
        os.read(ready, 1)
        work()

    children = [forked(once_told) for _ in range(2)]
    os.write(go, b"12")
    ends = [os.waitpid(child, 0)[1] for child in children]
    for end in (ready, go):
        os.close(end)
    assert ends == [0, 0]

"""ZeroGPU: off a Space the decorator does nothing; on one, every task runs through the real ``spaces``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from psp.zerogpu import is_active, on_gpu

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def space(small_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a Space that lends its GPU told of its work; see ``tests/zero_space.py``."""
    if not sys.platform.startswith("linux"):
        pytest.skip("spaces forks and reads /proc: for Linux")
    folder = tmp_path_factory.mktemp("space")
    done = subprocess.run(
        [sys.executable, "-m", "tests.zero_space", str(small_assets), str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HOME": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"table"')]
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def test_off_a_space_nothing_is_wrapped_and_spaces_is_not_imported() -> None:
    assert not is_active()
    assert on_gpu(len, lambda *_: 1) is len
    code = "import psp.zerogpu, sys; sys.exit('spaces' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_task_works_in_a_new_worker_and_in_a_reused_one(space: dict[str, Any]) -> None:
    assert len(space["table"]) == 11
    assert {name: row for name, row in space["table"].items() if row != {"cold": "ok", "reused": "ok"}} == {}
    assert space["same_as_plain"] == [True, True, True]


def test_models_of_the_start_wait_on_the_gpu_and_later_ones_are_moved_once(space: dict[str, Any]) -> None:
    assert space["models"] == 6  # with PSP_MAX_MODELS=1
    assert space["moved"] == {
        "all tasks": [False],
        "new to the worker": ["ok", True],
        "cold": ["ok", True],
        "reused": ["ok", False],
    }


def test_an_error_in_the_worker_keeps_its_words_and_a_fault_gets_some(space: dict[str, Any]) -> None:
    (kind, problem, next_step), fault = space["words_of_errors"]
    assert (kind, problem[:25]) == ("InputError", "The model takes 3 channel")
    assert next_step.startswith("Choose a model")
    assert fault[:2] == ["PspError", "The GPU did not finish this (ValueError)."]
    assert fault[2].startswith("Ask again")


def test_all_faces_of_a_photo_ask_for_one_gpu(space: dict[str, Any]) -> None:
    assert space["faces_of_a_photo"] == [2, 1]


def test_a_batch_asks_for_one_gpu_and_makes_what_single_photos_give(space: dict[str, Any]) -> None:
    assert space["batch"] == [1, True]


def test_the_page_shows_the_steps_of_the_worker_and_waits_for_several_gpus(space: dict[str, Any]) -> None:
    assert space["progress"] == ["Face 1 of 2", "Face 2 of 2"]
    assert space["waiting_together"] == 2

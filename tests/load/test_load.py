"""A short load in the suite; ``python -m tests.load`` is the long one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from psp.inference.pipeline import PspPipeline
from tests.load.plan import asks
from tests.load.run import Load, run_load
from tests.ui.given import input_files


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory of a process from /proc")
def test_under_load_every_answer_is_the_one_made_alone_and_nobody_is_forgotten(
    small_assets: Path,
    pipeline: PspPipeline,
    astronaut: Image.Image,
    two_people: Image.Image,
    tmp_path: Path,
) -> None:
    inputs = input_files(pipeline, astronaut, two_people, tmp_path)
    report = run_load(small_assets, tmp_path, asks(inputs, long=False), Load(clients=20, seconds=30))
    assert report.problems == [], "\n".join(report.lines())
    assert report.served >= 20 and report.left > 0

"""A training run that is killed outright goes on from its last state, and ends as if nothing had been."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from psp.checkpoints import load_psp
from psp.training.run import train
from tests.checkpoints.samples import assert_same
from tests.killed import killed_at
from tests.training.test_run_folder import CONFIG, data, options

__all__ = ["data"]  # a fixture

LONGER = dataclasses.replace(CONFIG, pictures=8, save_every=1)


def test_it_goes_on_from_the_last_state(data: Path, tmp_path: Path) -> None:
    whole = load_psp(train(LONGER, options(data, tmp_path / "whole")))

    def run() -> Path:
        return train(LONGER, options(data, tmp_path / "run"))

    killed_at("psp.checkpoints.tensors._bytes_of", run, nth=400)  # in the middle of writing
    killed_at("psp.files.drafts.os.fsync", run, nth=2)  # when a file is to get its name
    assert_same(load_psp(run()), whole)
    assert not list((tmp_path / "run").rglob("*.tmp"))

"""What a run computes on: what cannot be is said before anything starts."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
import torch

from psp.cli.main import main
from psp.errors import SettingsError, TrainingError
from psp.training.machine import open_accelerator, require_agreement
from psp.training.presets import preset

CONFIG = preset("ffhq_encode")


def test_a_batch_is_divided_or_refused() -> None:
    assert open_accelerator(CONFIG, "cpu", accumulate=4).gradient_accumulation_steps == 4
    with pytest.raises(TrainingError, match=r"batch of 8 .* in 3 parts"):
        open_accelerator(CONFIG, "cpu", accumulate=3)


def test_runs_in_one_process_may_differ() -> None:
    half = dataclasses.replace(CONFIG, mixed_precision="bf16")
    assert open_accelerator(half, "cpu").mixed_precision == "bf16"
    assert open_accelerator(CONFIG, "cpu").mixed_precision == "no"


def test_the_launcher_says_the_precision_where_it_is_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert open_accelerator(CONFIG, "cpu").mixed_precision == "bf16"


def test_fp16_needs_a_gpu() -> None:
    with pytest.raises(SettingsError, match=r"fp16 needs a CUDA device.*bf16"):
        open_accelerator(dataclasses.replace(CONFIG, mixed_precision="fp16"), "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="'cuda' is not there"):
        open_accelerator(CONFIG, "cuda")


def test_without_accelerate_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(SettingsError, match=r'not installed.*pip install "accelerate>=1\.10".*extra "train"'):
        open_accelerator(CONFIG, "cpu")


def test_without_accelerate_a_training_command_says_so_in_one_line_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    (tmp_path / "faces").mkdir()
    folders = ["--data", str(tmp_path / "faces"), "--out", str(tmp_path / "run")]
    assert main(["train", "--preset", "mobile-encode", *folders]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "error: Training needs the package Accelerate, which is not installed. Run: pip install"
    )
    assert not (tmp_path / "run").exists()


def test_processes_that_stand_at_different_steps_do_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator = open_accelerator(CONFIG, "cpu")
    require_agreement(accelerator, 7)
    monkeypatch.setattr(accelerator, "gather", lambda steps: torch.cat([steps, torch.tensor([0])]))
    with pytest.raises(TrainingError, match=r"different steps: \[7, 0\].*share"):
        require_agreement(accelerator, 7)

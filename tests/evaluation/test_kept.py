"""Figures are kept beside a model of one's own where that is asked for, and nowhere else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from psp.checkpoints import file_sha256, save_psp
from psp.checkpoints.evaluations import REPORT, read_evaluations
from psp.config import Settings
from psp.errors import CheckpointError, SettingsError
from psp.evaluation.kept import Measured
from psp.evaluation.run import Evaluation, run
from psp.evaluation.table import open_scores
from psp.faces.alignment import align
from tests.compact import compact_model


@pytest.fixture
def evaluation(astronaut: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """A held-out picture of 40 px, and a run with a model of 32 px that was never trained."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "faces" / "val").mkdir(parents=True)
    align(astronaut).crop.resize((40, 40)).save(tmp_path / "faces" / "val" / "a.png")
    save_psp(compact_model(), tmp_path / "run" / "best" / "encode.safetensors")
    settings = Settings(device="cpu", cache_dir=tmp_path / "cache", offline=True)
    return Evaluation("encode", str(tmp_path / "run"), tmp_path / "faces", "cpu", settings, for_card=True)


def test_the_means_are_kept_with_the_hash_of_the_model(evaluation: Evaluation) -> None:
    said: list[str] = []
    run(evaluation, said.append)
    best = Path(evaluation.model) / "best"
    (kept,) = read_evaluations(best)
    assert (kept.task, kept.data, kept.split, kept.pictures, kept.size) == ("encode", "faces", "val", 1, 32)
    assert kept.sha256 == file_sha256(best / "encode.safetensors")
    assert set(kept.figures) == {"l2", "lpips", "identity"}  # no seconds: they are the machine's
    (means,) = [line.split() for line in said if line.startswith("all")]
    assert [f"{kept.figures[name]:.4f}" for name in ("l2", "lpips", "identity")] == means[2:5]
    assert said[-1] == f"kept for the card in {best / REPORT}"


def test_nothing_is_kept_unasked(evaluation: Evaluation) -> None:
    run(dataclasses.replace(evaluation, for_card=False), lambda line: None)
    assert not list(Path(evaluation.model).rglob(REPORT))


def test_what_goes_on_no_card_is_refused_before_anything_is_measured(evaluation: Evaluation) -> None:
    for other in (
        dataclasses.replace(evaluation, model="mobile-1024"),
        dataclasses.replace(evaluation, model="me/psp-cats"),
        dataclasses.replace(evaluation, task="generator"),
        dataclasses.replace(evaluation, results=evaluation.data),
    ):
        with pytest.raises(SettingsError, match="--for-card"):
            run(other, pytest.fail)


def test_a_file_in_the_way_is_told_before_anything_is_measured(evaluation: Evaluation) -> None:
    (Path(evaluation.model) / "best" / REPORT).write_text("my notes")
    with pytest.raises(SettingsError, match="already"):
        run(evaluation, pytest.fail)


def test_a_model_that_was_replaced_meanwhile_gets_no_figures(evaluation: Evaluation) -> None:
    measured = Measured.of(evaluation.model, "encode", evaluation.settings)
    save_psp(compact_model(seed=5), measured.path)
    with (
        open_scores(None, similarity=False, seconds=False) as scores,
        pytest.raises(CheckpointError, match="was replaced while it was measured"),
    ):
        measured.keep(scores, "val", 32)
    assert not measured.path.with_name(REPORT).exists()

"""Models in memory where a GPU is lent: all of this machine at the start, later ones by the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.checkpoints import save_psp
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.inference.loaded import Models
from psp.tasks import MODEL_TASKS
from tests.compact import compact_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Own models: one file for two tasks is the default; another family is damaged."""
    save_psp(compact_model(), tmp_path / "mine.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    (tmp_path / "models.toml").write_text(
        '[mine]\npath = "mine.safetensors"\ntasks = ["encode", "toonify"]\n[bad]\npath = "bad.safetensors"\n'
    )
    return Settings(
        model="mine",
        models_file=tmp_path / "models.toml",
        cache_dir=tmp_path / "cache",
        device="cpu",
        offline=True,
        max_models=1,
    )


def test_all_models_of_this_machine_are_loaded_at_the_start(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    models = Models(settings, lent=True)
    models.load_all()
    assert len(models) == 2 + len(MODEL_TASKS)
    assert "bad for encode is not loaded" in caplog.text
    assert models.get("mine", "encode") is models.get("mine", "toonify")  # in memory once
    assert models.get("mobile-1024", "toonify").waits
    with pytest.raises(CheckpointError, match="bad"):
        models.get("bad", "encode")


def test_models_of_the_start_share_what_is_equal(settings: Settings) -> None:
    models = Models(settings, lent=True)
    models.load_all()
    tensors = [
        value
        for task in MODEL_TASKS
        for value in models.get("mobile-1024", task).psp.parameters()
        if value.nbytes > 1 << 16
    ]
    kept = {value.data_ptr(): value.nbytes for value in tensors}
    assert sum(kept.values()) < 0.5 * sum(value.nbytes for value in tensors)


def test_later_models_go_by_the_limit_and_those_of_the_start_stay(settings: Settings, tmp_path: Path) -> None:
    models = Models(settings, lent=True)
    models.load_all()
    count = len(models)
    for name in ("one", "two"):
        save_psp(compact_model(), tmp_path / f"{name}.safetensors")
        assert not models.get(str(tmp_path / f"{name}.safetensors"), "encode").waits
    assert len(models) == count + 1


def test_without_its_default_model_a_space_does_not_start(settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match="nosuch"):
        Models(settings.with_model("nosuch"), lent=True).load_all()


def test_a_worker_does_not_wait_for_threads_that_were_not_forked(settings: Settings) -> None:
    models = Models(settings, lent=True)
    models._lock.acquire()  # as by a thread that loads, when the worker is forked
    models._home = -1
    models.arrive()
    assert models.get("mine", "encode").name == "mine"


def test_a_file_that_was_replaced_on_the_way_is_told(settings: Settings) -> None:
    models = Models(settings)
    with pytest.raises(CheckpointError, match="replaced meanwhile"):
        models.get("mine", "encode", sha256="0" * 64)

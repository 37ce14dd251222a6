"""Models in memory: as many as fit, and where a GPU is lent all of this machine at the start."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
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


@pytest.mark.slow
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


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Callable[[str], str]:
    """Makes a model of one's own, each of other weights and of the same size."""

    def make(name: str) -> str:
        path = tmp_path / f"{name}.safetensors"
        save_psp(compact_model(seed=len(name)), path)
        return str(path)

    return make


def within(settings: Settings, count: float) -> Settings:
    """Room for so many of these models, which take a megabyte or so, and as many of them as that is."""
    models = Models(replace(settings, max_models=None))
    models.get("mine", "encode")
    room = models.weight_bytes * count / 1e6
    return replace(settings, max_models=None, max_models_mb=room)  # type: ignore[arg-type]  # a fraction


def test_the_least_recently_used_model_makes_room(settings: Settings, own: Callable[[str], str]) -> None:
    models = Models(within(settings, 2.9))
    first, second, third = own("a"), own("bb"), own("ccc")
    kept = weakref.ref(models.get(first, "encode")), weakref.ref(models.get(second, "encode"))
    models.get(first, "encode")
    models.get(third, "encode")
    gc.collect()
    assert len(models) == 2
    assert kept[0]() is not None and kept[1]() is None


def test_a_model_in_use_is_never_dropped(settings: Settings, own: Callable[[str], str]) -> None:
    models = Models(within(settings, 1.5))
    first, second = own("a"), own("bb")
    used = models.get(first, "encode")
    models.get(second, "encode")
    assert len(models) == 2  # more than fits, and none of it can go
    assert models.get(first, "encode") is used
    del used
    models.get(second, "encode")
    assert len(models) == 1


def test_a_model_in_use_by_another_thread_is_never_dropped(
    settings: Settings, own: Callable[[str], str]
) -> None:
    models = Models(within(settings, 1.5))
    paths = [own(name) for name in ("a", "bb", "ccc")]
    began, leave = threading.Event(), threading.Event()
    held: list[int] = []

    def use() -> None:
        loaded = models.get(paths[0], "encode")
        held.append(id(loaded))
        began.set()
        leave.wait(60)

    user = threading.Thread(target=use)
    user.start()
    assert began.wait(60)
    for path in paths[1:]:
        models.get(path, "encode")
    assert id(models.get(paths[0], "encode")) == held[0]
    leave.set()
    user.join(60)


def test_a_model_beyond_the_limit_is_loaded_alone(settings: Settings, own: Callable[[str], str]) -> None:
    models = Models(within(settings, 0.3))
    for name in ("a", "bb"):
        assert models.get(own(name), "encode").name == f"{name}.safetensors"
        assert len(models) == 1


def test_weights_that_models_share_are_kept_and_counted_once(settings: Settings) -> None:
    models = Models(replace(settings, max_models=None))
    encode, toonify = models.get("mobile-1024", "encode"), models.get("mobile-1024", "toonify")
    shared = encode.blocks.keys() & toonify.blocks.keys()
    assert sum(encode.blocks[place] for place in shared) > 0.5 * sum(toonify.blocks.values())
    alone = sum(encode.blocks.values()) + sum(toonify.blocks.values())
    assert models.weight_bytes == alone - sum(encode.blocks[place] for place in shared)


def test_the_number_of_models_can_be_limited_besides(settings: Settings, own: Callable[[str], str]) -> None:
    models = Models(replace(settings, max_models=2))
    for name in ("a", "bb", "ccc"):
        models.get(own(name), "encode")
    assert len(models) == 2

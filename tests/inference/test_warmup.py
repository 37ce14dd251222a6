"""Warming up: once, only where it is allowed, never by a download; what it loads, the first request finds."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from psp.checkpoints import find
from psp.config import Settings
from psp.inference import warmup
from psp.inference.pipeline import PspPipeline
from psp.inference.warmup import Warmth, warm_up


@pytest.fixture
def fresh(tmp_path: Path) -> PspPipeline:
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path))


def test_it_loads_what_a_request_would(fresh: PspPipeline) -> None:
    assert list(warm_up(fresh, "toonify")) == ["model", "faces", "measures"]
    loaded = fresh.network.load("auto", "toonify")
    assert fresh.network.loaded_count == 1
    assert fresh.network.load("auto", "toonify") is loaded
    assert list(warm_up(fresh, "sketch_to_face")) == ["model"]  # a drawing needs no face to be found


def test_mixing_uses_the_model_of_encode(fresh: PspPipeline) -> None:
    list(warm_up(fresh, "style_mix"))
    fresh.network.load("auto", "encode")
    assert fresh.network.loaded_count == 1


def test_it_never_downloads(fresh: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "download", lambda *args, **kwargs: pytest.fail("asked the Hub"), raising=False)
    online = PspPipeline(replace(fresh.settings, offline=False, model="ffhq-1024"))
    assert list(warm_up(online, "encode")) == []
    assert online.network.loaded_count == 0


def test_it_happens_once_and_only_where_it_is_allowed(fresh: PspPipeline) -> None:
    warmth = Warmth(fresh)
    assert not warmth.start("sketch_to_face")
    warmth.allow()
    assert warmth.start("sketch_to_face")
    assert not warmth.start("encode")
    assert warmth.wait(120)
    assert fresh.network.loaded_count == 1


def test_of_many_at_once_one_starts_it(fresh: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "warm_up", lambda pipeline, task: iter(()))
    warmth = Warmth(fresh)
    warmth.allow()
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(warmth.start("encode"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [False] * 7 + [True]


def test_where_a_gpu_is_lent_there_is_nothing_to_do(fresh: PspPipeline) -> None:
    warmth = Warmth(PspPipeline(fresh.settings, accelerate=lambda function, seconds: function))
    warmth.allow()
    assert not warmth.start("encode")


def test_it_ends_when_it_is_stopped(fresh: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    warmth, parts = Warmth(fresh), []

    def load(pipeline: PspPipeline, task: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  (a stand-in)
        for part in ("model", "faces"):
            parts.append(part)
            warmth.stop()
            yield part

    monkeypatch.setattr(warmup, "warm_up", load)
    warmth.allow()
    assert warmth.start("encode") and warmth.wait(10)
    assert parts == ["model"]


def test_what_goes_wrong_is_left_to_the_request(fresh: PspPipeline) -> None:
    broken = PspPipeline(fresh.settings.with_model("/nowhere/model.safetensors"))
    warmth = Warmth(broken)
    warmth.allow()
    assert warmth.start("encode") and warmth.wait(10)
    assert broken.network.loaded_count == 0

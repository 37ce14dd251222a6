"""Results come at the size of the evaluation, with the time of the network alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from psp.evaluation import translate
from psp.evaluation.translate import Translator
from psp.training.galleries import resized
from tests.compact import compact_model


@pytest.mark.parametrize(("own", "measured"), [(128, 128), (256, 256), (1024, 256)])
def test_the_paper_measures_at_256(own: int, measured: int) -> None:
    model: Any = SimpleNamespace(config=SimpleNamespace(generator=SimpleNamespace(size=own)))
    assert Translator(model).size == measured
    assert Translator(model, 64).size == 64  # beside another model


def test_results_are_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    model = compact_model()
    calls: list[int] = []
    monkeypatch.setattr(
        model, "forward", lambda x, detail: calls.append(len(x)) or model.decode(model.encode(x))
    )
    photos = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = Translator(model, 16)(photos)
    with torch.inference_mode():
        wanted = resized(model.decode(model.encode(resized(photos, 32))).clamp(-1.0, 1.0), 16)
    torch.testing.assert_close(made.images, wanted)
    assert calls == [3, 3]  # the first time is not measured


def test_time_is_of_the_warm_network_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 16.0, 100.0, 101.0])
    monkeypatch.setattr(translate.time, "perf_counter", lambda: next(clock))
    run = Translator(compact_model())
    photos = torch.zeros(3, 3, 32, 32)
    assert run(photos).seconds == 2.0
    assert run(photos[:2]).seconds == 0.5

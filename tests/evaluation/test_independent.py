"""The independent judge: what it is shown, what it gives, and what is told where it cannot be had."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from psp.errors import CheckpointError, SettingsError
from psp.evaluation.independent import IndependentJudge


class Network:
    """Stands for OpenVINO's compiled model: the mean colour of nine fields."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, given: list[np.ndarray]) -> dict[str, np.ndarray]:
        (two,) = given
        assert two.shape == (2, 112, 112, 3) and two.dtype == np.float32
        self.seen.append(two)
        return {"out": two[:, 8::32, 8::32].reshape(2, -1) + 2}


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network, shape = (
        Network(),
        SimpleNamespace(partial_shape=SimpleNamespace(to_shape=lambda: (2, 112, 112, 3))),
    )
    model = SimpleNamespace(inputs=[shape], input=lambda index: shape)

    class Core:
        def set_property(self, device: str, values: dict[str, str]) -> None:
            assert (device, values) == ("CPU", {"INFERENCE_PRECISION_HINT": "f32"})

        def read_model(self, path: Path) -> Any:
            if path.read_bytes() == b"bad":
                raise RuntimeError("no model")
            return model

        def compile_model(self, given: Any, device: str) -> Network:
            return network

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=Core))
    return network


@pytest.mark.parametrize(("count", "size"), [(1, 256), (5, 256), (2, 128)])
def test_every_face_has_a_vector_of_length_1(network: Network, tmp_path: Path, count: int, size: int) -> None:
    (tmp_path / "m.tflite").write_bytes(b"good")
    judge = IndependentJudge(tmp_path / "m.tflite")
    faces = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = judge.embed(faces)
    assert found.shape == (count, 48) and np.allclose(np.linalg.norm(found, axis=1), 1)
    assert len(network.seen) == (count + 1) // 2
    assert np.allclose(judge.embed(faces[-1:]), found[-1:])  # whoever else is there


def test_it_sees_the_face_and_not_what_is_around_it(network: Network, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"good")
    faces = torch.ones(1, 3, 256, 256)
    faces[:, :, 35:223, 32:220] = -1
    IndependentJudge(tmp_path / "m.tflite").embed(faces)
    assert np.allclose(network.seen[0], -1, atol=1e-5)


def test_what_is_missing_or_wrong_is_told(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match=r"There is no file gone\.tflite"):
        IndependentJudge(tmp_path / "gone.tflite")
    (tmp_path / "bad.tflite").write_bytes(b"bad")
    with pytest.raises(CheckpointError, match=r"bad\.tflite cannot be read"):
        IndependentJudge(tmp_path / "bad.tflite")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(SettingsError, match="needs the package openvino"):
        IndependentJudge(tmp_path / "bad.tflite")

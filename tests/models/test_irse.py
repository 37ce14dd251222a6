"""The face networks have the layers, names and shapes of the official pSp code."""

from __future__ import annotations

import pytest
import torch

from psp.models.irse import ArcFace, CurricularFace, FaceNetwork, IRSEUnit


def shapes(kind: type[FaceNetwork]) -> dict[str, list[int]]:
    with torch.device("meta"):
        return {name: list(value.shape) for name, value in kind().state_dict().items()}


def test_curricular_face_is_the_official_ir_101() -> None:
    """``IR_101(112)`` of the official ``models/encoders/model_irse.py``: 3, 13, 30 and 3 plain units."""
    found = shapes(CurricularFace)
    assert {int(name.split(".")[1]) for name in found if name.startswith("body.")} == set(range(49))
    depths = [found[f"body.{unit}.res_layer.3.weight"][0] for unit in range(49)]
    assert depths == [64] * 3 + [128] * 13 + [256] * 30 + [512] * 3
    convolutions = {unit for unit in range(49) if f"body.{unit}.shortcut_layer.0.weight" in found}
    assert convolutions == {3, 16, 46}  # where the width changes
    assert not [name for name in found if ".res_layer.5." in name]  # no squeeze-and-excitation
    norm = ("running_mean", "running_var", "num_batches_tracked")
    head = {"0.weight", "0.bias", "3.weight", "3.bias"} | {f"{n}.{s}" for n in (0, 4) for s in norm}
    assert {name.removeprefix("output_layer.") for name in found if name.startswith("output_")} == head
    assert found["output_layer.3.weight"] == [512, 512 * 7 * 7]
    assert found["input_layer.0.weight"] == [64, 3, 3, 3]
    assert len(found) == 7 + 49 * 13 + 3 * 6 + len(head)


def test_arcface_is_the_official_ir_se_50() -> None:
    found = shapes(ArcFace)
    assert {int(name.split(".")[1]) for name in found if name.startswith("body.")} == set(range(24))
    assert found["body.23.res_layer.5.fc1.weight"] == [32, 512, 1, 1]
    assert found["output_layer.4.weight"] == [512]  # this head's last norm has a factor and an offset


@pytest.mark.parametrize("squeeze", [True, False])
def test_a_unit_halves_the_map(squeeze: bool) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unit = IRSEUnit(16, 32, 2, squeeze).eval()
    assert unit(torch.zeros(1, 16, 8, 8)).shape == (1, 32, 4, 4)

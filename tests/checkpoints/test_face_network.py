"""Files of face networks: told apart by their names, loaded strictly, and everything else refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from psp.checkpoints import save_tensors
from psp.checkpoints.face_network import load_face_network
from psp.errors import CheckpointError
from psp.models.irse import ArcFace, CurricularFace, FaceNetwork


@pytest.fixture(scope="module", params=[ArcFace, CurricularFace])
def network(request: pytest.FixtureRequest) -> FaceNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return request.param().eval()


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_which_network_it_is_is_read_from_the_file(network: FaceNetwork, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"anything.{ending}"
    if ending == "pth":
        torch.save(network.state_dict(), path)
    else:
        save_tensors(path, network.state_dict())
    loaded = load_face_network(path)
    assert type(loaded) is type(network)
    assert not loaded.training
    face = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(loaded(face), network(face))


def state() -> dict[str, Tensor]:
    with torch.device("meta"):
        names = CurricularFace().state_dict()
    return {name: torch.zeros(()).expand(value.shape) for name, value in names.items()}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"something": torch.zeros(3)}, "neither ArcFace IR-SE50 nor CurricularFace IR-101"),
        ({"body.0.res_layer.0.weight": torch.zeros(64)}, "neither"),  # one unit
        ({**state(), "output_layer.3.weight": torch.zeros(512, 3)}, "looks like CurricularFace"),
        ({**state(), "output_layer.4.weight": torch.zeros(512)}, "looks like CurricularFace"),  # affine
        ({**state(), "output_layer.3.weight": [0.0]}, "looks like CurricularFace"),
    ],
    ids=["foreign", "too few units", "wrong shape", "a tensor too many", "no tensor"],
)
def test_other_files_are_refused(tensors: dict[str, object], message: str, tmp_path: Path) -> None:
    torch.save(tensors, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=message) as caught:
        load_face_network(tmp_path / "other.pth")
    assert "Give a state dict of ArcFace IR-SE50 or CurricularFace IR-101." in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pth"):
        load_face_network(tmp_path / "nowhere.pth")

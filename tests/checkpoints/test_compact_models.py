"""Models of compact encoders on MobileStyleGAN: files without the face network, loaded as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from psp.checkpoints.load import load_psp
from psp.checkpoints.save import save_psp
from psp.checkpoints.tensors import load_tensors
from psp.errors import CheckpointError
from psp.models.architecture import config_from_json, config_to_json
from psp.models.compact import FACE_WEIGHTS, CompactConfig
from psp.models.irse import Stage
from psp.models.mobile import MobileConfig
from psp.models.psp import PSP, PSPConfig

MOBILE = MobileConfig(size=64, style_dim=8, n_mlp=2, channels=(16, 16, 8, 8))
SHAPES = {
    "photo": {"corrections": 1, "frontal_rank": 2},
    "drawing": {"in_channels": 1, "sight": "drawing"},
    "map": {"in_channels": 19, "sight": "none"},
}


def model(kind: str) -> PSP:
    """A small model with random weights, all but the face network's, which are those of the requirements."""
    encoder = CompactConfig(
        in_size=64, n_codes=MOBILE.n_codes, code_dim=8, width=16, stages=(Stage(16, 1),) * 3, pyramid=16,
        vector=8, coarse=4, medium=7, **SHAPES[kind],  # type: ignore[arg-type]  # one of each
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return PSP(PSPConfig(encoder, MOBILE)).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_model_is_as_it_was_after_saving_and_loading(kind: str, tmp_path: Path) -> None:
    made = model(kind)
    path = tmp_path / "encode.safetensors"
    save_psp(made, path, precision="float32")
    assert not any(key.startswith(FACE_WEIGHTS) for key in load_tensors(path)[0])
    loaded = load_psp(path)
    assert loaded.config == made.config
    theirs = loaded.state_dict()
    for key, value in made.state_dict().items():
        assert key.startswith(FACE_WEIGHTS) or torch.equal(theirs[key], value), key
    images = torch.rand(2, made.config.encoder.in_channels, 64, 64)
    codes = loaded.encode(images)
    assert codes.shape == (2, MOBILE.n_codes, 8)
    assert loaded.decode(codes).shape == (2, 3, 64, 64)
    assert torch.equal(load_psp(path).encode(images), codes)
    save_psp(loaded, tmp_path / "again.safetensors", precision="float32")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", SHAPES)
def test_the_shape_is_the_same_after_writing_and_reading(kind: str) -> None:
    config = model(kind).config
    text = config_to_json(config)
    assert config_from_json(text) == config
    with pytest.raises(CheckpointError, match="encoder"):
        config_from_json(text.replace('"compact"', '"gradual"'))
    with pytest.raises(CheckpointError, match="generator"):
        config_from_json(text.replace('"mobile"', '"other"'))

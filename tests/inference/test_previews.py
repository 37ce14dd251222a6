"""Previews: by heads where they fit the generator, by the generator elsewhere; and as jobs of the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from psp.checkpoints import save_psp
from psp.config import Settings
from psp.inference import previews as room
from psp.inference.network import Network, Work
from psp.inference.previews import decode_preview
from psp.models.compact import CompactConfig
from psp.models.irse import Stage
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.preview import PreviewConfig, Previews
from psp.models.psp import PSP, PSPConfig

SMALL = MobileConfig(size=64, style_dim=32, n_mlp=2, channels=(32, 32, 16, 16))
ENCODER = CompactConfig(
    in_size=64, n_codes=SMALL.n_codes, code_dim=32, width=16, stages=(Stage(16, 1),) * 3, pyramid=16,
    vector=8, coarse=2, medium=4, sight="none",
)  # fmt: skip


@pytest.fixture(scope="module")
def psp() -> PSP:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return PSP(PSPConfig(ENCODER, SMALL)).eval().requires_grad_(False)


@pytest.fixture
def heads(psp: PSP, monkeypatch: pytest.MonkeyPatch) -> Previews:
    """Heads of 16 px that fit the small model."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        made = Previews(PreviewConfig(SMALL, ((16, 8),))).eval().requires_grad_(False)
    assert isinstance(psp.decoder, MobileGenerator)
    made.mark.copy_(psp.decoder.to_bands.weight)
    monkeypatch.setattr(room, "_previews", made.to)
    return made


def codes() -> Tensor:
    return torch.randn(2, SMALL.n_codes, 32, generator=torch.Generator().manual_seed(0))


def test_heads_are_used_where_they_fit(psp: PSP, heads: Previews) -> None:
    assert torch.equal(decode_preview(psp.decoder, codes(), 16), heads(psp.decoder, codes(), 16))
    assert torch.equal(decode_preview(psp.decoder, codes(), 32), psp.decode(codes(), 32))
    heads.mark.mul_(1.1)
    assert torch.equal(decode_preview(psp.decoder, codes(), 16), psp.decode(codes(), 16))


def test_the_bundled_heads_do_not_touch_other_generators(psp: PSP) -> None:
    room._previews.cache_clear()
    assert torch.equal(decode_preview(psp.decoder, codes(), 32), psp.decode(codes(), 32))


def test_a_job_asks_for_previews_by_their_size(psp: PSP, heads: Previews, tmp_path: Path) -> None:
    path = tmp_path / "encode.safetensors"
    save_psp(psp, path, precision="float32", info={"task": "encode"})
    network = Network(Settings(cache_dir=tmp_path, device="cpu"))
    given = codes().numpy()
    same, small, *_ = network.run(Work(str(path), "encode", codes=given, size=16))
    assert np.array_equal(same, given)
    assert np.allclose(small, heads(psp.decoder, codes(), 16).numpy(), atol=1e-5)
    _, large, *_ = network.run(Work(str(path), "encode", codes=given))
    assert large.shape == (2, 3, 64, 64)


def test_a_face_between_two_models_has_a_small_picture_too(psp: PSP, heads: Previews, tmp_path: Path) -> None:
    for task in ("encode", "toonify"):
        save_psp(psp, tmp_path / f"{task}.safetensors", precision="float32", info={"task": task})
    network = Network(Settings(cache_dir=tmp_path, device="cpu"))
    given = codes().numpy()[:1]
    _, small, *_ = network.run(Work(str(tmp_path), "toonify", codes=given, strength=0.5, size=32))
    assert np.allclose(small, psp.decode(codes()[:1], 32).numpy(), atol=1e-5)
    _, plain, *_ = network.run(Work(str(tmp_path), "toonify", codes=given, strength=0.0, size=16))
    assert np.allclose(plain, heads(psp.decoder, codes()[:1], 16).numpy(), atol=1e-5)

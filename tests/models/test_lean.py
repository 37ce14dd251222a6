"""The way that costs less on a CPU: the numbers of the plain way, from the same modules."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from psp.models.compact import CompactConfig
from psp.models.encoder import EncoderConfig, EncoderKind
from psp.models.encoders import build_encoder
from psp.models.generator import Generator, GeneratorConfig
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.ops import is_lean
from psp.models.preview import PreviewConfig, Previews

_MOBILE = MobileConfig(size=256, style_dim=32, n_mlp=1, channels=(32, 32, 32, 16, 16, 8))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(5)


def ready(module: torch.nn.Module) -> torch.nn.Module:
    """Return a module for inference, whose numbers are all different from where they start."""
    with torch.no_grad():
        for value in (*module.parameters(), *module.buffers()):
            if value.is_floating_point() and value.dim() == 1:
                value.add_(0.3 * torch.rand_like(value))
            elif value.shape[:2] == (1, 1):  # stored noise
                value.add_(0.2 * torch.randn_like(value))
    return module.eval().requires_grad_(False)


def both(work: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    """Return what is made the plain way, where gradients could be taken, and the lean way."""
    with torch.enable_grad():
        plain = work()
    with torch.inference_mode():
        return plain, work()


def assert_same(plain: Tensor, lean: Tensor) -> None:
    """Hold that they differ by rounding: under 1e-4 of the deviation."""
    assert plain.shape == lean.shape
    assert float((plain - lean).abs().max()) < 1e-4 * float(plain.std())
    assert float(plain.std()) > 0


@pytest.mark.parametrize("size", [None, 16])
@pytest.mark.parametrize("batch", [1, 3])
def test_stylegan2_decodes_the_same(batch: int, size: int | None) -> None:
    generator = ready(Generator(GeneratorConfig(size=64, style_dim=32, channels=(32, 32, 32, 16, 8))))
    codes = torch.randn(batch, 10, 32)
    assert_same(*both(lambda: generator(codes, size)))


@pytest.mark.parametrize("size", [None, 128, 64])
@pytest.mark.parametrize("batch", [1, 3])
def test_mobile_stylegan_decodes_the_same_with_what_is_added(batch: int, size: int | None) -> None:
    generator = ready(MobileGenerator(_MOBILE))
    codes = torch.randn(batch, _MOBILE.n_codes, 32)
    added = {64: torch.randn(batch, 16, 64, 64), 128: torch.randn(1, 8, 128, 128)}
    assert_same(*both(lambda: generator(codes, size, added)))
    assert_same(*both(lambda: generator(codes, size)))


def test_what_is_added_stays_as_it_is() -> None:
    generator = ready(MobileGenerator(_MOBILE))
    added = {64: torch.randn(1, 16, 64, 64)}
    before = added[64].clone()
    with torch.inference_mode():
        first = generator(torch.ones(1, _MOBILE.n_codes, 32), None, added)
        second = generator(torch.ones(1, _MOBILE.n_codes, 32), None, added)
    assert torch.equal(added[64], before) and torch.equal(first, second)


def test_previews_are_the_same() -> None:
    heads = ready(Previews(PreviewConfig(generator=_MOBILE, widths=((128, 12),))))
    generator = ready(MobileGenerator(_MOBILE))
    codes = torch.randn(2, _MOBILE.n_codes, 32)
    assert_same(*both(lambda: heads(generator, codes, 128)))
    assert_same(*both(lambda: heads(generator, codes[:1], 128)))


@pytest.mark.parametrize("kind", ["gradual", "e4e", "w", "w_plus"])
@pytest.mark.parametrize("size", [64, pytest.param(256, marks=pytest.mark.slow)])
def test_official_encoders_answer_the_same(kind: EncoderKind, size: int) -> None:
    if kind == "w_plus" and size != 256:
        pytest.skip("its layers are for 256 px")
    encoder = ready(build_encoder(EncoderConfig(kind=kind, in_size=size, n_codes=4, coarse=1, medium=2)))
    photos = torch.randn(2, 3, size, size)
    assert_same(*both(lambda: encoder(photos)))


def test_the_compact_encoder_answers_the_same() -> None:
    encoder = ready(build_encoder(CompactConfig(sight="none")))
    photos = torch.randn(1, 3, 256, 256)
    assert_same(*both(lambda: encoder(photos)))


def test_gradients_go_the_plain_way() -> None:
    generator = Generator(GeneratorConfig(size=16, style_dim=8, channels=(8, 8, 8)))
    codes = torch.randn(1, 6, 8, requires_grad=True)
    assert not is_lean(codes)
    generator(codes).square().sum().backward()
    assert codes.grad is not None and bool(codes.grad.abs().sum() > 0)

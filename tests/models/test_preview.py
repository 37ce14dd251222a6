"""Preview heads: which codes each reads, which generator they fit, and the numbers that the recipe gave."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from psp.checkpoints.small_networks import load_previews
from psp.models.generator import Generator, GeneratorConfig
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.preview import PreviewConfig, PreviewHead, Previews

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "parts.npz")
SMALL = MobileConfig(size=64, style_dim=32, n_mlp=2, channels=(32, 32, 16, 16))


@pytest.fixture
def generator() -> MobileGenerator:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return MobileGenerator(SMALL).requires_grad_(False)


@pytest.fixture
def previews(generator: MobileGenerator) -> Previews:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        made = Previews(PreviewConfig(SMALL, ((16, 8), (32, 8)))).requires_grad_(False)
    made.mark.copy_(generator.to_bands.weight)
    return made


def codes(count: int = 2) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(count, SMALL.n_codes, SMALL.style_dim, generator=draw)


def sines(shape: tuple[int, ...], step: float, height: float) -> Tensor:
    """Numbers that any machine makes alike."""
    places = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return (torch.sin(places * step) * height).float().reshape(shape)


@pytest.mark.parametrize(("size", "channels"), [(256, 256)])
@torch.inference_mode()
def test_the_stored_heads_give_what_the_recipe_gave(size: int, channels: int) -> None:
    head = load_previews().heads[str(size)]
    made = head(sines((1, channels, size // 2, size // 2), 0.7, 1.0), sines((1, 23, 512), 1.3, 0.5))
    assert made.shape == (1, 3, size, size)
    step = size // 16
    np.testing.assert_allclose(made[0, :, ::step, ::step].numpy(), GOLDEN[f"preview_{size}"], atol=1e-3)


@pytest.mark.parametrize(
    ("size", "starts"),
    [(128, (13, 14, 17, 20, 23)), (256, (16, 17, 19, 21, 23)), (512, (19, 20, 21, 22, 23))],
)
def test_the_later_codes_are_dealt_out_in_order(size: int, starts: tuple[int, ...]) -> None:
    with torch.device("meta"):
        assert PreviewHead(MobileConfig(), size, 8).starts == starts


@pytest.mark.parametrize("size", [16, 32])
def test_every_code_counts_and_gradients_reach_it(
    previews: Previews, generator: MobileGenerator, size: int
) -> None:
    given = codes().requires_grad_()
    made = previews(generator, given, size)
    assert made.shape == (2, 3, size, size)
    made.square().mean().backward()
    assert given.grad is not None
    assert (given.grad.abs().sum(dim=2) > 0).all()
    assert torch.allclose(previews(generator, codes()[1:], size), made[1:], atol=1e-5)


def test_sizes_that_no_features_have_are_refused(previews: Previews, generator: MobileGenerator) -> None:
    assert previews.sizes == (16, 32)
    with pytest.raises(AssertionError, match="64 px is none of"):
        previews(generator, codes(), 64)
    with pytest.raises(AssertionError, match="can be had"):
        PreviewConfig(SMALL, ((128, 8),))


def test_heads_fit_the_generator_that_was_distilled_and_no_other(
    previews: Previews, generator: MobileGenerator
) -> None:
    assert previews.fits(generator)
    rounded = copy.deepcopy(generator).half()
    assert previews.fits(rounded)
    tuned = copy.deepcopy(generator)
    tuned.to_bands.weight.mul_(1.05)
    assert not previews.fits(tuned)
    assert not previews.fits(MobileGenerator(MobileConfig(32, 32, 2, (32, 32, 16))))
    assert not previews.fits(Generator(GeneratorConfig(size=16, channels=(8, 8, 8), style_dim=32, n_mlp=2)))

"""The discriminator: shapes, blur downsampling, the minibatch deviation, scale at the start."""

from __future__ import annotations

import pytest
import torch

from psp.models.discriminator import Discriminator, DiscriminatorConfig, halve, minibatch_deviation
from psp.models.ops import blur_kernel, filter2d

CONFIG = DiscriminatorConfig(size=16, channels=(8, 8, 8))


def discriminator(config: DiscriminatorConfig = CONFIG) -> Discriminator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(config)


def pictures(count: int, seed: int = 0, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_every_picture_gets_one_score() -> None:
    scores = discriminator()(pictures(6))
    assert scores.shape == (6,)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(AssertionError):
        discriminator()(pictures(2, size=32))


def test_halving_equals_filtering_and_slicing() -> None:
    x = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    kernel = blur_kernel()
    # With padding (2, 2) the output pixel 1 is centred where padding 1 has its pixel 0.
    wanted = filter2d(x, kernel, pad=(2, 2))[:, :, 1:-1:2, 1:-1:2]
    torch.testing.assert_close(halve(x, kernel), wanted)
    assert torch.allclose(halve(torch.ones(1, 1, 8, 8), kernel)[0, 0, 1:-1, 1:-1], torch.ones(2, 2))


def test_the_deviation_of_a_group_by_hand() -> None:
    x = torch.zeros(4, 2, 3, 3)
    x[:2] = 2.0  # values 2, 2, 0, 0: mean 1, deviation 1 everywhere
    out = minibatch_deviation(x)
    assert out.shape == (4, 3, 3, 3)
    torch.testing.assert_close(out[:, :2], x)
    torch.testing.assert_close(out[:, 2], torch.ones(4, 3, 3))


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 8])
def test_every_batch_has_groups_and_equal_pictures_deviate_by_nothing(batch: int) -> None:
    out = minibatch_deviation(torch.ones(batch, 2, 4, 4))
    assert out.shape == (batch, 3, 4, 4)
    assert out[:, 2].abs().max() <= 1.01e-4  # the root of what keeps it differentiable


def test_a_picture_is_judged_by_its_company() -> None:
    network = discriminator()
    with torch.no_grad():
        network.conv.bias.zero_()  # type: ignore[union-attr]  # it has one
        first = pictures(1)
        among_copies = network(first.expand(4, -1, -1, -1))
        among_others = network(torch.cat([first, pictures(3, seed=1)]))
    torch.testing.assert_close(among_copies, among_copies[:1].expand(4))
    assert (among_copies[0] - among_others[0]).abs() > 1e-4


def test_the_signal_keeps_its_size_on_the_way() -> None:
    # Equalised learning rate: the variance stays near that of the input, whatever the widths.
    network = discriminator(DiscriminatorConfig(size=32, channels=(48, 32, 24, 16)))
    with torch.no_grad():
        x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        features = network.blocks(network.from_rgb(x))
    assert 0.2 < float(features.square().mean().sqrt()) < 2.0


@pytest.mark.parametrize(("size", "channels"), [(24, (8, 8, 8)), (16, (8, 8)), (4, (8,))])
def test_an_impossible_shape_is_refused(size: int, channels: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        DiscriminatorConfig(size, channels)

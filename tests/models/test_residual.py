"""The network for likeness: what it adds is bounded, has its place, and belongs to one generator."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from psp.models.generators import build_generator
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.residual import FeatureResidual, ResidualConfig

SHAPE = MobileConfig(size=512, style_dim=8, n_mlp=1, channels=(16, 16, 16, 16, 16, 8, 8))
CONFIG = ResidualConfig(SHAPE, fine=4, coarse=6, deep=8)


@pytest.fixture
def generator() -> MobileGenerator:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = build_generator(SHAPE).requires_grad_(False)
    assert isinstance(made, MobileGenerator)
    return made


@pytest.fixture
def network(generator: MobileGenerator) -> FeatureResidual:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        made = FeatureResidual(CONFIG).requires_grad_(False)
    made.mark.copy_(generator.to_bands.weight)
    return made


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_details_have_the_shapes_that_are_told(network: FeatureResidual) -> None:
    made = network.details(drawn(2, 3, 256, 256), drawn(2, 3, 256, 256), drawn(2, 16, 64, 64))
    assert tuple(tuple(each.shape[1:]) for each in made) == CONFIG.shapes


def test_what_is_added_stays_within_three_deviations_of_a_channel(network: FeatureResidual) -> None:
    network.spread64.fill_(0.5)
    coarse, fine = (1e6 * drawn(1, *shape) for shape in CONFIG.shapes)
    added = network.additions(coarse, fine)
    assert {side: tuple(each.shape) for side, each in added.items()} == {
        64: (1, 16, 64, 64), 128: (1, 8, 128, 128)
    }  # fmt: skip
    assert added[64].abs().max() <= 1.5
    assert added[128].abs().max() <= 3.0


def test_the_generator_adds_it_where_it_is_and_nothing_where_it_is_nothing(
    generator: MobileGenerator,
) -> None:
    codes = drawn(1, SHAPE.n_codes, SHAPE.style_dim)
    plain = generator(codes)
    nothing = {64: torch.zeros(1, 16, 64, 64), 128: torch.zeros(1, 8, 128, 128)}
    assert torch.equal(generator(codes, None, nothing), plain)
    spot = {**nothing, 128: torch.zeros(1, 8, 128, 128)}
    spot[128][..., 20:24, 40:44] = 1.0
    changed = (generator(codes, None, spot) - plain).abs().amax(dim=(0, 1)) > 0
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert len(rows)
    assert 16 * 4 <= int(rows.min()) <= int(rows.max()) < 28 * 4
    assert 36 * 4 <= int(columns.min()) <= int(columns.max()) < 48 * 4


def test_it_fits_one_generator(generator: MobileGenerator, network: FeatureResidual) -> None:
    assert network.fits(generator)
    with torch.no_grad():
        generator.to_bands.weight.mul_(1.1)
    assert not network.fits(generator)
    assert not network.fits(build_generator(MobileConfig(16, 8, 1, (16, 16))))


def test_a_mixture_keeps_nothing_of_another_shape_and_most_under_new_colours(
    network: FeatureResidual,
) -> None:
    before = drawn(1, 16, 64, 64)
    assert torch.equal(network.kept_mixed(before, before, before), torch.ones(1, 1, 64, 64))
    assert not network.kept_mixed(before, before + 1, before + 1).any()
    # Half a mean square of new colours: exp(-0.5 / 0.6).
    coloured = network.kept_mixed(before, before + 0.5**0.5, before)
    assert torch.allclose(coloured, torch.full_like(coloured, 0.4346), atol=1e-3)
    corner = before.clone()
    corner[..., :8, :8] += 2.0
    kept = network.kept_mixed(before, corner, corner)
    assert kept[..., :6, :6].max() < 1e-3 and kept[..., 20:, 20:].min() > 0.99

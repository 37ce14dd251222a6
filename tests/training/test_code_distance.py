"""The distance of codes: 0 for equal codes, 1.1 for the average code, as the generator sees it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from psp.models.mobile import MobileConfig
from psp.models.psp import PSPConfig
from psp.training.code_distance import CodeDistance
from tests.compact import compact_config, compact_model


@pytest.fixture(scope="module")
def codes() -> torch.Tensor:
    return torch.randn(64, 8, 32, generator=torch.Generator().manual_seed(0)) + 0.5


@pytest.fixture(scope="module", params=["stylegan2", "mobile"])
def distance(codes: torch.Tensor, request: pytest.FixtureRequest) -> CodeDistance:
    config = compact_config()
    if request.param == "mobile":
        mobile = MobileConfig(size=32, style_dim=32, n_mlp=2, channels=(16, 16, 8))
        config = PSPConfig(dataclasses.replace(config.encoder, n_codes=mobile.n_codes), mobile)
    return CodeDistance(compact_model(config).decoder, codes)


def test_equal_codes_cost_nothing_and_the_average_code_costs_as_much_as_codes_differ(
    distance: CodeDistance, codes: torch.Tensor
) -> None:
    assert float(distance(codes, codes)) == 0.0
    average = codes.mean(dim=0, keepdim=True).expand_as(codes)
    assert float(distance(average, codes)) == pytest.approx(1.1, rel=1e-3)


def test_what_the_generator_does_not_read_counts_by_the_plain_code_alone(
    distance: CodeDistance, codes: torch.Tensor
) -> None:
    matrix = distance.affine[0]
    _, values, directions = torch.linalg.svd(matrix, full_matrices=True)
    unread = directions[len(values)]  # 16 channels read codes of 32 numbers
    moved, plain = codes.clone(), float((10.0 * unread).square().mean() / distance.plain[0] / 8)
    moved[:, 0] += 10.0 * unread
    assert float(distance(moved, codes)) == pytest.approx(0.1 * plain, rel=1e-3)
    moved[:, 0] = codes[:, 0] + 10.0 * directions[0]
    assert float(distance(moved, codes)) > 0.2 * plain


def test_the_generator_gets_no_gradient(distance: CodeDistance) -> None:
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_a_layer_that_leaves_its_code_unread_is_no_trouble(codes: torch.Tensor) -> None:
    generator = compact_model().decoder
    generator.conv1.conv.modulation.weight.data.zero_()
    distance = CodeDistance(generator, codes)
    assert float(distance(codes, codes)) == 0.0
    assert 0 < float(distance(codes + 0.1, codes)) < 100

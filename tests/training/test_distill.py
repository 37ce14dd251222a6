"""The loss against a teacher's codes: 0 for equal codes, 1 for the average code, as the generator sees it."""

from __future__ import annotations

import pytest
import torch

from psp.training.distill import CodeLoss
from tests.compact import compact_config, compact_model


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(24, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def loss(images: torch.Tensor) -> CodeLoss:
    return CodeLoss(compact_model(compact_config(n_mlp=0)), [images])


def test_equal_codes_cost_nothing_and_the_average_code_costs_one(
    loss: CodeLoss, images: torch.Tensor
) -> None:
    wanted = loss.wanted(images)
    assert float(loss(wanted, wanted)) == 0.0
    average = wanted.mean(dim=0, keepdim=True).expand_as(wanted)
    assert float(loss(average, wanted)) == pytest.approx(1.0, rel=1e-3)


def test_what_the_generator_does_not_read_does_not_count(loss: CodeLoss, images: torch.Tensor) -> None:
    wanted = loss.wanted(images)
    matrix = loss.affine[0]
    _, values, directions = torch.linalg.svd(matrix, full_matrices=True)
    unread = directions[len(values)]  # 16 channels read codes of 32 numbers
    moved = wanted.clone()
    moved[:, 0] += 10.0 * unread
    assert float(loss(moved, wanted)) == pytest.approx(0.0, abs=1e-6)
    moved[:, 0] = wanted[:, 0] + 10.0 * directions[0]
    assert float(loss(moved, wanted)) > 0.1


def test_the_teacher_is_not_trained(loss: CodeLoss) -> None:
    assert not any(parameter.requires_grad for parameter in loss.parameters())

"""Ranger against its papers, computed here once more, number by number."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from psp.training.ranger import Ranger

B1, B2, EPS, LR = 0.95, 0.999, 6.1e-5, 1e-2


def by_hand(start: np.ndarray, gradients: list[np.ndarray], centre: bool) -> list[np.ndarray]:
    """RAdam (algorithm 2), Lookahead (algorithm 1; k = 6, alpha = 0.5), centred gradients (equation 1)."""
    weights, slow = start.copy(), start.copy()
    m, v = np.zeros_like(start), np.zeros_like(start)
    longest = 2 / (1 - B2) - 1
    out = []
    for t, given in enumerate(gradients, start=1):
        g = given - given.mean(axis=tuple(range(1, given.ndim)), keepdims=True) if centre else given
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g * g
        length = longest - 2 * t * B2**t / (1 - B2**t)
        mean = m / (1 - B1**t)
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            # The field's code adds eps to the root before its bias is corrected.
            weights = weights - LR * math.sqrt(r) * mean * math.sqrt(1 - B2**t) / (np.sqrt(v) + EPS)
        else:
            weights = weights - LR * mean
        if t % 6 == 0:
            slow = slow + 0.5 * (weights - slow)
            weights = slow.copy()
        out.append(weights)
    return out


@pytest.mark.parametrize("shape", [(3, 2, 3, 3), (4, 3), (5,)])
def test_every_step_is_that_of_the_papers(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    start = rng.standard_normal(shape)
    gradients = [rng.standard_normal(shape) for _ in range(20)]
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = Ranger([parameter], lr=LR)
    for wanted, gradient in zip(by_hand(start, gradients, centre=len(shape) > 1), gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        torch.testing.assert_close(parameter.detach(), torch.from_numpy(wanted), rtol=1e-9, atol=1e-12)


def test_it_goes_on_exactly_from_its_state() -> None:
    rng = np.random.default_rng(1)
    gradients = [torch.from_numpy(rng.standard_normal((3, 4))) for _ in range(14)]

    def go(optimizer: Ranger, parameter: torch.nn.Parameter, steps: range) -> None:
        for step in steps:
            parameter.grad = gradients[step].clone()
            optimizer.step()

    whole = torch.nn.Parameter(torch.ones(3, 4, dtype=torch.float64))
    optimizer = Ranger([whole])
    go(optimizer, whole, range(8))
    resumed = torch.nn.Parameter(whole.detach().clone())
    other = Ranger([resumed])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    go(optimizer, whole, range(8, 14))
    go(other, resumed, range(8, 14))
    assert torch.equal(whole, resumed)
    assert not torch.equal(whole, torch.ones_like(whole))


def test_parameters_without_a_gradient_stay() -> None:
    used, unused = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    optimizer = Ranger([used, unused])
    used.grad = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    optimizer.step()
    assert unused.eq(1.0).all() and not used.eq(1.0).all()

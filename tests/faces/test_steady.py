"""Values over time: less noise, no lag, movements stay, by time and not by frames."""

from __future__ import annotations

import numpy as np
import pytest

from psp.faces.steady import steadied

TIMES = np.arange(40) / 25


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_what_is_a_polynomial_of_the_degree_stays(degree: int) -> None:
    values = (TIMES**degree)[:, None] * np.array([[1.0, -3.0]])
    made = steadied(TIMES, values, TIMES, 0.12, degree)
    assert np.abs(made - values).max() < 0.01


def test_noise_goes_and_a_turning_head_does_not_lag() -> None:
    true = 30 * np.sin(2 * np.pi * 0.7 * TIMES)
    noise = np.random.default_rng(0).normal(0, 1.0, len(TIMES))
    made = steadied(TIMES, true + noise, TIMES, 0.12, 2)
    inner = slice(5, -5)  # at the ends a parabola has neighbours on one side alone
    assert (made - true)[inner].std() < 0.75 * noise.std()
    still = steadied(TIMES, noise, TIMES, 0.12, 2)
    assert np.diff(still)[inner].std() < 0.3 * np.diff(noise).std()
    # What is usual, the plain mean of the neighbours, cuts off the turns.
    assert np.abs(steadied(TIMES, true, TIMES, 0.12, 0) - true).max() > 2.5


def test_time_counts_and_not_the_number_of_frames() -> None:
    twice = np.arange(80) / 50
    slow = steadied(TIMES, np.sin(9 * TIMES), TIMES, 0.12, 1)
    fast = steadied(twice, np.sin(9 * twice), TIMES, 0.12, 1)
    assert np.abs(slow - fast)[5:-5].max() < 0.02


def test_few_values_and_moments_far_from_them_give_no_wild_ones() -> None:
    assert steadied(np.zeros(1), np.full((1, 3), 7.0), TIMES, 0.12, 2) == pytest.approx(7.0)
    far = steadied(np.array([0.0, 0.04]), np.array([1.0, 1.1]), np.array([9.0]), 0.12, 1)
    assert 0.5 < float(far[0]) < 2

"""Variants: seeds that do not depend on how many there are, even steps, limits in words."""

from __future__ import annotations

import numpy as np
import pytest

from psp.codes.variants import plan_even_steps, plan_random_styles
from psp.errors import InputError
from psp.parameters import MAX_SEED

LAYERS = (4, *(8 << index // 2 for index in range(16)), 1024)


def test_a_variant_has_the_style_of_its_own_seed_however_many_there_are() -> None:
    four = plan_random_styles(4, 7, "auto", 1.0, LAYERS, 512)
    alone = plan_random_styles(1, 9, "auto", 1.0, LAYERS, 512)
    assert four.z is not None and alone.z is not None
    assert np.array_equal(four.z[2], alone.z[0])
    assert not np.array_equal(four.z[0], four.z[1])
    assert abs(float(four.z.mean())) < 0.1
    assert 0.9 < float(four.z.std()) < 1.1


def test_a_negative_seed_is_chosen_by_chance_and_told() -> None:
    plans = [plan_random_styles(2, -1, "auto", 1.0, LAYERS, 64) for _ in range(3)]
    assert len({plan.seed for plan in plans}) > 1
    for plan in plans:
        assert plan.settings()["seed"] == plan.seed
        again = plan_random_styles(2, int(plan.seed or 0), "auto", 1.0, LAYERS, 64)
        assert np.array_equal(np.asarray(plan.z), np.asarray(again.z))


def test_the_first_variant_can_stay_plain() -> None:
    plan = plan_random_styles(3, 0, "features", 0.5, LAYERS, 64, plain_first=True)
    assert plan.z is not None
    assert np.isnan(plan.z[0]).all() and np.isfinite(plan.z[1:]).all()


def test_a_style_picture_comes_in_even_steps() -> None:
    plan = plan_even_steps(4, "8-", 0.8, LAYERS)
    assert plan.alphas == pytest.approx((0.2, 0.4, 0.6, 0.8))
    assert plan_even_steps(1, "8-", 0.8, LAYERS).alphas == (0.8,)
    assert plan.settings() == {"layers": "8-17", "alpha": 0.8, "variants": 4}


@pytest.mark.parametrize("count", [0, -1, 17])
def test_too_many_or_no_variants_are_refused(count: int) -> None:
    with pytest.raises(InputError, match="variants"):
        plan_random_styles(count, 0, "auto", 1.0, LAYERS, 64)


def test_a_seed_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        plan_random_styles(2, MAX_SEED, "auto", 1.0, LAYERS, 64)
    assert plan_random_styles(1, MAX_SEED, "auto", 1.0, LAYERS, 64).seed == MAX_SEED


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha"):
        plan_random_styles(1, 0, "auto", alpha, LAYERS, 64)


def test_shares_are_kept_for_the_recipe() -> None:
    plan = plan_even_steps(2, "pose:0.5,8-", 0.8, LAYERS)
    assert (
        plan.settings()["layers"]
        == "0-2:0.5,8-17"
        == plan_even_steps(2, str(plan.settings()["layers"]), 0.8, LAYERS).settings()["layers"]
    )
    assert plan_random_styles(1, 0, "all:0", 1.0, LAYERS, 64).settings()["layers"] == "0-17:0"

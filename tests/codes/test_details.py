"""Details of a photo beside its codes: 8 bits, back as they were, and refused where they are damaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from psp.codes.details import Details, details_of
from psp.codes.latents import codes_from_bytes, codes_to_bytes
from psp.codes.recipe import Recipe
from psp.errors import InputError

RECIPE = Recipe("encode", "mobile-1024", "0" * 64, {"likeness": "exact"})
CODES = np.zeros((3, 8), np.float32)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)


@pytest.fixture
def details() -> Details:
    return details_of(numbers(5, 4, 4), numbers(6, 8, 8))


def test_they_are_off_by_half_a_step_at_most_and_channels_of_nothing_stay_so() -> None:
    given = numbers(5, 4, 4)
    given[2] = 0
    kept = details_of(given, given).coarse
    assert kept.steps.dtype == np.int8
    assert (np.abs(kept.numbers() - given) <= kept.scales[:, None, None] * 0.5001).all()
    assert not kept.numbers()[2].any()


def test_a_file_gives_them_back_and_is_the_same_every_time(details: Details) -> None:
    data = codes_to_bytes(CODES, RECIPE, details=details)
    assert data == codes_to_bytes(CODES, RECIPE, details=details)
    read = codes_from_bytes(data)
    assert read.recipe == RECIPE
    assert read.details is not None
    for kind in ("coarse", "fine"):
        kept, back = getattr(details, kind), getattr(read.details, kind)
        assert np.array_equal(kept.steps, back.steps)
        assert np.array_equal(kept.scales, back.scales)
    assert codes_from_bytes(codes_to_bytes(CODES, RECIPE)).details is None


@pytest.mark.parametrize(
    "damage",
    [
        {"fine": None},
        {"coarse.scale": None},
        {"coarse": np.zeros((5, 4), np.int8)},
        {"coarse": np.zeros((5, 4, 4), np.float32)},
        {"coarse.scale": np.zeros(4, np.float32)},
        {"coarse.scale": np.zeros(5, np.float64)},
        {"fine.scale": np.full(6, np.nan, np.float32)},
        {"fine.scale": np.full(6, 1e30, np.float32)},
    ],
)
def test_damaged_ones_are_refused(details: Details, damage: dict[str, Any]) -> None:
    tensors = {**load(codes_to_bytes(CODES, RECIPE, details=details)), **damage}
    data = save({name: array for name, array in tensors.items() if array is not None})
    with pytest.raises(InputError, match="details beside the codes are damaged"):
        codes_from_bytes(data)

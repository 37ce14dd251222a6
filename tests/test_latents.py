"""Codes as files: exact, deterministic, and nothing else accepted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from psp.errors import InputError
from psp.latents import codes_from_bytes, codes_to_bytes

CODES = np.random.default_rng(0).standard_normal((12, 512)).astype(np.float32)


def test_codes_come_back_exactly_and_their_file_is_always_the_same() -> None:
    data = codes_to_bytes(CODES, "portraits-128")
    assert np.array_equal(codes_from_bytes(data), CODES)
    assert codes_to_bytes(CODES.copy(), "portraits-128") == data


def test_several_variants_keep_their_shape() -> None:
    variants = np.stack([CODES, -CODES])
    assert np.array_equal(codes_from_bytes(codes_to_bytes(variants, "m")), variants)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not safetensors",
        pickle.dumps({"codes": [1, 2, 3]}),
        save({"other": CODES}),
        save({"codes": CODES[0]}),
        save({"codes": CODES.astype(np.int32)}),
        save({"codes": np.full_like(CODES, np.nan)}),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        codes_from_bytes(data)

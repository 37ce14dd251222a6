"""Weights that no training leaves: NaN, infinity, or numbers out of all proportion."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from psp.errors import CheckpointError

_ABSURD = 1e12
"""No weight or statistic of a trained network comes near; a flipped bit of an exponent goes far beyond."""


def require_sound(name: str, tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that hold NaN, infinity, or numbers beyond 10¹².

    Args:
        name: Name of the file that they come from, for the error.
        tensors: The weights; integers are passed over.

    Raises:
        CheckpointError: Some do; says which.
    """
    bad = [key for key, value in tensors.items() if not _is_sound(value)]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise CheckpointError(
            f"{name} holds weights that are no numbers or absurdly large, in {bad[0]}{more}.",
            "It is damaged, or its training broke down: get the file again, or take an earlier state.",
        )


@torch.no_grad()
def _is_sound(value: Tensor) -> bool:
    if not value.is_floating_point() or value.numel() == 0:
        return True
    low, high = (float(end) for end in torch.aminmax(value))  # NaN and infinity come through
    return math.isfinite(low) and math.isfinite(high) and max(-low, high) <= _ABSURD

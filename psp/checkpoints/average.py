"""The average code of a generator: the mean of what its mapping network makes of random z."""

from __future__ import annotations

import torch
from torch import Tensor

from psp.models.generators import AnyGenerator

_SAMPLES = 100_000  # as many as the official code averages
_AT_ONCE = 10_000


@torch.no_grad()
def average_code(generator: AnyGenerator, samples: int = _SAMPLES) -> Tensor:
    """Return the mean w [style_dim] of ``samples`` random z, always the same ones."""
    draw = torch.Generator().manual_seed(0)
    total = torch.zeros(generator.config.style_dim, dtype=torch.float64)
    for _ in range(samples // _AT_ONCE):
        z = torch.randn(_AT_ONCE, generator.config.style_dim, generator=draw)
        total += generator.map(z).double().sum(dim=0)
    return (total / samples).float()

"""Random weights for the start of a training; none where a model is laid out to take those of a file."""

from __future__ import annotations

import torch
from torch import Tensor


def drawn(*shape: int, over: float = 1.0) -> Tensor:
    """Return normal numbers [shape], divided by ``over``.

    On the "meta" device nothing is drawn, and nothing divided: for either, PyTorch 2.13 imports its compiler
    first, which takes more than a second of the time to a first result.
    """
    empty = torch.empty(shape)
    return empty if empty.is_meta else torch.randn(shape) / over

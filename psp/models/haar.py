"""The inverse Haar transform: four bands of half the size to one map, as MobileStyleGAN enlarges features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def inverse_haar(bands: Tensor) -> Tensor:
    """Join wavelet bands [B,4C,H,W] to a map [B,C,2H,2W], one level of the inverse transform.

    Args:
        bands: First the C channels of the low band LL, then for each channel LH, HL and HH: the detail across
            rows, across columns, and across both. The transform keeps lengths: each of the 2×2 positions is
            half of a sum or difference of the four bands (MobileStyleGAN, arXiv 2104.04767, section 3.1).
    """
    batch, channels, height, width = bands.shape
    count = channels // 4
    assert count * 4 == channels, channels
    low = bands[:, :count]
    rows, columns, both = bands[:, count:].reshape(batch, count, 3, height, width).unbind(2)
    even, odd = low + rows, low - rows
    even_detail, odd_detail = columns + both, columns - both
    corners = torch.stack([even + even_detail, even - even_detail, odd + odd_detail, odd - odd_detail], dim=2)
    return F.pixel_shuffle(corners.reshape(batch, channels, height, width) * 0.5, 2)

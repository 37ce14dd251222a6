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


def inverse_haar_beside(bands: Tensor) -> Tensor:
    """Do :func:`inverse_haar` for maps whose channels lie beside one another (channels last), on a CPU.

    What it returns is laid out like them. ``bands`` must be halved already: who scales them anyway does that
    for nothing. No gradients.
    """
    x = bands.permute(0, 2, 3, 1)
    batch, height, width, channels = x.shape
    count = channels // 4
    low, (rows, columns, both) = x[..., :count], x[..., count:].unflatten(3, (count, 3)).unbind(4)
    out = x.new_empty(batch, height, 2, width, 2, count)
    even, detail = low + rows, columns + both
    torch.add(even, detail, out=out[:, :, 0, :, 0])
    torch.sub(even, detail, out=out[:, :, 0, :, 1])
    odd, detail = torch.sub(low, rows, out=even), torch.sub(columns, both, out=detail)
    torch.add(odd, detail, out=out[:, :, 1, :, 0])
    torch.sub(odd, detail, out=out[:, :, 1, :, 1])
    return out.view(batch, 2 * height, 2 * width, count).permute(0, 3, 1, 2)

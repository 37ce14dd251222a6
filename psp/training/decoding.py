"""Pictures of codes, at the size at which training looks at them: the one place where it makes any."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from psp.models.mobile import MobileGenerator
from psp.models.psp import PSP


def decode_at(model: PSP, codes: Tensor, size: int) -> Tensor:
    """Return the pictures [B,3,size,size] of ``codes`` [B,n,dim], larger ones averaged down (section 4).

    A quicker way to them belongs here: a preview head on the generator's features, say, while the true
    decoder keeps the last word.
    """
    # MobileStyleGAN gives such means by itself, for less; StyleGAN2 would stop at other, coarser pictures.
    images = model.decode(codes, size if isinstance(model.decoder, MobileGenerator) else None)
    return resize(images, size)


def resize(images: Tensor, size: int) -> Tensor:
    """Return ``images`` [B,C,S,S] at ``size``, each pixel the mean of what it covers."""
    return images if images.shape[-1] == size else F.interpolate(images, size, mode="area")

"""SeFa: directions in W without data, from a generator's own weights (Shen and Zhou, CVPR 2021, section 3).

The affine layers are the first that a code meets: y = A w + b. The unit vectors n that change y most,
max ‖A n‖², are the eigenvectors of AᵀA with the largest eigenvalues. Taken of the layers of one group they
change pose, features or colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def principal_directions(weights: Sequence[Tensor], count: int) -> Tensor:
    """Return unit vectors [count,dim] that change the styles most, the strongest first.

    Args:
        weights: Of the affine layers, [C,dim] each.
        count: How many.

    Returns:
        In float32 on the CPU; the sign, which the equation leaves open, makes the largest number positive.
    """
    joined = torch.cat([weight.detach().double().cpu() for weight in weights])
    vectors = torch.linalg.eigh(joined.T @ joined).eigenvectors.T.flip(0)[:count]
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    return (vectors * largest.sign()).float()

"""A Fréchet distance of two sets of pictures, on features that are bundled already (the AlexNet of LPIPS).

This is not the FID of the literature, which takes Inception features: its numbers mean something only beside
others from this module, with the same number of pictures. Lower is better; 0: the sets look alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from psp.losses.lpips import LPIPS

# Every picture is brought to this size, so that runs at different sizes can be compared.
_SIZE = 128


@dataclass(frozen=True)
class Gaussian:
    """What is kept of a set of features.

    Attributes:
        mean: [D], float64.
        covariance: [D,D], float64.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@torch.no_grad()
def picture_features(network: LPIPS, images: Tensor, grid: int = 1) -> Tensor:
    """Return the features [B, 256·grid²] of ``images`` [B,3,S,S] in [−1,1] (clipped), float32 on the CPU.

    The last feature map, of unit length at every place, is averaged over each cell of a ``grid``×``grid``
    raster: with 1 the look counts, with 2 also where things are. A covariance of full rank takes more
    pictures than features.
    """
    images = images.float().clamp(-1.0, 1.0)
    if images.shape[-1] > _SIZE:
        images = F.interpolate(images, _SIZE, mode="area")
    elif images.shape[-1] < _SIZE:
        images = F.interpolate(images, _SIZE, mode="bilinear", align_corners=False)
    return F.adaptive_avg_pool2d(network.features(images)[-1], grid).flatten(1).cpu()


def fit_gaussian(features: Iterable[Tensor]) -> Gaussian:
    """Return mean and (unbiased) covariance of ``features``, parts [B,D] of a set of two pictures or more."""
    stacked = torch.cat(list(features)).double().numpy()
    assert stacked.shape[0] > 1, "a covariance takes two pictures or more"
    mean = stacked.mean(axis=0)
    centred = stacked - mean
    return Gaussian(mean, centred.T @ centred / (stacked.shape[0] - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Return |μa − μb|² + tr(Σa + Σb − 2·(Σa^½ Σb Σa^½)^½) (Heusel et al. 2017, arXiv 1706.08500, eq. 6).

    The symmetric form of the product: its eigenvalues are real, so no complex square root is needed.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    product = np.linalg.eigvalsh(root @ b.covariance @ root)
    shared = np.sqrt(np.clip(product, 0.0, None)).sum()
    distance = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared
    return max(float(distance), 0.0)  # rounding can go below

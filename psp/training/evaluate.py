"""The measures of a trained model on held-out pictures: LPIPS, MSE, and identity against wrong pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from psp.identity import describe_face
from psp.images import to_pictures
from psp.losses.lpips import LPIPS
from psp.models.psp import PSP


@dataclass(frozen=True)
class Figures:
    """Means over held-out pictures; distances, so lower is better, but for ``wrong_pairs``.

    Attributes:
        pictures: How many.
        lpips: Perceptual distance (AlexNet) at the model's output size.
        mse: Mean squared error in [−1,1].
        identity: Distance of dlib's face descriptors of each input and its own result.
        wrong_pairs: The same distance between each result and all other inputs.
        nearest: Fraction of results whose nearest input is their own.
    """

    pictures: int
    lpips: float
    mse: float
    identity: float
    wrong_pairs: float
    nearest: float


@torch.inference_mode()
def reconstruct(model: PSP, images: Tensor, batch: int = 16) -> Tensor:
    """Return what ``model`` makes of ``images`` [N,C,S,S], on the CPU."""
    return torch.cat([model(part.to(model.device)).float().cpu() for part in images.split(batch)])


@torch.inference_mode()
def evaluate(images: Tensor, made: Tensor, lpips: LPIPS) -> Figures:
    """Measure results ``made`` against the inputs ``images``, both [N,3,S,S] in [−1,1] and of one size."""
    made = made.clamp(-1.0, 1.0)
    pairs = zip(made.split(16), images.split(16), strict=True)
    perceptual = torch.cat([lpips(a, b) for a, b in pairs])
    given, out = _descriptors(images), _descriptors(made)
    distance = np.linalg.norm(out[:, None] - given[None], axis=2)
    own = np.eye(len(given), dtype=bool)
    return Figures(
        pictures=len(images),
        lpips=float(perceptual.mean()),
        mse=float((images - made).square().mean()),
        identity=float(distance[own].mean()),
        wrong_pairs=float(distance[~own].mean()) if len(given) > 1 else float("nan"),
        nearest=float((distance.argmin(axis=1) == np.arange(len(given))).mean()),
    )


def _descriptors(images: Tensor) -> NDArray[np.float64]:
    return np.stack([describe_face(picture) for picture in to_pictures(images)])

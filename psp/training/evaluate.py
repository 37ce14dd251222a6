"""The measures of a trained model on held-out pictures: LPIPS, MSE, and identity against wrong pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.faces import aligned_landmarks, aligned_shape, dlib_module
from psp.images import to_pictures
from psp.losses.lpips import LPIPS
from psp.models.descriptor import CHIP_SIZE, FaceDescriptor

Descriptors = NDArray[np.float64]

# Size at which an aligned face is looked at, and the border that dlib leaves around the face it describes.
_SEEN = 256
_CHIP_PADDING = 0.25
_BATCH = 16


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
def evaluate(images: Tensor, made: Tensor, lpips: LPIPS, given: Descriptors | None = None) -> Figures:
    """Measure results ``made`` against the inputs ``images``, both [N,3,S,S] in [−1,1] and of one size.

    ``given``: what ``describe`` says of the inputs, where it is known already.
    """
    made = made.clamp(-1.0, 1.0)
    given, out = describe(images) if given is None else given, describe(made)
    distance = np.linalg.norm(out[:, None] - given[None], axis=2)
    own = np.eye(len(given), dtype=bool)
    return Figures(
        pictures=len(images),
        lpips=mean_lpips(images, made, lpips),
        mse=float((images - made).square().mean()),
        identity=float(distance[own].mean()),
        wrong_pairs=float(distance[~own].mean()) if len(given) > 1 else float("nan"),
        nearest=float((distance.argmin(axis=1) == np.arange(len(given))).mean()),
    )


def mean_lpips(a: Tensor, b: Tensor, lpips: LPIPS) -> float:
    """Return the mean perceptual distance of each of ``a`` and its counterpart in ``b``, [N,3,S,S]."""
    return float(each_lpips(a, b, lpips).mean())


@torch.inference_mode()
def each_lpips(a: Tensor, b: Tensor, lpips: LPIPS) -> Tensor:
    """Return the perceptual distances [N] of ``a`` and ``b``, both [N,3,S,S], clipped to [−1,1]."""
    parts = zip(a.split(_BATCH), b.split(_BATCH), strict=True)
    return torch.cat([lpips(x.clamp(-1.0, 1.0), y.clamp(-1.0, 1.0)) for x, y in parts])


@torch.inference_mode()
def describe(images: Tensor) -> Descriptors:
    """Return dlib's descriptors [N,128] of aligned faces [N,3,S,S] in [−1,1].

    Those of ``psp.identity.describe_face``, but by the network in PyTorch, in batches: ten times as fast.
    """
    out = []
    for part in images.split(_BATCH):
        chips = torch.from_numpy(np.stack([_chip(picture) for picture in to_pictures(part)]))
        out.append(_network()(chips.permute(0, 3, 1, 2).float() / 127.5 - 1.0))
    return torch.cat(out).double().numpy()


def find_landmarks(picture: Image.Image) -> NDArray[np.float64]:
    """Return dlib's 68 landmarks [68,2] of an aligned face as (x, y), in pixels of the picture at 256 px."""
    return aligned_landmarks(_seen(picture))


def _chip(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the part of an aligned face that dlib describes, [150,150,3]."""
    seen = _seen(picture)
    chip = dlib_module().get_face_chip(seen, aligned_shape(seen), size=CHIP_SIZE, padding=_CHIP_PADDING)
    return np.asarray(chip, dtype=np.uint8)


def _seen(picture: Image.Image) -> NDArray[np.uint8]:
    return np.array(picture.convert("RGB").resize((_SEEN, _SEEN), Image.Resampling.BICUBIC))


@cache
def _network() -> FaceDescriptor:
    return load_face_descriptor().eval().requires_grad_(False)

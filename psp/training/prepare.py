"""What each task's encoder sees of a training picture, made by the code that prepares a user's picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import TrainingError
from psp.images import degrade
from psp.palette import map_to_tensor
from psp.sketches import photo_to_sketch, sketch_to_tensor
from psp.training.cartoon import cartoonize
from psp.training.vary import Pixels, Rng

Floats = NDArray[np.float32]
Prepare = Callable[[Pixels, Pixels | None, Rng], tuple[Floats, Pixels]]
"""From a picture [S,S,3], its map [S,S] (where there is one) and draws to the encoder's input [C,s,s] and the
target [S,S,3]."""

# Factors of super-resolution and how often each is drawn: 32 leaves 4 pixels, which teach little.
_FACTORS = (1, 2, 4, 8, 16, 32)
_FACTOR_SHARES = (0.1, 0.15, 0.25, 0.25, 0.15, 0.1)


def preparation(task: str, size: int) -> Prepare | None:
    """Return how pictures are prepared for ``task`` and an encoder that sees ``size`` pixels.

    None: the input is the target itself (encode).

    Raises:
        TrainingError: The task is not known.
    """
    if task == "encode":
        return None
    if task == "toonify":
        return _cartoon_target
    if task == "frontalize":
        return _mirrored_target
    if task == "super_resolution":
        return _degraded
    if task == "sketch_to_face":
        return lambda picture, labels, rng: (_sketch(picture, size), picture)
    if task == "segmentation_to_face":
        return lambda picture, labels, rng: (_one_hot(picture, labels, size), picture)
    raise TrainingError(f"There is no training for the task {task!r}.", "Use a preset's task.")


def needs_maps(task: str) -> bool:
    """Whether the pictures' maps must be made ahead for ``task``: that takes too long in passing."""
    return task == "segmentation_to_face"


def _colour(picture: Pixels) -> Floats:
    return (picture.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)


def _mirrored_target(picture: Pixels, labels: Pixels | None, rng: Rng) -> tuple[Floats, Pixels]:
    """Every second target is mirrored, so that turning to the front costs least (pSp paper, section 4.2)."""
    target = np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture
    return _colour(picture), target


def _cartoon_target(picture: Pixels, labels: Pixels | None, rng: Rng) -> tuple[Floats, Pixels]:
    return _colour(picture), cartoonize(picture)


def _degraded(picture: Pixels, labels: Pixels | None, rng: Rng) -> tuple[Floats, Pixels]:
    factor = int(rng.choice(_FACTORS, p=_FACTOR_SHARES))
    return _colour(np.asarray(degrade(Image.fromarray(picture), factor))), picture


def _sketch(picture: Pixels, size: int) -> Floats:
    return sketch_to_tensor(photo_to_sketch(Image.fromarray(picture)), size)[0].numpy()


def _one_hot(picture: Pixels, labels: Pixels | None, size: int) -> Floats:
    assert labels is not None, "maps are made ahead"
    return map_to_tensor(labels, size)[0].numpy()

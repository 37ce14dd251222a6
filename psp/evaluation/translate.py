"""A model's results for measuring: batch by batch, at the size of the evaluation, with the time they took."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from psp.inference.network import require_picture
from psp.models.psp import PSP
from psp.training.galleries import resized

MEASURED_AT = 256
"""Side in pixels at which the paper measures (section 4)."""


@dataclass(frozen=True, eq=False)
class Made:
    """Results of a batch.

    Attributes:
        images: [N,3,S,S] in [−1,1], on the CPU.
        seconds: Of the network (encoding and decoding), a picture.
    """

    images: Tensor
    seconds: float


class Translator:
    """Translates inputs to faces of one size.

    Args:
        model: The model, on any device.
        size: Side of the results in pixels; None: the model's own, but at most what the paper measures at.
    """

    def __init__(self, model: PSP, size: int | None = None) -> None:
        self.model = model
        self.size = size or min(MEASURED_AT, model.config.generator.size)
        self._warm = False

    @torch.inference_mode()
    def __call__(self, inputs: Tensor, factor: int = 1) -> Made:
        """Translate ``inputs`` [N,C,S,S], of any size: colour in [−1,1], sketches and maps in [0,1].

        They have ``factor`` times less detail a side than they could have.
        """
        side = self.model.config.encoder.in_size
        given = inputs if inputs.shape[-1] == side else resized(inputs, side)
        given = given.to(self.model.device)
        detail = max(1, min(side, inputs.shape[-1]) // factor) if factor > 1 else None
        if not self._warm:  # the first batch also pays for what is set up once
            self.model(given, detail)
            self._warm = True
        _finish(self.model.device)
        start = time.perf_counter()
        made = self.model(given, detail)
        _finish(self.model.device)
        seconds = (time.perf_counter() - start) / len(inputs)
        require_picture(made)
        images = made.float().cpu().clamp(-1.0, 1.0)
        return Made(images if images.shape[-1] == self.size else resized(images, self.size), seconds)


def _finish(device: torch.device) -> None:
    """Wait until the device has done all that it was given: it works while Python goes on."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

"""Differentiable augmentation (DiffAugment) at an adaptive probability (ADA), for a GAN on few pictures.

References: Zhao et al. 2020 (arXiv 2006.10738): colour, translation and cutout, on real and made pictures
alike. Karras et al. 2020 (arXiv 2006.06676): the probability follows how much the discriminator overfits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Largest changes, those of the DiffAugment paper.
_BRIGHTNESS = 0.5  # added, in units of pixels in [−1,1]
_CONTRAST = 0.5  # factor 1 ± this
_SATURATION = 1.0  # factor 1 ± this
_SHIFT = 1 / 8  # of the size, in either direction
_HOLE = 1 / 2  # of the size, the side of the square that is cut out


def augment(images: Tensor, p: float, draw: torch.Generator) -> Tensor:
    """Return ``images`` [B,3,S,S] in [−1,1], each changed by each transformation with probability ``p``.

    Gradients flow to ``images``. At ``p`` 0 the very same tensor comes back.

    Args:
        images: Real or made pictures.
        p: Probability in [0,1] of each of colour, translation and cutout, for each picture on its own.
        draw: Source of all chance, on the CPU, so that the draws are the same on every device.
    """
    if p <= 0.0:
        return images
    batch = images.shape[0]
    chances = torch.rand(batch, 3, generator=draw).to(images.device) < p
    values = torch.rand(batch, 7, generator=draw).to(images.device)
    out = _recolour(images, values[:, :3], chances[:, 0])
    out = _translate(out, values[:, 3:5], chances[:, 1])
    return _cut_out(out, values[:, 5:7], chances[:, 2])


def _recolour(images: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
    """Change brightness, saturation and contrast by ``values`` [B,3] in [0,1), where ``chosen`` [B]."""
    amounts = (2.0 * values - 1.0) * chosen[:, None]  # 0: nothing changes
    brightness, saturation, contrast = (column[:, None, None, None] for column in amounts.unbind(dim=1))
    out = images + _BRIGHTNESS * brightness
    out = out + _SATURATION * saturation * (out - out.mean(dim=1, keepdim=True))
    return out + _CONTRAST * contrast * (out - out.mean(dim=(1, 2, 3), keepdim=True))


def _translate(images: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
    """Move by whole pixels by ``values`` [B,2] in [0,1), where ``chosen`` [B]; what comes in is grey (0)."""
    size = images.shape[-1]
    most = round(size * _SHIFT)
    shifts = (values * (2 * most + 1)).long() - most  # −most … most
    shifts = shifts * chosen[:, None]
    places = torch.arange(size, device=images.device)
    rows, columns = places + shifts[:, :1], places + shifts[:, 1:]  # [B,S]: where each line comes from
    inside = _within(rows, size)[:, None, :, None] & _within(columns, size)[:, None, None, :]
    out = images.gather(2, rows.clamp(0, size - 1)[:, None, :, None].expand_as(images))
    out = out.gather(3, columns.clamp(0, size - 1)[:, None, None, :].expand_as(images))
    return out * inside


def _within(places: Tensor, size: int) -> Tensor:
    return (places >= 0) & (places < size)


def _cut_out(images: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
    """Make a square grey (0) around the places ``values`` [B,2] in [0,1), where ``chosen`` [B]."""
    size = images.shape[-1]
    half = size * _HOLE / 2
    places = torch.arange(size, device=images.device) + 0.5
    rows, columns = ((places - size * column[:, None]).abs() < half for column in values.unbind(dim=1))
    hole = rows[:, None, :, None] & columns[:, None, None, :] & chosen[:, None, None, None]
    return images * ~hole


@dataclass
class AdaptiveProbability:
    """ADA's rule: p rises while D's sign on real pictures is above the target, and falls while it is below.

    Attributes:
        target: The mean sign of D on (augmented) real pictures that is wanted; the paper's r_t, 0.6.
        pictures: Pictures over which p would go from 0 to 1.
        every: Batches between two changes.
        most: p stays below. Transformations that destroy leak into what is made once nearly all pictures
            have them (ADA paper, section 2.2: safe up to about 0.8).
        p: The probability now.
        total: Sum of the signs since the last change.
        count: Pictures since the last change.
        batches: Batches since the last change.
    """

    target: float = 0.6
    pictures: int = 500_000
    every: int = 4
    most: float = 0.8
    p: float = 0.0
    total: float = 0.0
    count: int = 0
    batches: int = 0

    def update(self, mean_sign: float, batch: int) -> None:
        """Count a batch of ``batch`` real pictures whose scores had the mean sign ``mean_sign`` in [−1,1]."""
        self.total += mean_sign * batch
        self.count += batch
        self.batches += 1
        if self.batches < self.every:
            return
        direction = 1.0 if self.total / self.count > self.target else -1.0
        step = self.count / max(self.pictures, 1)
        self.p = min(max(self.p + direction * step, 0.0), self.most)
        self.total, self.count, self.batches = 0.0, 0, 0

"""LPIPS v0.1 with AlexNet: the perceptual distance of Zhang et al. 2018 (arXiv 1801.03924, equation 1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# What the published weights were fitted with: the mean and deviation of ImageNet, for pictures in [−1,1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_STRIDES = (4, 1, 1, 1, 1)
_PADDINGS = (2, 2, 1, 1, 1)
_POOL_AFTER = (0, 1)


class LPIPS(nn.Module):
    """Perceptual distance of two pictures; 0 for equal ones.

    Args:
        tensors: ``features.{0..4}.weight|bias`` and ``lin.{0..4}.weight``, the published weights.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))
        for index in range(5):
            self.register_buffer(f"weight{index}", tensors[f"features.{index}.weight"].float())
            self.register_buffer(f"bias{index}", tensors[f"features.{index}.bias"].float())
            self.register_buffer(f"lin{index}", tensors[f"lin.{index}.weight"].float())

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the five feature maps of ``images`` [B,3,H,W] in [−1,1], of unit length over channels."""
        x = (images - self.shift) / self.scale
        out = []
        for index in range(5):
            weight, bias = getattr(self, f"weight{index}"), getattr(self, f"bias{index}")
            x = F.relu(F.conv2d(x, weight, bias, _STRIDES[index], _PADDINGS[index]))
            # Normalised in float32: the squares underflow in half precision.
            wide = x.float()
            out.append(wide * torch.rsqrt(wide.square().sum(dim=1, keepdim=True) + 1e-10))
            if index in _POOL_AFTER:
                x = F.max_pool2d(x, 3, 2)
        return out

    def forward(self, images: Tensor, targets: Tensor, focus: Tensor | None = None) -> Tensor:
        """Return the distance [B] of ``images`` and ``targets`` [B,3,H,W] in [−1,1], at least 32×32.

        ``focus`` [H,W], of mean 1, says how much each place counts (training); all alike by default (LPIPS).
        """
        with torch.set_grad_enabled(targets.requires_grad):
            wanted = self.features(targets)
        return self.between(self.features(images), wanted, focus)

    def between(self, made: list[Tensor], wanted: list[Tensor], focus: Tensor | None = None) -> Tensor:
        """Return the distance [B] of pictures by their :meth:`features`; ``focus`` as for :meth:`forward`."""
        distance = torch.zeros(made[0].shape[0], device=made[0].device)
        for index, (a, b) in enumerate(zip(made, wanted, strict=True)):
            lin: Tensor = getattr(self, f"lin{index}")
            places = ((a - b).square() * lin).sum(dim=1)
            if focus is not None:
                places = places * F.adaptive_avg_pool2d(focus[None], (places.shape[-2], places.shape[-1]))
            distance = distance + places.mean(dim=(1, 2))
        return distance

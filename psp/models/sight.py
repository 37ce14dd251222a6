"""What a frozen face network sees in aligned faces: a second opinion for an encoder, beside its layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.descriptor import CHIP_SIZE, FaceDescriptor

SEEN = 896
"""Numbers that are seen of a face: descriptor, mean of the last map, and 2×2 means of the middle one."""

# Where the network's chip lies in an FFHQ crop: its middle (down, across) and its side, in the crop's.
_DOWN, _ACROSS, _SIDE = 0.603, 0.5015, 0.697
# So that the three parts are of about one size.
_DESCRIPTOR, _LAST, _MIDDLE = 8.0, 4.0, 4.0


class FaceSight(nn.Module):
    """dlib's face network on the faces of FFHQ crops. Gradients pass through it, its weights stay.

    Args:
        network: The network with its weights; see ``psp.checkpoints.dlib_file.load_face_descriptor``.
    """

    def __init__(self, network: FaceDescriptor) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Look at ``images`` [B,3,S,S] in [−1,1], aligned as FFHQ.

        Returns:
            What is seen [B,896], and the descriptors [B,128].
        """
        steps = ((torch.arange(CHIP_SIZE, device=images.device) + 0.5) / CHIP_SIZE - 0.5) * _SIDE
        rows, columns = torch.meshgrid(steps + _DOWN, steps + _ACROSS, indexing="ij")
        grid = torch.stack([columns, rows], dim=-1) * 2 - 1
        grid = grid.to(images.dtype).expand(len(images), -1, -1, -1)
        chips = F.grid_sample(images, grid, mode="bilinear", align_corners=False)
        middle, last = self.network.maps(chips)
        descriptor = self.network.describe(last)
        corners = F.adaptive_avg_pool2d(middle, 2).flatten(1)
        pooled = last.mean(dim=(2, 3))
        return torch.cat([descriptor * _DESCRIPTOR, pooled * _LAST, corners * _MIDDLE], dim=1), descriptor

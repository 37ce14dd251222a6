"""Identity loss: how far apart two faces are for a face network (pSp paper, equation 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.descriptor import CHIP_SIZE, FaceDescriptor
from psp.models.irse import FACE_SIZE, FaceNetwork

# The part of an FFHQ-aligned face that ArcFace was trained on, as a fraction of the height and width:
# rows 35 to 222 and columns 32 to 219 at 256 px.
_TOP, _BOTTOM, _LEFT, _RIGHT = 35 / 256, 223 / 256, 32 / 256, 220 / 256


def face_crop(images: Tensor) -> Tensor:
    """Return the face of aligned ``images`` [B,3,H,W]: at 256 px, rows 35 to 222, columns 32 to 219."""
    height, width = images.shape[-2:]
    rows = slice(round(_TOP * height), round(_BOTTOM * height))
    columns = slice(round(_LEFT * width), round(_RIGHT * width))
    return images[:, :, rows, columns]


class IdentityLoss(nn.Module):
    """1 − cosine of the vectors that a face network gives two FFHQ-aligned faces.

    Args:
        network: The network (the paper: ArcFace) with its weights; it is set to evaluation and never trained.
    """

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """Embed aligned ``images`` [B,3,H,W] in [−1,1] as unit vectors [B,512]."""
        face = face_crop(images)
        if face.shape[-1] >= FACE_SIZE:
            face = F.adaptive_avg_pool2d(face, FACE_SIZE)
        else:  # pooling cannot enlarge
            face = F.interpolate(face, size=(FACE_SIZE, FACE_SIZE), mode="bilinear", align_corners=False)
        out: Tensor = self.network(face)
        return out

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return 1 − cos [B] of ``images`` and ``targets`` [B,3,H,W] in [−1,1]."""
        with torch.no_grad():
            wanted = self.embed(targets)
        return 1.0 - (self.embed(images) * wanted).sum(dim=1)


# The part of an FFHQ-aligned face that dlib cuts out for its descriptor, as fractions of the side: its middle
# and its width, the means over 240 photos and paintings (deviations of 0.008 and 0.03).
_CHIP_COLUMN, _CHIP_ROW, _CHIP_WIDTH = 0.5015, 0.603, 0.697


class DescriptorLoss(nn.Module):
    """Euclidean distance of dlib's descriptors of two FFHQ-aligned faces; needs no download.

    Args:
        network: dlib's network with its weights; it is set to evaluation and never trained.
    """

    def __init__(self, network: FaceDescriptor) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """Describe aligned ``images`` [B,3,H,W] in [−1,1] as [B,128]."""
        steps = ((torch.arange(CHIP_SIZE, device=images.device) + 0.5) / CHIP_SIZE - 0.5) * _CHIP_WIDTH
        rows, columns = torch.meshgrid(steps + _CHIP_ROW, steps + _CHIP_COLUMN, indexing="ij")
        grid = torch.stack([columns, rows], dim=-1) * 2.0 - 1.0  # [−1,1] from border to border
        grid = grid.expand(images.shape[0], -1, -1, -1)
        chips = F.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)
        out: Tensor = self.network(chips)
        return out.float()

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the distance [B] of ``images`` and ``targets`` [B,3,H,W] in [−1,1]."""
        with torch.no_grad():
            wanted = self.embed(targets)
        return self.between(self.embed(images), wanted)

    def between(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Return the distance [B] of faces by what :meth:`embed` says of them, [B,128] each."""
        return (made - wanted).square().sum(dim=1).add(1e-8).sqrt()

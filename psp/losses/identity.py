"""Identity loss: how far apart two faces are for an ArcFace network (pSp paper, equation 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.irse import ArcFace

# The part of an FFHQ-aligned face that ArcFace was trained on, as a fraction of the height and width:
# rows 35 to 223 and columns 32 to 220 at 256 px.
_TOP, _BOTTOM, _LEFT, _RIGHT = 35 / 256, 223 / 256, 32 / 256, 220 / 256


class IdentityLoss(nn.Module):
    """1 − cosine of the ArcFace vectors of two FFHQ-aligned faces.

    Args:
        network: ArcFace with its weights; it is set to evaluation and never trained.
    """

    def __init__(self, network: ArcFace) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """Embed aligned ``images`` [B,3,H,W] in [−1,1] as unit vectors [B,512]."""
        height, width = images.shape[-2:]
        rows = slice(round(_TOP * height), round(_BOTTOM * height))
        columns = slice(round(_LEFT * width), round(_RIGHT * width))
        face = images[:, :, rows, columns]
        if face.shape[-1] >= 112:
            face = F.adaptive_avg_pool2d(face, 112)
        else:  # pooling cannot enlarge
            face = F.interpolate(face, size=(112, 112), mode="bilinear", align_corners=False)
        out: Tensor = self.network(face)
        return out

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return 1 − cos [B] of ``images`` and ``targets`` [B,3,H,W] in [−1,1]."""
        with torch.no_grad():
            wanted = self.embed(targets)
        return 1.0 - (self.embed(images) * wanted).sum(dim=1)

"""One step of pSp's training as a module: pictures in, loss terms out. What is compiled and distributed."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from psp.losses.objective import Objective
from psp.models.mobile import MobileGenerator
from psp.models.psp import PSP
from psp.training.distill import CodeLoss


class LossTerms(nn.Module):
    """The loss terms of a batch.

    Args:
        model: The model.
        objective: Its losses.
        code_loss: The distance to a teacher's codes, where there is one.
    """

    def __init__(self, model: PSP, objective: Objective, code_loss: CodeLoss | None = None) -> None:
        super().__init__()
        self.model, self.objective, self.code_loss = model, objective, code_loss

    def forward(
        self, inputs: Tensor, targets: Tensor, decoded: int, wanted: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the terms by name, unweighted.

        Args:
            inputs: What the encoder sees, [B,C,s,s].
            targets: What it should give, [B,3,t,t] in [−1,1].
            decoded: How many pictures of the batch are decoded.
            wanted: The teacher's codes [B,n,dim].
        """
        offsets = self.model.encoder(inputs)
        outputs = decode_at(self.model, offsets[:decoded] + self.model.w_avg, targets.shape[-1])
        terms: dict[str, Tensor] = self.objective(outputs, targets[:decoded], offsets)
        if self.code_loss is not None and wanted is not None:
            terms["code"] = self.code_loss(offsets.float() + self.model.w_avg, wanted)
        return terms


def decode_at(model: PSP, codes: Tensor, size: int) -> Tensor:
    """Return the pictures [B,3,size,size] of ``codes`` [B,n,dim], larger ones averaged down (section 4).

    The one place where training makes pictures, so also the place for a quicker way to them: a preview head
    on the generator's features would be asked here.
    """
    # MobileStyleGAN gives such means by itself, for less; StyleGAN2 would stop at other, coarser pictures.
    images = model.decode(codes, size if isinstance(model.decoder, MobileGenerator) else None)
    return resize(images, size)


def resize(images: Tensor, size: int) -> Tensor:
    """Return ``images`` [B,C,S,S] at ``size``, each pixel the mean of what it covers."""
    return images if images.shape[-1] == size else F.interpolate(images, size, mode="area")

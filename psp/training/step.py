"""One step of pSp's training as a module: pictures in, loss terms out. What is compiled and distributed."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from psp.losses.objective import Objective
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
        self, inputs: Tensor, targets: Tensor, size: int, decoded: int, wanted: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the terms by name, unweighted.

        Args:
            inputs: What the encoder sees, [B,C,s,s].
            targets: What it should give, [B,3,t,t] in [−1,1].
            size: Resolution to decode at; larger results are averaged down to ``t`` (paper, section 4).
            decoded: How many pictures of the batch are decoded.
            wanted: The teacher's codes [B,n,dim].
        """
        offsets = self.model.encoder(inputs)
        outputs = self.model.decode(offsets[:decoded] + self.model.w_avg, size)
        outputs = resize(outputs, targets.shape[-1])
        terms: dict[str, Tensor] = self.objective(outputs, targets[:decoded], offsets)
        if self.code_loss is not None and wanted is not None:
            terms["code"] = self.code_loss(offsets.float() + self.model.w_avg, wanted)
        return terms


def resize(images: Tensor, size: int) -> Tensor:
    """Return ``images`` [B,C,S,S] at ``size``, each pixel the mean of what it covers."""
    return images if images.shape[-1] == size else F.interpolate(images, size, mode="area")

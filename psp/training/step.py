"""One step of pSp's training as a module: pictures in, loss terms out. What is compiled and distributed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from psp.losses.objective import Objective
from psp.models.compact import CompactEncoder
from psp.models.psp import PSP
from psp.training.code_distance import CodeDistance
from psp.training.decoding import decode_at


@dataclass(frozen=True)
class Plan:
    """What is done with which pictures of a batch: first stand those of the data, then the synthetic ones.

    Attributes:
        decoded: How many of the data's pictures are decoded.
        synthetic: How many synthetic pictures there are.
        synthetic_decoded: How many of them are decoded.
        corrections: How often the codes of what is decoded are corrected first (compact encoders).
    """

    decoded: int
    synthetic: int = 0
    synthetic_decoded: int = 0
    corrections: int = 0


class LossTerms(nn.Module):
    """The loss terms of a batch.

    Args:
        model: The model.
        objective: Its losses.
        distance: Of the codes of synthetic pictures, where there are any.
    """

    def __init__(self, model: PSP, objective: Objective, distance: CodeDistance | None = None) -> None:
        super().__init__()
        self.model, self.objective, self.distance = model, objective, distance

    def forward(
        self, inputs: Tensor, targets: Tensor, plan: Plan, wanted: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the terms by name, unweighted.

        Args:
            inputs: What the encoder sees, [B,C,s,s].
            targets: What it should give, [B,3,t,t] in [−1,1].
            plan: What is done with which of them.
            wanted: The codes of the synthetic ones, [plan.synthetic,n,dim].
        """
        model, known = self.model, len(inputs) - plan.synthetic
        chosen = [*range(plan.decoded), *range(known, known + plan.synthetic_decoded)]
        offsets, codes = self._codes(inputs, chosen, plan.corrections)
        outputs = decode_at(model, codes, targets.shape[-1])
        terms: dict[str, Tensor] = self.objective(outputs, targets[chosen], offsets[:known])
        if self.distance is not None and wanted is not None:
            made, true = offsets[known:] + model.w_avg, wanted
            if plan.corrections:  # then the answer is another one
                made = torch.cat([made, codes[plan.decoded :]])
                true = torch.cat([true, wanted[: plan.synthetic_decoded]])
            terms["code"] = self.distance(made, true)
        return terms

    def _codes(self, inputs: Tensor, chosen: list[int], corrections: int) -> tuple[Tensor, Tensor]:
        """Return the offsets [B,n,dim] of ``inputs``, and the codes of those ``chosen``, corrected."""
        model, encoder = self.model, self.model.encoder
        if not corrections or not isinstance(encoder, CompactEncoder) or encoder.correction is None:
            offsets = encoder(inputs)
            return offsets, offsets[chosen] + model.w_avg
        coarse, medium, fine = encoder.vectors(inputs)
        offsets = encoder.codes((coarse, medium, fine))
        seen = coarse[chosen], medium[chosen], fine[chosen]
        codes = offsets[chosen] + model.w_avg
        # As ReStyle does, no gradient goes from one look to the one before.
        for left in reversed(range(corrections)):
            codes = codes.detach()
            with torch.set_grad_enabled(left == 0):
                with torch.no_grad():
                    made = decode_at(model, codes, encoder.config.in_size).clamp(-1.0, 1.0)
                codes = codes + encoder.correction(encoder, seen, encoder.vectors(made))
        return offsets, codes

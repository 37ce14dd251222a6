"""Learning codes from a teacher: the encoder of a task imitates the one that sees the picture itself.

Much cheaper than a decoded picture, and not in the paper: an encoder of sketches, say, is held to the codes
which the photo's own encoder gives for the photo behind the sketch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psp.models.generators import affine_weights
from psp.models.psp import PSP
from psp.training.data.pictures import Pictures

_MEASURED_BATCHES, _MEASURED_AT_ONCE = 32, 16


class CodeLoss(nn.Module):
    """Distance of codes as the generator feels it, as a fraction of how far codes of different faces differ.

    A code acts through the affine layers that read it alone (StyleGAN2, figure 2: "A"), so differences are
    measured behind those. 0: equal codes; about 1: the average code for everyone; each code counts alike.

    Args:
        teacher: The model whose codes are wanted.
        images: Pictures [N,3,S,S] over which the spread of the codes is measured.
    """

    variance: Tensor

    def __init__(self, teacher: PSP, images: list[Tensor]) -> None:
        super().__init__()
        self.teacher = teacher.eval().requires_grad_(False)
        self.affine = nn.ParameterList(
            nn.Parameter(matrix, requires_grad=False) for matrix in affine_weights(teacher.decoder)
        )
        with torch.no_grad():
            codes = torch.cat([teacher.encode(part) for part in images])
            spread = (codes - codes.mean(dim=0)).unbind(dim=1)
            self.register_buffer(
                "variance",
                torch.stack(
                    [(d @ a.T).square().sum(dim=1).mean() for d, a in zip(spread, self.affine, strict=True)]
                ),
            )

    @torch.no_grad()
    def wanted(self, targets: Tensor) -> Tensor:
        """Return the teacher's codes [B,n,dim] of ``targets`` [B,3,S,S]."""
        return self.teacher.encode(targets)

    def forward(self, codes: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean distance of ``codes`` and ``wanted``, both [B,n,dim]."""
        parts = []
        for index, (matrix, difference) in enumerate(
            zip(self.affine, (codes - wanted).unbind(dim=1), strict=True)
        ):
            parts.append((difference @ matrix.T).square().sum(dim=1).mean() / self.variance[index])
        return torch.stack(parts).mean()


def code_loss(teacher: PSP, pictures: Pictures) -> CodeLoss:
    """Return the loss against ``teacher``, the spread measured on the first pictures of ``pictures``."""
    size = teacher.config.encoder.in_size
    images = [
        pictures.batch(step, _MEASURED_AT_ONCE).targets.to(teacher.device)
        for step in range(_MEASURED_BATCHES)
    ]
    assert images[0].shape[-1] == size, "teacher and run see pictures of different sizes"
    return CodeLoss(teacher, images)

"""Distance of codes as the generator feels it: what an encoder is held to where the codes are known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psp.models.generators import AnyGenerator, affine_weights

# How much the plain codes count beside what the affine layers make of them: what these do not read should not
# wander either.
_PLAIN = 0.1
_LEAST = 1e-12


class CodeDistance(nn.Module):
    """Distance of codes, as a fraction of how far codes of different pictures differ.

    A code acts through the affine layers that read it alone (StyleGAN2, figure 2: "A"), so differences are
    measured behind those; a tenth as much counts the difference of the codes themselves. 0: equal codes;
    about 1.1: the average code for every picture. Each code counts alike.

    Args:
        generator: Whose codes they are.
        codes: Codes of some pictures [N,n,dim], over which their spread is measured.
    """

    behind: Tensor
    plain: Tensor

    def __init__(self, generator: AnyGenerator, codes: Tensor) -> None:
        super().__init__()
        self.affine = nn.ParameterList(
            nn.Parameter(matrix, requires_grad=False) for matrix in affine_weights(generator)
        )
        spread = codes.float() - codes.float().mean(dim=0)
        # A layer that leaves its code unread makes nothing of it: 0 / 0 otherwise.
        self.register_buffer("behind", self._behind(spread).clamp_min(_LEAST))
        self.register_buffer("plain", spread.square().mean(dim=(0, 2)).clamp_min(_LEAST))

    def forward(self, codes: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean distance of ``codes`` and ``wanted``, both [B,n,dim]."""
        difference = codes.float() - wanted.float()
        behind = (self._behind(difference) / self.behind).mean()
        plain = (difference.square().mean(dim=(0, 2)) / self.plain).mean()
        return behind + _PLAIN * plain

    def _behind(self, codes: Tensor) -> Tensor:
        """Return for each code [n] the mean square of what its affine layers make of ``codes`` [N,n,dim]."""
        parts = zip(codes.unbind(dim=1), self.affine, strict=True)
        return torch.stack([(code @ matrix.T).square().mean() for code, matrix in parts])

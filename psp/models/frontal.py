"""Codes turned to the front: what turns a head lies in few directions of the coarse codes (InterFaceGAN)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psp.models.drawn import drawn

_HIDDEN = 256


class Frontal(nn.Module):
    """Moves the first codes so that the face looks ahead, by how far it is turned now.

    Args:
        read: Codes that tell how the head is turned, from the first on.
        moved: Codes that are moved, from the first on.
        code_dim: Width of a code.
        rank: Directions that they are moved in.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, read: int, moved: int, code_dim: int, rank: int) -> None:
        super().__init__()
        assert moved <= read, "what is moved is also read"
        self.moved = moved
        # Of the codes of random faces: mean and standard deviation, [read,code_dim].
        self.register_buffer("mean", torch.zeros(read, code_dim))
        self.register_buffer("spread", torch.ones(read, code_dim))
        self.net = nn.Sequential(
            nn.Linear(read * code_dim, _HIDDEN), nn.GELU(),
            nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, rank),
        )  # fmt: skip
        self.directions = nn.Parameter(drawn(rank, moved * code_dim, over=100))

    def forward(self, codes: Tensor) -> Tensor:
        """Return ``codes`` [B,n,code_dim] turned to the front; those from ``moved`` on are as they were."""
        read = len(self.mean)
        steps = self.net(((codes[:, :read] - self.mean) / self.spread).flatten(1)) @ self.directions
        first = codes[:, : self.moved]
        turned = first + steps.view_as(first) * self.spread[: self.moved]
        return torch.cat([turned, codes[:, self.moved :]], dim=1)

"""Ranger, the optimizer of the paper: rectified Adam, looked ahead, with centred gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Ranger(torch.optim.RAdam):
    """RAdam (Liu et al. 2020, arXiv 1908.03265) inside Lookahead (Zhang et al. 2019, arXiv 1907.08610).

    Gradients of matrices and convolutions lose their mean over all inputs of an output first (gradient
    centralisation, Yong et al. 2020, arXiv 2004.01461, equation 1). The defaults are the official code's.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        betas: Decays of the moments.
        eps: Added to the root of the second moment.
        every: Steps between two looks ahead (k).
        share: How far the slow weights move towards the fast ones (alpha).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.95, 0.999),
        eps: float = 6.1e-5,
        every: int = 6,
        share: float = 0.5,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self.every, self.share = every, share

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # see below
        """Do one step; every ``every``-th ends where the slow weights are."""
        assert closure is None, "gradients are centred in place, so they must be there before"
        learning = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        for parameter in learning:
            _centre(parameter.grad)
        # The slow weights start where the first step starts; the base class wants to make the state itself.
        first = {p: p.detach().clone() for p in learning if "slow" not in self.state[p]}
        super().step()
        for parameter in learning:
            state = self.state[parameter]
            if parameter in first:
                state["slow"] = first[parameter]
            if int(state["step"]) % self.every == 0:
                state["slow"].lerp_(parameter, self.share)
                parameter.copy_(state["slow"])


def _centre(gradient: Tensor) -> None:
    """Subtract from the gradient of each output its mean over the inputs; those of vectors stay."""
    if gradient.dim() > 1:
        gradient.sub_(gradient.mean(dim=tuple(range(1, gradient.dim())), keepdim=True))

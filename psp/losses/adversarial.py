"""The terms of adversarial training: logistic loss, gradient penalty, path length regularisation."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the logistic loss of scores [B] of real and of made pictures (Goodfellow et al. 2014).

    −log σ(D(x)) − log(1 − σ(D(G(z)))), means over the batch.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Return the non-saturating loss of scores [B] of made pictures: the mean of −log σ(D(G(z)))."""
    return F.softplus(-fake).mean()


def r1_penalty(discriminator: Callable[[Tensor], Tensor], images: Tensor, gamma: float) -> Tensor:
    """Return γ/2 · E‖∇D(x)‖² on real ``images`` [B,3,S,S] (Mescheder et al. 2018, arXiv 1801.04406, eq. 9).

    Call it outside autocast: squared gradients underflow in half precision.
    """
    inputs = images.detach().float().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(inputs).sum(), inputs, create_graph=True)
    return 0.5 * gamma * gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(images: Tensor, codes: Tensor, draw: torch.Generator) -> Tensor:
    """Return ‖Jᵀy‖ [B] for random pictures y (StyleGAN2, arXiv 1912.04958, equation 4).

    The codes of all layers count as one w: squares are summed over a code and averaged over layers.

    Args:
        images: The generator's output [B,3,S,S], with its graph.
        codes: What it was made from [B,n,dim], requiring a gradient.
        draw: Source of y, on the CPU.
    """
    noise = torch.randn(images.shape, generator=draw).to(images.device)
    noise = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * noise).sum(), codes, create_graph=True)
    return (gradient.square().sum(dim=2).mean(dim=1) + 1e-12).sqrt()

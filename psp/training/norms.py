"""Batch norms in training: one set of statistics for all processes, and statistics that are fixed in time."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed.nn.functional as collective
from torch import Tensor, nn

Norm = nn.modules.batchnorm._BatchNorm


class SharedBatchNorm(Norm):
    """Batch norm over the batches of all processes together, on a CPU.

    What ``SyncBatchNorm`` does on GPUs, which alone have it: without it, statistics would be those of each
    process's part of a batch, and the result would depend on how many processes there are.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise ``input`` [B,C] or [B,C,H,W] over the batch, height and width of all processes."""
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        x = input.float()
        axes, places = [axis for axis in range(x.dim()) if axis != 1], (-1,) + (1,) * (x.dim() - 2)
        count = x[:, 0].numel() * torch.distributed.get_world_size()
        mean = collective.all_reduce(x.sum(dim=axes)) / count
        centred = x - mean.view(places)
        variance = collective.all_reduce(centred.square().sum(dim=axes)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        out = centred * torch.rsqrt(variance + self.eps).view(places)
        if self.affine:
            out = out * self.weight.view(places) + self.bias.view(places)
        return out.to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any: with features alone, or with height and width."""


def share_norms(module: nn.Module, device: torch.device) -> nn.Module:
    """Return ``module`` with batch norms that work over all processes; weights and names stay."""
    if device.type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    for name, child in list(module.named_children()):
        if isinstance(child, Norm):
            shared = SharedBatchNorm(child.num_features, child.eps, child.momentum, child.affine)
            shared.weight, shared.bias = child.weight, child.bias
            shared.running_mean, shared.running_var = child.running_mean, child.running_var
            shared.num_batches_tracked = child.num_batches_tracked
            shared.train(child.training)
            setattr(module, name, shared)
        else:
            share_norms(child, device)
    return module


def batch_norms(module: nn.Module) -> list[Norm]:
    """Return the batch norms of ``module``."""
    return [each for each in module.modules() if isinstance(each, Norm)]


@torch.no_grad()
def measure_norms(encoder: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running statistics of ``encoder``'s batch norms to their plain means over ``batches``."""
    norms = batch_norms(encoder)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
    for index, inputs in enumerate(batches):
        for norm in norms:
            norm.momentum = 1.0 / (index + 1)  # the mean of all batches so far
        encoder(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum

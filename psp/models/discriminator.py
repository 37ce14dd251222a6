"""The residual StyleGAN2 discriminator (Karras et al. 2020, arXiv 1912.04958, figure 7c)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.ops import Blur, EqualLinear, filter2d, scaled_leaky_relu

# Pictures whose deviation is taken together (ProGAN, arXiv 1710.10196, section 3; StyleGAN2 keeps 4).
_GROUP = 4


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The shape of a discriminator.

    Attributes:
        size: Height and width of the pictures, a power of two.
        channels: Channels at 4, 8, 16, … ``size`` px.
    """

    size: int
    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        levels = int(math.log2(self.size)) - 1
        assert 2 ** (levels + 1) == self.size and self.size >= 8, f"size {self.size} is not a power of two"
        assert len(self.channels) == levels, f"{len(self.channels)} widths given for {levels} resolutions"


class EqualConv2d(nn.Module):
    """Convolution with equalised learning rate (ProGAN, section 4.1): weights are scaled at run time.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel_size: 1 or 3.
        stride: 1 or 2.
        padding: Zeros on each side; by default those that keep the size at stride 1.
        bias: Whether a bias a channel is added.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = 1.0 / math.sqrt(in_channels * kernel_size**2)
        self.stride = stride
        self.padding = kernel_size // 2 if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x`` [B,C,H,W]."""
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


def halve(x: Tensor, kernel: Tensor) -> Tensor:
    """Low-pass ``x`` [B,C,H,W] with ``kernel`` [4,4] and keep every second pixel, [B,C,H/2,W/2].

    The same as ``filter2d`` and slicing, without computing the pixels that are thrown away.
    """
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(x, weight, stride=2, padding=1, groups=channels)


def minibatch_deviation(x: Tensor) -> Tensor:
    """Append one channel to ``x`` [B,C,H,W]: how much the pictures of a group differ (ProGAN, section 3).

    A group has 4 pictures, or the largest divisor of the batch below that; alone, a picture gets 0.
    """
    batch, _, height, width = x.shape
    group = next(size for size in range(min(_GROUP, batch), 0, -1) if batch % size == 0)
    wide = x.float().reshape(group, batch // group, *x.shape[1:])  # squares in float32
    variance = (wide - wide.mean(dim=0)).square().mean(dim=0)
    deviation = torch.sqrt(variance + 1e-8).mean(dim=(1, 2, 3))  # [B/group]
    plane = deviation.repeat(group)[:, None, None, None].expand(batch, 1, height, width)
    return torch.cat([x, plane.to(x.dtype)], dim=1)


class _ResidualBlock(nn.Module):
    """Two 3×3 convolutions that halve the resolution, beside a 1×1 path; the sum keeps its variance."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.blur = Blur(gain=1.0)
        self.conv1 = EqualConv2d(in_channels, in_channels, 3)
        self.conv2 = EqualConv2d(in_channels, out_channels, 3, stride=2, padding=0)
        self.skip = EqualConv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [B,in,H,W] to [B,out,H/2,W/2]."""
        kernel = self.blur.kernel
        out = scaled_leaky_relu(self.conv1(x))
        out = scaled_leaky_relu(self.conv2(filter2d(out, kernel, pad=(2, 2))))
        skip: Tensor = self.skip(halve(x, kernel))
        return (out + skip) / math.sqrt(2.0)


class Discriminator(nn.Module):
    """Scores pictures: above 0 looks real, below 0 made.

    Args:
        config: The shape of the discriminator.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.from_rgb = EqualConv2d(3, width[-1], 1)
        levels = range(len(width) - 1, 0, -1)
        self.blocks = nn.Sequential(*(_ResidualBlock(width[level], width[level - 1]) for level in levels))
        self.conv = EqualConv2d(width[0] + 1, width[0], 3)
        self.linear = EqualLinear(width[0] * 16, width[0], activate=True)
        self.score = EqualLinear(width[0], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores [B] of ``images`` [B,3,size,size] in [−1,1], in float32."""
        size = self.config.size
        assert images.shape[1:] == (3, size, size), tuple(images.shape)
        x = scaled_leaky_relu(self.from_rgb(images))
        x = minibatch_deviation(self.blocks(x))
        x = scaled_leaky_relu(self.conv(x))
        scores: Tensor = self.score(self.linear(x.flatten(1)))
        return scores.float().squeeze(1)

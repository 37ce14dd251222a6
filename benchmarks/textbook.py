"""StyleGAN2's synthesis as the papers' formulas read: what a plain PyTorch port runs, to measure against.

One weight a picture in grouped convolutions (StyleGAN2, equations 1 and 3), up-sampling by zeros, padding and
filtering, every step an operation of its own. It takes the weights of ``psp.models.generator.Generator``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from psp.models.generator import Generator, StyledConv, ToRGB
from psp.models.ops import EqualLinear, ModulatedConv2d


def upfirdn2d(x: Tensor, kernel: Tensor, up: int, pad: tuple[int, int]) -> Tensor:
    """Insert zeros after each pixel of ``x`` [B,C,H,W], pad by (before, after), filter with ``kernel``."""
    batch, channels, height, width = x.shape
    x = x.reshape(-1, 1, height, 1, width, 1)
    x = F.pad(x, (0, up - 1, 0, 0, 0, up - 1)).reshape(-1, 1, height * up, width * up)
    x = F.conv2d(F.pad(x, (*pad, *pad)), kernel.flip(0, 1)[None, None])
    return x.reshape(batch, channels, x.shape[2], x.shape[3])


def linear(layer: EqualLinear, x: Tensor) -> Tensor:
    """Apply a linear layer with equalised learning rate to ``x`` [B,C]."""
    return F.linear(x, layer.weight * layer.scale, layer.bias * layer.lr_mul)


def modulated(conv: ModulatedConv2d, x: Tensor, style: Tensor) -> Tensor:
    """Convolve ``x`` [B,C,H,W], each picture with weights of its own under its ``style`` [B,dim]."""
    batch, channels, height, width = x.shape
    weight = conv.scale * conv.weight * linear(conv.modulation, style).view(batch, 1, channels, 1, 1)
    if conv.demodulate:
        weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8).view(batch, -1, 1, 1, 1)
    outer, side = weight.shape[1], weight.shape[-1]
    x = x.reshape(1, batch * channels, height, width)
    if conv.upsample:
        weight = weight.transpose(1, 2).reshape(batch * channels, outer, side, side)
        out = F.conv_transpose2d(x, weight, stride=2, groups=batch)
        out = out.view(batch, outer, out.shape[-2], out.shape[-1])
        return upfirdn2d(out, conv.blur.kernel, 1, (1, 1))
    out = F.conv2d(x, weight.view(batch * outer, channels, side, side), padding=conv.padding, groups=batch)
    return out.view(batch, outer, height, width)


def styled(layer: StyledConv, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
    """Convolve, add noise and bias, activate."""
    out = modulated(layer.conv, x, style)
    out = out + layer.noise.weight * noise
    out = out + layer.activate.bias.view(1, -1, 1, 1)
    return F.leaky_relu(out, 0.2) * math.sqrt(2.0)


def coloured(layer: ToRGB, x: Tensor, style: Tensor, skip: Tensor | None) -> Tensor:
    """Return the picture of features, on top of the one below."""
    out = modulated(layer.conv, x, style) + layer.bias
    return out if skip is None else out + upfirdn2d(skip, layer.upsample.kernel, 2, (2, 1))


def decode(generator: Generator, codes: Tensor) -> Tensor:
    """Decode ``codes`` [B,n,dim] to images [B,3,S,S]."""
    x = generator.input.input.repeat(len(codes), 1, 1, 1)
    x = styled(generator.conv1, x, codes[:, 0], generator.noises[0])
    image = coloured(generator.to_rgb1, x, codes[:, 1], None)
    for level, to_rgb in enumerate(generator.to_rgbs):
        first = 2 * level + 1
        for index in (first, first + 1):
            layer = generator.convs[index - 1]
            assert isinstance(layer, StyledConv)
            x = styled(layer, x, codes[:, index], generator.noises[index])
        assert isinstance(to_rgb, ToRGB)
        image = coloured(to_rgb, x, codes[:, first + 2], image)
    return image

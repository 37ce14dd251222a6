"""The StyleGAN2 generator with skip connections (Karras et al. 2020, arXiv 1912.04958, figure 7b)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.begun import Begun
from psp.models.drawn import drawn
from psp.models.ops import (
    SQRT2,
    Blur,
    EqualLinear,
    ModulatedConv2d,
    PixelNorm,
    is_lean,
    is_one_lean,
    scaled_leaky_relu,
    upsample2d,
)


@dataclass(frozen=True)
class GeneratorConfig:
    """The shape of a generator; the defaults are the official config F at 1024 px.

    Attributes:
        size: Height and width of the output in pixels, a power of two.
        style_dim: Width of z, w and each code.
        n_mlp: Layers of the mapping network; 0: the file has none.
        channels: Channels at 4, 8, 16, … ``size`` px.
    """

    size: int = 1024
    style_dim: int = 512
    n_mlp: int = 8
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64, 32)

    def __post_init__(self) -> None:
        levels = int(math.log2(self.size)) - 1
        assert 2 ** (levels + 1) == self.size and self.size >= 8, f"size {self.size} is not a power of two"
        assert len(self.channels) == levels, f"{len(self.channels)} widths given for {levels} resolutions"

    @property
    def n_codes(self) -> int:
        """Number of W+ codes: 2·log2(size) − 2."""
        return 2 * int(math.log2(self.size)) - 2

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The size in pixels at which each code acts: 4, twice each power of two, ``size`` once more."""
        doubled = (8 << (index // 2) for index in range(self.n_codes - 2))
        return (4, *doubled, self.size)


def official_channels(size: int, multiplier: int = 2) -> tuple[int, ...]:
    """Return the official widths at 4 … ``size`` px."""
    by_size = dict.fromkeys((4, 8, 16, 32), 512) | {
        r: 16384 // r * multiplier for r in (64, 128, 256, 512, 1024)
    }
    return tuple(width for resolution, width in by_size.items() if resolution <= size)


class _Noise(nn.Module):
    """Adds a stored noise plane, scaled by one learned weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))  # checkpoint name

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return x + self.weight * noise


class _BiasActivation(nn.Module):
    """Adds a bias a channel, then the scaled leaky ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))  # checkpoint name

    def forward(self, x: Tensor) -> Tensor:
        return scaled_leaky_relu(x + self.bias[:, None, None])


class StyledConv(nn.Module):
    """Modulated 3×3 convolution, noise, bias and activation: one style's worth of the generator."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style_dim: int,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, style_dim, upsample=upsample)
        self.noise = _Noise()
        self.activate = _BiasActivation(out_channels)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """Map ``x`` [B,C,H,W] under ``style`` [B,style_dim] with ``noise`` [1,1,H',W']."""
        if is_one_lean(x):
            # The activation passes positive factors on, so that its own is a matter of what goes in.
            out = self.conv.lean(x, style, self.activate.bias, SQRT2)
            return F.leaky_relu_(out.add_(noise * (self.noise.weight * SQRT2)), 0.2)
        made: Tensor = self.activate(self.noise(self.conv(x, style), noise))
        return made


class ToRGB(nn.Module):
    """Modulated 1×1 convolution to colour, added to the upsampled picture of the level below."""

    def __init__(self, in_channels: int, style_dim: int, upsample: bool = True) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, 3, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        if upsample:
            self.upsample = Blur(gain=4.0)  # checkpoint name

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None = None) -> Tensor:
        """Return the picture [B,3,H,W] of features ``x`` and of ``skip`` [B,3,H/2,W/2]."""
        if is_one_lean(x):
            out = self.conv.lean(x, style, self.bias.flatten())
            return out if skip is None else out.add_(upsample2d(skip, self.upsample.kernel))
        out = self.conv(x, style) + self.bias
        return out if skip is None else out + upsample2d(skip, self.upsample.kernel)


class _ConstantInput(nn.Module):
    """The learned 4×4 start of the synthesis network."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(drawn(1, channels, 4, 4))  # checkpoint name


class _Noises(nn.Module):
    """The stored noise planes, one a layer, as ``noise_0`` … (checkpoint names)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        for index in range(layers):
            resolution = 4 * 2 ** ((index + 1) // 2)
            self.register_buffer(f"noise_{index}", drawn(1, 1, resolution, resolution))

    def __getitem__(self, index: int) -> Tensor:
        plane: Tensor = getattr(self, f"noise_{index}")
        return plane


class Generator(nn.Module):
    """StyleGAN2: mapping network and synthesis network, with stored noise so that decoding is a function.

    Args:
        config: The shape of the generator.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width, dim = config.channels, config.style_dim
        mapping = [EqualLinear(dim, dim, lr_mul=0.01, activate=True) for _ in range(config.n_mlp)]
        self.style = nn.Sequential(PixelNorm(), *mapping)  # checkpoint name
        self.input = _ConstantInput(width[0])  # checkpoint name
        self.conv1 = StyledConv(width[0], width[0], dim)  # checkpoint name
        self.to_rgb1 = ToRGB(width[0], dim, upsample=False)  # checkpoint name
        self.convs = nn.ModuleList()  # checkpoint name
        self.to_rgbs = nn.ModuleList()  # checkpoint name
        for below, here in itertools.pairwise(width):
            self.convs.append(StyledConv(below, here, dim, upsample=True))
            self.convs.append(StyledConv(here, here, dim))
            self.to_rgbs.append(ToRGB(here, dim))
        self.noises = _Noises(config.n_codes - 1)  # checkpoint name

    def map(self, z: Tensor) -> Tensor:
        """Map ``z`` [B,style_dim], standard normal, to w [B,style_dim]."""
        w: Tensor = self.style(z)
        return w

    def begin(self, codes: Tensor, layers: int) -> Begun | None:
        """Return what pictures have in common whose first ``layers`` codes are those of ``codes`` [1,n,dim].

        None where that is less than the picture of 8 px.
        """
        blocks = min((layers - 2) // 2, len(self.to_rgbs))
        if blocks < 1:
            return None
        return Begun(blocks, codes[:, : 2 * blocks + 2], *self._synthesise(codes, blocks, None))

    def forward(self, codes: Tensor, max_size: int | None = None, begun: Begun | None = None) -> Tensor:
        """Decode ``codes`` [B,n_codes,style_dim] to images [B,3,size,size], about [−1,1], not clipped.

        Args:
            codes: One style a layer; the layer that upsamples and the colour layer below share one.
            max_size: Stop at this resolution; the full size by default.
            begun: What :meth:`begin` returned for these codes, of no higher resolution.
        """
        assert codes.shape[1:] == (self.config.n_codes, self.config.style_dim), tuple(codes.shape)
        if is_lean(codes) and len(codes) > 1:
            return torch.cat([self(each, max_size, begun) for each in codes.split(1)])
        sizes = [4 << level for level in range(len(self.to_rgbs))]
        blocks = sizes.index(max_size) if max_size in sizes else len(sizes)
        return self._synthesise(codes, blocks, begun)[1]

    def _synthesise(self, codes: Tensor, blocks: int, begun: Begun | None) -> tuple[Tensor, Tensor]:
        """Return the features [B,C,S,S] and the picture [B,3,S,S] of 4 px, doubled ``blocks`` times."""
        if begun is not None:
            assert begun.image is not None, "StyleGAN2 grows a picture beside its features"
            x, image = begun.again(len(codes)), begun.image.expand(len(codes), -1, -1, -1)
        else:
            x = self.input.input.expand(codes.shape[0], -1, -1, -1)
            if is_lean(codes):
                x = x.contiguous(memory_format=torch.channels_last)
            x = self.conv1(x, codes[:, 0], self.noises[0])
            image = self.to_rgb1(x, codes[:, 1])
        for level in range(begun.blocks if begun else 0, blocks):
            first = 2 * level + 1
            x = self.convs[first - 1](x, codes[:, first], self.noises[first])
            x = self.convs[first](x, codes[:, first + 1], self.noises[first + 1])
            image = self.to_rgbs[level](x, codes[:, first + 2], image)
        return x, image

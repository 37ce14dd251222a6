"""MobileStyleGAN (Belousov 2021, arXiv 2104.04767): StyleGAN2 in eight million weights, for codes in W+.

Features grow by inverse wavelet transforms; convolutions are modulated, depthwise and pointwise, without
demodulation; the network's last layer gives the wavelet bands of the picture, not the picture. The published
network takes one w; here each of its layers takes a code of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.begun import Begun
from psp.models.drawn import drawn
from psp.models.haar import inverse_haar, inverse_haar_beside
from psp.models.ops import PixelNorm, is_lean, is_one_lean, pointwise, scaled_leaky_relu


@dataclass(frozen=True)
class MobileConfig:
    """The shape of a MobileStyleGAN; the defaults are the published one, for faces at 1024 px.

    Attributes:
        size: Height and width of the output in pixels, a power of two.
        style_dim: Width of z, w and each code.
        n_mlp: Layers of the mapping network.
        channels: Channels at 4, 8, 16, … ``size`` / 2 px.
        kind: Tells it from a StyleGAN2 where it is written down.
    """

    size: int = 1024
    style_dim: int = 512
    n_mlp: int = 8
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64)
    kind: Literal["mobile"] = "mobile"

    def __post_init__(self) -> None:
        levels = int(math.log2(self.size)) - 2
        assert 2 ** (levels + 2) == self.size and self.size >= 16, f"size {self.size} is not a power of two"
        assert len(self.channels) == levels, f"{len(self.channels)} widths given for {levels} resolutions"
        assert all(width % 4 == 0 for width in self.channels), "each width is four wavelet bands"

    @property
    def n_codes(self) -> int:
        """Number of W+ codes: one at 4 px, three a doubling up to ``size`` / 2, one for the picture."""
        return 3 * (len(self.channels) - 1) + 2

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The size in pixels at which each code acts: 4, three times each power of two, and ``size``."""
        blocks = (8 << block for block in range(len(self.channels) - 1) for _ in range(3))
        return (4, *blocks, self.size)


class _Mapping(nn.Sequential):
    """z to w: normalised, then linear layers with scaled leaky ReLUs, learning-rate factors folded in."""

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__(PixelNorm(), *(nn.Linear(dim, dim) for _ in range(layers)))

    def forward(self, z: Tensor) -> Tensor:
        x = self[0](z)
        for layer in list(self)[1:]:
            x = scaled_leaky_relu(layer(x))
        return x


class _Conv(nn.Module):
    """A modulated convolution with stored noise, bias and activation; depthwise and pointwise, or dense.

    Args:
        inner: Channels that go in.
        outer: Channels that come out.
        size: Height and width.
        style_dim: Width of a code.
        dense: Whether it is one 3×3 convolution, as at 4 px.
    """

    noise: Tensor

    def __init__(self, inner: int, outer: int, size: int, style_dim: int, *, dense: bool = False) -> None:
        super().__init__()
        self.style = nn.Linear(style_dim, inner)
        side = 3 if dense else 1
        self.depthwise = None if dense else nn.Parameter(drawn(inner, 1, 3, 3, over=3))
        self.weight = nn.Parameter(drawn(outer, inner, side, side, over=math.sqrt(inner * side * side)))
        self.bias = nn.Parameter(torch.zeros(outer))
        # As published: drawn once, times its learned strength.
        self.register_buffer("noise", torch.zeros(1, 1, size, size))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Map ``x`` [B,C,H,W] under ``code`` [B,style_dim]."""
        if is_one_lean(x):
            return self._lean(x, self.style(code)[0])
        x = x * self.style(code)[:, :, None, None]
        if self.depthwise is None:
            x = F.conv2d(x, self.weight, padding=1)
        else:
            x = F.conv2d(F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1]), self.weight)
        offset = self.noise + self.bias[:, None, None]
        # Fresh pages cost a CPU more than the addition does.
        x = x + offset if x.requires_grad else x.add_(offset)
        return F.leaky_relu(x, 0.2, inplace=not x.requires_grad)

    def _lean(self, x: Tensor, style: Tensor) -> Tensor:
        """Do the same for one picture, under its style [C]: see ``psp.models.ops.is_lean``."""
        x = x.contiguous(memory_format=torch.channels_last)
        if self.depthwise is None:
            x = F.conv2d(x, self.weight * style[:, None, None], self.bias, padding=1)
        else:
            weight = self.depthwise * style[:, None, None, None]
            x = pointwise(F.conv2d(x, weight, padding=1, groups=len(weight)), self.weight, self.bias)
        return F.leaky_relu_(x.add_(self.noise), 0.2)


class _Block(nn.Module):
    """Twice the size: features under a code, taken as wavelet bands, then two convolutions."""

    def __init__(self, below: int, here: int, size: int, style_dim: int) -> None:
        super().__init__()
        self.style = nn.Linear(style_dim, below)
        self.conv1 = _Conv(below // 4, here, size, style_dim)
        self.conv2 = _Conv(here, here, size, style_dim)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """Map ``x`` [B,C,H,W] under ``codes`` [B,3,style_dim] to [B,C',2H,2W]."""
        style = self.style(codes[:, 0])[:, :, None, None]
        # In place: what came from the block below is read nowhere else.
        x = inverse_haar_beside(x.mul_(style * 0.5)) if is_one_lean(x) else inverse_haar(x * style)
        out: Tensor = self.conv2(self.conv1(x, codes[:, 1]), codes[:, 2])
        return out


class _ToBands(nn.Module):
    """Features under a code to the picture's twelve wavelet bands: three low ones, then nine of detail."""

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.style = nn.Linear(style_dim, channels)
        self.weight = nn.Parameter(drawn(12, channels, 1, 1, over=math.sqrt(channels)))
        self.bias = nn.Parameter(torch.zeros(12))

    def forward(self, x: Tensor, code: Tensor, bands: int) -> Tensor:
        """Return the first ``bands`` bands [B,bands,H,W] of features ``x`` [B,C,H,W]."""
        if is_one_lean(x):
            weight = self.weight[:bands] * self.style(code)[0][:, None, None]
            return pointwise(x.contiguous(memory_format=torch.channels_last), weight, self.bias[:bands])
        x = x * self.style(code)[:, :, None, None]
        return F.conv2d(x, self.weight[:bands], self.bias[:bands])


class MobileGenerator(nn.Module):
    """MobileStyleGAN: mapping and synthesis network, with stored noise so that decoding is a function.

    Args:
        config: The shape of the generator.
    """

    def __init__(self, config: MobileConfig) -> None:
        super().__init__()
        self.config = config
        width, dim = config.channels, config.style_dim
        self.mapping = _Mapping(dim, config.n_mlp)
        self.input = nn.Parameter(drawn(1, width[0], 4, 4))
        self.first = _Conv(width[0], width[0], 4, dim, dense=True)
        self.blocks = nn.ModuleList(
            _Block(below, here, 8 << level, dim)
            for level, (below, here) in enumerate(itertools.pairwise(width))
        )
        self.to_bands = _ToBands(width[-1], dim)

    def map(self, z: Tensor) -> Tensor:
        """Map ``z`` [B,style_dim], standard normal, to w [B,style_dim]."""
        w: Tensor = self.mapping(z)
        return w

    def style_weights(self) -> list[Tensor]:
        """Return the weights [C,style_dim] of the affine layer that reads each code, in their order."""
        layers = [self.first.style]
        for block in self.blocks:
            assert isinstance(block, _Block)
            layers += [block.style, block.conv1.style, block.conv2.style]
        return [layer.weight for layer in (*layers, self.to_bands.style)]

    def begin(self, codes: Tensor, layers: int) -> Begun | None:
        """Return what pictures have in common whose first ``layers`` codes are those of ``codes`` [1,n,dim].

        None where that is less than the block at 8 px.
        """
        blocks = min((layers - 1) // 3, len(self.blocks))
        if blocks < 1:
            return None
        return Begun(blocks, codes[:, : 3 * blocks + 1], self.features(codes, 4 << blocks))

    def features(
        self,
        codes: Tensor,
        size: int | None = None,
        added: Mapping[int, Tensor] | None = None,
        begun: Begun | None = None,
    ) -> Tensor:
        """Return the features [B,C,size,size] under the first of ``codes`` [B,n,style_dim].

        Args:
            codes: As for ``forward``; those of later layers are not used.
            size: 4 px to half of the output's; the latter by default.
            added: By side in pixels, what is added to the features [B,C,side,side] (``psp.models.residual``).
            begun: What :meth:`begin` returned for these codes, no larger than what is added or asked for.
        """
        if begun is None:
            x: Tensor = self.first(self.input.expand(len(codes), -1, -1, -1), codes[:, 0])
        else:
            x = _with(begun.again(len(codes)), added)
        for level in range(begun.blocks if begun else 0, len(self.blocks)):
            if x.shape[-1] == size:
                break
            x = _with(self.blocks[level](x, codes[:, 3 * level + 1 : 3 * level + 4]), added)
        return x

    def forward(
        self,
        codes: Tensor,
        max_size: int | None = None,
        added: Mapping[int, Tensor] | None = None,
        begun: Begun | None = None,
    ) -> Tensor:
        """Decode ``codes`` [B,n_codes,style_dim] to images [B,3,size,size], about [−1,1], not clipped.

        Args:
            codes: One code a layer.
            max_size: A smaller size, 4 px at least: each pixel the mean of those that it stands for. It costs
                a little less: the low band is that mean for half of the size, others are means of it.
            added: As for ``features``.
            begun: As for ``features``.
        """
        config = self.config
        assert codes.shape[1:] == (config.n_codes, config.style_dim), tuple(codes.shape)
        if is_lean(codes) and len(codes) > 1:
            return torch.cat([self(*each, begun) for each in _one_by_one(codes, max_size, added)])
        x, last = self.features(codes, added=added, begun=begun), codes[:, -1]
        if max_size is None or max_size >= config.size:
            bands = self.to_bands(x, last, 12)
            return inverse_haar_beside(bands.mul_(0.5)) if is_lean(bands) else inverse_haar(bands)
        # The layer is linear and the same at each pixel: what is averaged first need not be computed.
        x = F.avg_pool2d(x, x.shape[-1] // max_size) if max_size < x.shape[-1] else x
        low: Tensor = self.to_bands(x, last, 3)
        return low / 2


def _with(x: Tensor, added: Mapping[int, Tensor] | None) -> Tensor:
    """Return features with what is added to those of their size, if anything is."""
    return x + added[x.shape[-1]] if added and x.shape[-1] in added else x


def _one_by_one(
    codes: Tensor, max_size: int | None, added: Mapping[int, Tensor] | None
) -> Iterator[tuple[Tensor, int | None, dict[int, Tensor]]]:
    """Yield the arguments of ``MobileGenerator.forward`` for each picture of several."""
    for index, each in enumerate(codes.split(1)):
        own = {
            side: value if len(value) == 1 else value[index : index + 1]
            for side, value in (added or {}).items()
        }
        yield each, max_size, own

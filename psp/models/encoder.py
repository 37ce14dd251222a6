"""The pSp encoders: pictures to W+ codes, relative to the average code (pSp paper, section 3 and figure 2).

``gradual`` is the paper's encoder: an IR-SE backbone, a feature pyramid over its last three stages, and one
small map2style network a code. ``w`` and ``w_plus`` are the paper's baselines (table 1), which use the last
stage only. ``e4e`` has the layers of ``gradual`` but adds offsets to one code (arXiv 2102.02766, figure 4).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.irse import IR50_STAGES, Stage, body, input_layer
from psp.models.ops import EqualLinear, is_lean, laid_out

_SMALL = 16  # side of a map that has fewer positions than a layer has weights to read

EncoderKind = Literal["gradual", "w", "w_plus", "e4e"]


@dataclass(frozen=True)
class EncoderConfig:
    """The shape of an encoder; the defaults are the official one.

    Attributes:
        kind: Which encoder.
        in_channels: 3 for colour, 1 for sketches, 19 for segmentation maps.
        in_size: Height and width of the input in pixels.
        n_codes: Codes to make.
        code_dim: Width of a code.
        patch: Space-to-depth factor of the input: ``patch``² pixels become one position (1: none).
        width: Channels of the first layer.
        stages: The backbone; the last three stages feed the pyramid.
        style_width: Channels inside each map2style network.
        coarse: Codes before this index come from the coarsest level.
        medium: Codes before this index, and not coarse, come from the middle level; the rest from the finest.
    """

    kind: EncoderKind = "gradual"
    in_channels: int = 3
    in_size: int = 256
    n_codes: int = 18
    code_dim: int = 512
    patch: int = 1
    width: int = 64
    stages: tuple[Stage, ...] = IR50_STAGES
    style_width: int = 512
    coarse: int = 3
    medium: int = 7

    @property
    def passes(self) -> int:
        """How often it looks: at the photo, once."""
        return 1

    def level_size(self, level: int) -> int:
        """Return the height of pyramid level 0 (coarsest) to 2 (finest)."""
        stages = self.stages[: len(self.stages) - level]
        return self.in_size // self.patch // math.prod(stage.stride for stage in stages)


class MapToStyle(nn.Module):
    """Fully convolutional map2style: halves the map down to one position, then a linear layer (figure 2)."""

    def __init__(self, in_channels: int, width: int, code_dim: int, spatial: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(int(math.log2(spatial))):
            conv = nn.Conv2d(in_channels if index == 0 else width, width, 3, 2, 1)
            nn.init.kaiming_normal_(conv.weight, a=0.01)
            layers += [conv, nn.LeakyReLU()]
        self.convs = nn.Sequential(*layers)  # checkpoint name
        self.linear = EqualLinear(width, code_dim)  # checkpoint name

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [B,C,S,S] to a code [B,code_dim]."""
        out: Tensor = self.linear(self.convs(x).flatten(1))
        return out

    def of_columns(self, columns: Tensor) -> Tensor:
        """Do :meth:`forward` where the first convolution's columns are known; see :func:`columns_of`.

        Args:
            columns: [B,C·9,positions].
        """
        first, *others = self.convs
        assert isinstance(first, nn.Conv2d) and first.bias is not None, "where there are columns, it is one"
        x = first.weight.flatten(1) @ columns
        x += first.bias[:, None]
        x = x.unflatten(2, (math.isqrt(x.shape[2]), -1))
        for layer in others:
            if isinstance(layer, nn.LeakyReLU):
                x = F.leaky_relu_(x)
            elif isinstance(layer, nn.Conv2d) and x.shape[-1] <= _SMALL:
                x = _of_few_positions(x, layer)
            else:
                x = layer(x)
        out: Tensor = self.linear(x.flatten(1))
        return out


def _of_few_positions(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Convolve a small map [B,C,S,S], 3×3, stride 2: as one product, which reads the weights once.

    A convolution would lay them out anew first, and there are many more of them than there are positions.
    """
    made = F.linear(columns_of(x).transpose(1, 2), conv.weight.flatten(1), conv.bias)
    return made.transpose(1, 2).unflatten(2, (x.shape[-2] // 2, -1))


def columns_of(level: Tensor) -> Tensor:
    """Return the patches of a level [B,C,S,S] that 3×3 convolutions of stride 2 see, [B,C·9,S²/4].

    All map2style networks of a level begin with one: they are gathered once for all.
    """
    return F.unfold(level, 3, padding=1, stride=2)


class GradualStyleEncoder(nn.Module):
    """The paper's encoder (``gradual``), and e4e's, which shares its layers.

    Args:
        config: The shape of the encoder; ``kind`` is "gradual" or "e4e".
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        assert config.kind in ("gradual", "e4e") and len(config.stages) >= 3
        self.config = config
        self.input_layer = input_layer(config.in_channels * config.patch**2, config.width)  # checkpoint name
        self.body = body(config.width, config.stages)  # checkpoint name
        fine, medium, coarse = (stage.depth for stage in config.stages[-3:])
        self.styles = nn.ModuleList()  # checkpoint name
        for index in range(config.n_codes):
            spatial = config.level_size(0 if index < config.coarse else 1 if index < config.medium else 2)
            self.styles.append(MapToStyle(coarse, config.style_width, config.code_dim, spatial))
        self.latlayer1 = nn.Conv2d(medium, coarse, 1)  # checkpoint name
        self.latlayer2 = nn.Conv2d(fine, coarse, 1)  # checkpoint name
        self._ends = tuple(itertools.accumulate(stage.units for stage in config.stages))[-3:]

    def _pyramid(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps of the coarse, medium and fine level, all of one width."""
        x = images if self.config.patch == 1 else F.pixel_unshuffle(images, self.config.patch)
        x = self.input_layer(laid_out(x))
        taps = []
        for index, unit in enumerate(self.body, start=1):
            x = unit(x)
            if index in self._ends:
                taps.append(x)
        fine, medium, coarse = taps
        level1 = add_upsampled(coarse, self.latlayer1(medium))
        level2 = add_upsampled(level1, self.latlayer2(fine))
        return coarse, level1, level2

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``images`` [B,in_channels,in_size,in_size] as codes [B,n_codes,code_dim], relative."""
        levels = self._pyramid(images)
        config = self.config
        of_level = [(index >= config.coarse) + (index >= config.medium) for index in range(config.n_codes)]
        if is_lean(images) and min(level.shape[-1] for level in levels) > 1:
            columns = [columns_of(level) for level in levels]
            codes = [style.of_columns(columns[of]) for style, of in zip(self.styles, of_level, strict=True)]  # type: ignore[operator]  # each is a MapToStyle
        else:
            codes = [style(levels[of]) for style, of in zip(self.styles, of_level, strict=True)]
        if config.kind == "e4e":  # every code is the first one plus its own offset
            codes = [codes[0]] + [codes[0] + offset for offset in codes[1:]]
        return torch.stack(codes, dim=1)


def add_upsampled(x: Tensor, lateral: Tensor) -> Tensor:
    """Add ``x``, enlarged to the size of ``lateral``, to it: one top-down step of the pyramid."""
    return F.interpolate(x, size=lateral.shape[-2:], mode="bilinear", align_corners=True) + lateral


class LastLayerEncoder(nn.Module):
    """The two baselines of the paper's table 1, from the backbone's last stage alone.

    ``w`` makes one code for all layers, ``w_plus`` makes all codes with one linear layer.

    Args:
        config: The shape of the encoder; ``kind`` is "w" or "w_plus".
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        assert config.kind in ("w", "w_plus")
        self.config = config
        self.input_layer = input_layer(config.in_channels * config.patch**2, config.width)  # checkpoint name
        self.body = body(config.width, config.stages)  # checkpoint name
        depth, dim = config.stages[-1].depth, config.code_dim
        if config.kind == "w":
            self.linear = EqualLinear(depth, dim)  # checkpoint name
        else:
            self.output_layer_2 = nn.Sequential(  # checkpoint name
                nn.BatchNorm2d(depth), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(depth * 49, dim)
            )
            self.linear = EqualLinear(dim, dim * config.n_codes)

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``images`` [B,in_channels,in_size,in_size] as codes [B,n_codes,code_dim], relative."""
        config = self.config
        x = images if config.patch == 1 else F.pixel_unshuffle(images, config.patch)
        x = self.body(self.input_layer(laid_out(x)))
        if config.kind == "w":
            code: Tensor = self.linear(x.mean(dim=(2, 3)))
            return code[:, None].expand(-1, config.n_codes, -1)
        codes: Tensor = self.linear(self.output_layer_2(x))
        return codes.view(-1, config.n_codes, config.code_dim)


def build_official_encoder(config: EncoderConfig) -> GradualStyleEncoder | LastLayerEncoder:
    """Return the encoder that ``config.kind`` names."""
    return GradualStyleEncoder(config) if config.kind in ("gradual", "e4e") else LastLayerEncoder(config)

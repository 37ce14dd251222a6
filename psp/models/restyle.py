"""ReStyle's encoders (Alaluf et al. 2021, arXiv 2104.02699), which look at their own picture of a photo too.

All codes come from the backbone's last map. What the encoder gives is added to the codes that its last
picture was made of; the first picture is that of the average code. The face encoders have pSp's IR-SE50,
those of other domains a ResNet-34 without its pooling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.encoder import MapToStyle
from psp.models.irse import IR50_STAGES, Stage, body, input_layer
from psp.models.resnet import BasicUnit

MOST_PASSES = 32
"""More are believed of no file: each costs an encoder's and a generator's run."""

RESTYLE_STAGES = {
    "ir_se": IR50_STAGES,
    "resnet": (Stage(64, 3, stride=1), Stage(128, 4), Stage(256, 6), Stage(512, 3)),
}
"""The official backbones."""

PICTURE = 3
"""Channels of the pictures that a generator makes."""

Look = Callable[[int, int], None]
"""Told before each look which one it is, from 1, and of how many; may raise to stop the work."""


@dataclass(frozen=True)
class RestyleConfig:
    """The shape of an encoder of ReStyle; the defaults are the official one for faces.

    Attributes:
        in_channels: Of the photo; the first layer sees as many, and the three of the picture made of it.
        in_size: Height and width of both in pixels.
        n_codes: Codes to make.
        code_dim: Width of a code.
        backbone: IR-SE units or those of a ResNet.
        width: Channels of the first layer.
        stages: The backbone.
        style_width: Channels inside each map2style network.
        passes: How often it looks.
        kind: "restyle_e4e": every code is the first one plus its own offset, as e4e's.
    """

    in_channels: int = 3
    in_size: int = 256
    n_codes: int = 18
    code_dim: int = 512
    backbone: Literal["ir_se", "resnet"] = "ir_se"
    width: int = 64
    stages: tuple[Stage, ...] = IR50_STAGES
    style_width: int = 512
    passes: int = 5
    kind: Literal["restyle", "restyle_e4e"] = "restyle"

    def __post_init__(self) -> None:
        assert 1 <= self.passes <= MOST_PASSES, f"{self.passes} passes, not 1 to {MOST_PASSES}"

    @property
    def shrinks(self) -> int:
        """By how much the backbone shrinks a side."""
        stem = 2 if self.backbone == "resnet" else 1
        return stem * math.prod(stage.stride for stage in self.stages)


class RestyleEncoder(nn.Module):
    """A photo and the model's picture of it to what is added to the codes of that picture.

    Args:
        config: The shape of the encoder.
    """

    def __init__(self, config: RestyleConfig) -> None:
        super().__init__()
        self.config = config
        seen, last = config.in_channels + PICTURE, config.in_size // config.shrinks
        assert config.stages and last * config.shrinks == config.in_size, "the backbone halves the picture"
        assert last == 2 ** (last.bit_length() - 1), "a map2style network halves its map down to one position"
        if config.backbone == "ir_se":
            self.input_layer = input_layer(seen, config.width)  # checkpoint name
            self.body = body(config.width, config.stages)  # checkpoint name
        else:
            self.conv1 = nn.Conv2d(seen, config.width, 7, 2, 3, bias=False)  # checkpoint name
            self.bn1 = nn.BatchNorm2d(config.width)  # checkpoint name
            self.relu = nn.PReLU(config.width)  # checkpoint name
            self.body = _resnet_body(config.width, config.stages)  # checkpoint name
        depth = config.stages[-1].depth
        self.styles = nn.ModuleList(  # checkpoint name
            MapToStyle(depth, config.style_width, config.code_dim, last) for _ in range(config.n_codes)
        )

    def forward(self, pairs: Tensor) -> Tensor:
        """Return what is added to the codes, [B,n_codes,code_dim].

        Args:
            pairs: [B,in_channels + 3,in_size,in_size], the photos before the pictures made of them.
        """
        resnet = self.config.backbone == "resnet"
        x = self.relu(self.bn1(self.conv1(pairs))) if resnet else self.input_layer(pairs)
        x = self.body(x)
        codes = torch.stack([to_style(x) for to_style in self.styles], dim=1)
        if self.config.kind == "restyle_e4e":
            codes = torch.cat([codes[:, :1], codes[:, :1] + codes[:, 1:]], dim=1)
        return codes

    def invert(
        self, images: Tensor, w_avg: Tensor, decode: Callable[[Tensor], Tensor], look: Look | None = None
    ) -> Tensor:
        """Return the codes [B,n_codes,code_dim] of ``images``, the average added, after all passes.

        Each picture is decoded by itself, so that a batch takes no more memory for it than one photo, and its
        codes do not depend on the others.

        Args:
            images: [B,in_channels,in_size,in_size].
            w_avg: The average code, [n_codes,code_dim].
            decode: Makes the pictures [1,3,H,W] of codes [1,n_codes,code_dim], at their full size.
            look: Told of each pass before it begins.
        """
        codes = w_avg.expand(len(images), -1, -1)
        for index in range(self.config.passes):
            if look is not None:
                look(index + 1, self.config.passes)
            # The first picture is one for all.
            made = [self._small(decode(each[None])) for each in (codes if index else codes[:1])]
            seen = torch.cat(made).expand(len(images), -1, -1, -1)
            codes = codes + self(torch.cat([images, seen], dim=1))  # section 3: w ← w + E(x, y)
        return codes

    def _small(self, made: Tensor) -> Tensor:
        """Return a picture at the size of the input, each pixel the mean of those that it stands for."""
        return F.adaptive_avg_pool2d(made, self.config.in_size)


def _resnet_body(width: int, stages: tuple[Stage, ...]) -> nn.Sequential:
    """Return the units of all ``stages`` in one sequence, as official state dicts number them."""
    units = []
    for stage in stages:
        for index in range(stage.units):
            units.append(BasicUnit(width, stage.depth, stage.stride if index == 0 else 1))
            width = stage.depth
    return nn.Sequential(*units)

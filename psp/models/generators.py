"""The generators there are: StyleGAN2 and MobileStyleGAN; both map z to w, and decode a code a layer."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from psp.models.generator import Generator, GeneratorConfig, StyledConv, ToRGB
from psp.models.mobile import MobileConfig, MobileGenerator

AnyConfig: TypeAlias = GeneratorConfig | MobileConfig
AnyGenerator: TypeAlias = Generator | MobileGenerator


def build_generator(config: AnyConfig) -> AnyGenerator:
    """Return a generator of the shape ``config``, with random weights."""
    return MobileGenerator(config) if isinstance(config, MobileConfig) else Generator(config)


def affine_weights(generator: AnyGenerator) -> list[Tensor]:
    """Return, for each code, the weights [C,style_dim] of all the affine layers that read it, joined.

    What a code does to a picture is what these make of it: a distance of codes is measured behind them.
    """
    if isinstance(generator, MobileGenerator):
        return [weight.detach() for weight in generator.style_weights()]
    readers: list[list[StyledConv | ToRGB]] = [[] for _ in range(generator.config.n_codes)]
    readers[0].append(generator.conv1)
    readers[1].append(generator.to_rgb1)
    for index, conv in enumerate(generator.convs, start=1):
        assert isinstance(conv, StyledConv)
        readers[index].append(conv)
    for level, to_rgb in enumerate(generator.to_rgbs):
        assert isinstance(to_rgb, ToRGB)
        readers[2 * level + 3].append(to_rgb)
    return [
        torch.cat([layer.conv.modulation.weight * layer.conv.modulation.scale for layer in layers]).detach()
        for layers in readers
    ]

"""Preview heads: small pictures of codes from a MobileStyleGAN's early features, without its costly blocks.

Most of a face stands in the features at 128 px; the later codes scale the channels of a few thin
layers that go on from there. As in the generator, the last one gives wavelet bands, here of twice the
features' size. The heads were distilled from the generator's own pictures.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.begun import Begun
from psp.models.generators import AnyGenerator
from psp.models.haar import inverse_haar, inverse_haar_beside
from psp.models.mobile import MobileConfig, MobileGenerator
from psp.models.ops import is_one_lean, pointwise

# Relative: stored weights are rounded by far less than this, and those of a fine-tuned copy differ by more.
_SAME = 0.02
_BLOCK = 3  # codes of a block of the generator


@dataclass(frozen=True)
class PreviewConfig:
    """The shape of preview heads; the defaults are those of the bundled ones.

    Attributes:
        generator: The generator's shape.
        widths: For each head, the side of its pictures in pixels, twice the features', and its channels.
    """

    generator: MobileConfig = field(default_factory=MobileConfig)
    widths: tuple[tuple[int, int], ...] = ((256, 96),)

    def __post_init__(self) -> None:
        inner = {8 << level for level in range(len(self.generator.channels) - 1)}
        assert all(size in inner for size, _ in self.widths), f"pictures of {sorted(inner)} px can be had"


class PreviewHead(nn.Module):
    """Features and the codes that did not go into them to a picture of twice the features' size.

    Args:
        generator: The generator's shape.
        size: Side of the picture in pixels.
        width: Channels inside.
    """

    def __init__(self, generator: MobileConfig, size: int, width: int) -> None:
        super().__init__()
        level = (size // 8).bit_length() - 1
        channels, dim = generator.channels[level], generator.style_dim
        # The first later code scales the features, as in the generator; the others are dealt out evenly.
        first = 1 + _BLOCK * level
        each = (generator.n_codes - first - 1) // _BLOCK
        self.starts = (first, *(first + 1 + each * index for index in range(_BLOCK)), generator.n_codes)
        scaled = (channels, width, width, width)
        self.styles = nn.ModuleList(
            nn.Linear((end - start) * dim, count)
            for (start, end), count in zip(itertools.pairwise(self.starts), scaled, strict=True)
        )
        self.enter = nn.Conv2d(channels, width, 1)
        self.units = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, groups=width), nn.Conv2d(width, width, 1))
            for _ in range(2)
        )
        self.to_bands = nn.Conv2d(width, 12, 1)

    def forward(self, features: Tensor, codes: Tensor) -> Tensor:
        """Map ``features`` [B,C,H,H] and ``codes`` [B,n_codes,style_dim] to images [B,3,2H,2H]."""
        enter, *inner = (
            style(codes[:, start:end].flatten(1))[:, :, None, None]
            for style, (start, end) in zip(self.styles, itertools.pairwise(self.starts), strict=True)
        )
        if is_one_lean(features):
            return self._lean(features, [each.flatten() for each in (enter, *inner)])
        x = F.leaky_relu(self.enter(features * enter), 0.2)
        for unit, scale in zip(self.units, inner, strict=False):  # the last scale is that of the bands
            x = x + F.leaky_relu(unit(x * scale), 0.2)
        return inverse_haar(self.to_bands(x * inner[-1]))

    def _lean(self, features: Tensor, scales: list[Tensor]) -> Tensor:
        """Do the same for one picture, its styles [C] scaling weights: see ``psp.models.ops.is_lean``."""
        first, *inner, last = scales
        x = features.contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu_(pointwise(x, self.enter.weight * first[:, None, None], _bias(self.enter)), 0.2)
        for unit, scale in zip(self.units, inner, strict=True):
            assert isinstance(unit, nn.Sequential)
            around, across = unit
            assert isinstance(around, nn.Conv2d) and isinstance(across, nn.Conv2d)
            weight = around.weight * scale[:, None, None, None]
            near = F.conv2d(x, weight, around.bias, padding=1, groups=len(weight))
            x = x.add_(F.leaky_relu_(pointwise(near, across.weight, _bias(across)), 0.2))
        bands = pointwise(x, self.to_bands.weight * last[:, None, None], _bias(self.to_bands))
        return inverse_haar_beside(bands.mul_(0.5))


class Previews(nn.Module):
    """All preview heads of one generator.

    Args:
        config: Their shape.
    """

    mark: Tensor

    def __init__(self, config: PreviewConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PreviewConfig()
        shape = config.generator
        self.heads = nn.ModuleDict(
            {str(size): PreviewHead(shape, size, width) for size, width in config.widths}
        )
        # The generator's last layer: what tells the one that was distilled from others of its shape.
        self.register_buffer("mark", nn.Conv2d(shape.channels[-1], 12, 1).weight.detach())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the pictures that can be had, in pixels."""
        return tuple(size for size, _ in self.config.widths)

    def fits(self, generator: AnyGenerator) -> bool:
        """Return whether ``generator`` is the one that was distilled, rounding of its weights aside."""
        return is_generator(generator, self.config.generator, self.mark)

    def forward(
        self,
        generator: MobileGenerator,
        codes: Tensor,
        size: int,
        added: Mapping[int, Tensor] | None = None,
        begun: Begun | None = None,
    ) -> Tensor:
        """Return pictures of ``codes``: images [B,3,size,size], about [−1,1], not clipped.

        Gradients reach the codes, and the generator where it takes any.

        Args:
            generator: The one that fits.
            codes: [B,n_codes,style_dim], the average included.
            size: One of ``sizes``.
            added: As for ``MobileGenerator.features``.
            begun: As for ``MobileGenerator.features``.
        """
        assert size in self.sizes, f"{size} px is none of {self.sizes}"
        head = self.heads[str(size)]
        images: Tensor = head(generator.features(codes, size // 2, added, begun), codes)
        return images


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None, "each of these layers has one"
    return layer.bias


def is_generator(generator: AnyGenerator, config: MobileConfig, mark: Tensor) -> bool:
    """Return whether ``generator`` is the one whose last layer is ``mark``, rounding of its weights aside."""
    if not isinstance(generator, MobileGenerator) or generator.config != config:
        return False
    gap = generator.to_bands.weight.detach().float() - mark
    return bool(gap.norm() < _SAME * mark.norm())

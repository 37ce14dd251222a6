"""A small network that maps faces: a picture to a score for each class at each position.

A U-net (Ronneberger et al. 2015, arXiv 1505.04597) of inverted residual units (MobileNetV2, Sandler et al.
2018, arXiv 1801.04381): down to a sixteenth of its first size, what the whole picture says added there, and
up again.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

_UNITS = 3  # at each size below the first
_EXPANSION = 2


@dataclass(frozen=True)
class ParserConfig:
    """The shape of a parser; the defaults are those of the bundled one.

    Attributes:
        in_size: Height and width of the pictures in pixels.
        n_classes: Classes to tell apart.
        widths: Channels at 1/2, 1/4, 1/8, … of ``in_size``.
    """

    in_size: int = 256
    n_classes: int = 19
    widths: tuple[int, ...] = (24, 40, 72, 120, 176)

    def __post_init__(self) -> None:
        assert self.in_size % 2 ** len(self.widths) == 0, f"{self.in_size} px cannot be halved so often"


class _Unit(nn.Module):
    """Wider by a 1×1 convolution, a depthwise 3×3 one, narrower again; added to its input where that fits."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        width = _EXPANSION * inner
        self.net = nn.Sequential(
            nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, outer, 1, bias=False), nn.BatchNorm2d(outer),
        )  # fmt: skip
        self.added = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [B,C,H,W] to [B,C',H/stride,W/stride]."""
        out: Tensor = self.net(x)
        return out + x if self.added else out


class FaceMapper(nn.Module):
    """Scores of the classes of an aligned face, at half of the picture's size.

    Args:
        config: The shape of the network.
    """

    def __init__(self, config: ParserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ParserConfig()
        first, last = config.widths[0], config.widths[-1]
        pairs = tuple(itertools.pairwise(config.widths))
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(), _Unit(first, first, 1)
        )
        self.downs = nn.ModuleList(
            nn.Sequential(_Unit(above, below, 2), *(_Unit(below, below, 1) for _ in range(_UNITS - 1)))
            for above, below in pairs
        )
        self.ups = nn.ModuleList(nn.Conv2d(below, above, 1, bias=False) for above, below in pairs)
        self.joins = nn.ModuleList(
            nn.Sequential(nn.Conv2d(above, above, 3, 1, 1, bias=False), nn.BatchNorm2d(above), nn.ReLU())
            for above, _ in pairs
        )
        self.pool = nn.Sequential(nn.Linear(last, last), nn.ReLU(), nn.Linear(last, last))
        self.out = nn.Conv2d(first, config.n_classes, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``images`` [B,3,S,S] in [−1,1], S = ``in_size``, to scores (logits) [B,n_classes,S/2,S/2]."""
        size = self.config.in_size
        assert images.shape[1:] == (3, size, size), tuple(images.shape)
        x = self.stem(images)
        above = []
        for down in self.downs:
            above.append(x)
            x = down(x)
        x = x + self.pool(x.mean(dim=(2, 3)))[:, :, None, None]
        for up, join, beside in reversed(list(zip(self.ups, self.joins, above, strict=True))):
            x = F.interpolate(up(x), beside.shape[-2:], mode="bilinear", align_corners=False)
            x = join(x + beside)
        out: Tensor = self.out(x)
        return out

"""What codes cannot say of a photo, as an addition to the generator's features: hats, curls, what is behind.

W+ codes scale whole channels of a generator, so they hold no place. A small network looks at the photo, at
the picture that the codes give and at the features behind it, and says what to add to the features at 64 and
at 128 px (as Yao et al. 2022, arXiv 2202.02183, predict a feature map; here two, bounded, on top of the
answer).

It says so in few channels, "details", which are kept with the codes; widening them to the generator's
channels is a part of decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.generators import AnyGenerator
from psp.models.mobile import MobileConfig
from psp.models.preview import is_generator

# Standard deviations of a channel: no addition is larger.
_LIMIT = 3.0
_COARSE, _FINE = 64, 128
# What is a change of the picture, as a mean square, and over how many places a side it is spread; what is one
# of its colours alone.
_CHANGED, _AROUND, _COLOURED = 0.15, 5, 0.6
# Of a mixture: the mean over its places under which it is another picture, and above which it is the same.
_ANOTHER, _SAME = 0.7, 0.85


@dataclass(frozen=True)
class ResidualConfig:
    """The shape of the network; the defaults are those of the bundled one.

    Attributes:
        generator: The generator's shape; it has features at 64 and at 128 px.
        size: Side in pixels of the pictures that it sees, twice that of its finest view.
        fine: Channels at 128 px.
        coarse: Channels at 64 px.
        deep: Channels at 32 and 16 px.
    """

    generator: MobileConfig = field(default_factory=MobileConfig)
    size: int = 256
    fine: int = 48
    coarse: int = 100
    deep: int = 128

    @property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Shapes of the details of one picture, coarse and fine: (channels, height, width)."""
        return (self.coarse, _COARSE, _COARSE), (2 * self.fine, _FINE, _FINE)


class _Unit(nn.Module):
    """Two convolutions beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, 1, 1)
        self.b = nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.b(_bent(self.a(_bent(x))))
        return out


class FeatureResidual(nn.Module):
    """A photo and an answer to it, to what is added to the generator's features.

    Args:
        config: Its shape.
    """

    mark: Tensor
    spread64: Tensor
    spread128: Tensor

    def __init__(self, config: ResidualConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ResidualConfig()
        shape, fine, coarse, deep = config.generator, config.fine, config.coarse, config.deep
        at64, at128 = shape.channels[4], shape.channels[5]
        # The generator's last layer: what tells the one it was trained with from others of its shape.
        self.register_buffer("mark", nn.Conv2d(shape.channels[-1], 12, 1).weight.detach())
        self.register_buffer("spread64", torch.ones(at64))
        self.register_buffer("spread128", torch.ones(at128))
        self.stem, self.fine = nn.Conv2d(24, fine, 3, 1, 1), _Unit(fine)
        self.down64, self.known = nn.Conv2d(fine, coarse, 3, 2, 1), nn.Conv2d(at64, coarse, 1)
        self.in64, self.out64 = _Unit(coarse), _Unit(coarse)
        self.down32, self.at32 = nn.Conv2d(coarse, deep, 3, 2, 1), _Unit(deep)
        self.down16, self.at16 = nn.Conv2d(deep, deep, 3, 2, 1), _Unit(deep)
        self.up64, self.up128 = nn.Conv2d(deep, coarse, 1), nn.Conv2d(coarse, fine, 1)
        self.mix128 = nn.Conv2d(fine, 2 * fine, 3, 1, 1)
        self.last64, self.last128 = nn.Conv2d(coarse, at64, 1), nn.Conv2d(2 * fine, at128, 1)

    def fits(self, generator: AnyGenerator) -> bool:
        """Return whether ``generator`` is the one it was trained with, rounding of its weights aside."""
        return is_generator(generator, self.config.generator, self.mark)

    def details(self, photo: Tensor, made: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is to be kept: coarse details [B,C,64,64] and fine ones [B,C',128,128].

        Args:
            photo: The aligned photo [B,3,256,256] in [−1,1].
            made: The generator's picture of the codes that answer it, of the same shape.
            features: The generator's features of these codes [B,C,64,64].
        """
        a = self.fine(self.stem(F.pixel_unshuffle(torch.cat([photo, photo - made], dim=1), 2)))
        x = self.in64(self.down64(_bent(a)) + self.known(features / self.spread64[:, None, None]))
        y = self.at32(self.down32(_bent(x)))
        y = y + _twice(self.at16(self.down16(_bent(y))))
        x = self.out64(x + _twice(self.up64(_bent(y))))
        b = _bent(a + _twice(self.up128(x)))
        return _bent(x), _bent(self.mix128(b))

    def kept(self, before: Tensor, after: Tensor) -> Tensor:
        """Return how much of the details still holds where a picture was changed: [B,1,64,64], 0 to 1.

        exp(-m / 0.15), where m is the mean square of the change in standard deviations of a channel: the
        largest of 5x5 places, so that an outline goes with what it surrounds, then averaged over as many. A
        new hat covers the old hair then, and curls stay beside a new smile.

        Args:
            before: The generator's features [B,C,64,64] of the codes that the details were made for.
            after: Those of the codes that are decoded.
        """
        return torch.exp(-self._change(before, after) / _CHANGED)

    def kept_mixed(self, before: Tensor, after: Tensor, shaped: Tensor) -> Tensor:
        """Return how much of the details still holds in a mixture with another face: [B,1,64,64], 0 to 1.

        s · exp(-m / 0.6) · smoothstep(mean of s, 0.7, 0.85), where s is what :meth:`kept` says of the change
        of shape alone, and m the mean square of all change. An edit changes one thing, a mixture all of them
        a little: faded place by place, a hat's badge would stay on the hair that came instead. So all of them
        go soon when the shape changes; new colours leave them longer, since they move nothing.

        Args:
            before: As for :meth:`kept`.
            after: As for :meth:`kept`.
            shaped: Features of codes that are mixed below 64 px, and those before from there on.
        """
        shape = self.kept(before, shaped)
        same = ((shape.mean(dim=(1, 2, 3), keepdim=True) - _ANOTHER) / (_SAME - _ANOTHER)).clamp(0, 1)
        coloured = torch.exp(-self._change(before, after) / _COLOURED)
        return shape * coloured * same.square() * (3 - 2 * same)

    def _change(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the mean square of the change [B,1,64,64] in standard deviations of a channel, spread."""
        apart = ((after - before) / self.spread64[:, None, None]).square().mean(dim=1, keepdim=True)
        largest = F.max_pool2d(apart, _AROUND, 1, _AROUND // 2)
        padded = F.pad(largest, [_AROUND // 2] * 4, mode="replicate")
        return F.avg_pool2d(padded, _AROUND, 1)

    def additions(self, coarse: Tensor, fine: Tensor) -> dict[int, Tensor]:
        """Return what ``MobileGenerator`` adds to its features, by their side in pixels.

        Args:
            coarse: As ``details`` returned them.
            fine: As ``details`` returned them.
        """
        added = ((64, self.last64(coarse), self.spread64), (128, self.last128(fine), self.spread128))
        return {
            side: _LIMIT * torch.tanh(units / _LIMIT) * spread[:, None, None] for side, units, spread in added
        }


def _bent(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

"""IR and IR-SE: the improved residual networks that ArcFace made (arXiv 1801.07698).

IR-SE50 is the backbone of every pSp encoder and, with its own head, the identity network of the loss; IR-101,
trained as CurricularFace (arXiv 2004.00288), is the one that the pSp paper measures identity with.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.ops import is_lean, laid_out


@dataclass(frozen=True)
class Stage:
    """A run of residual units of one width.

    Attributes:
        depth: Channels out.
        units: Number of units.
        stride: Stride of the first unit.
    """

    depth: int
    units: int
    stride: int = 2


IR50_STAGES = (Stage(64, 3), Stage(128, 4), Stage(256, 14), Stage(512, 3))
IR101_STAGES = (Stage(64, 3), Stage(128, 13), Stage(256, 30), Stage(512, 3))

FACE_SIZE = 112
"""Side in pixels of the face that a face network sees."""


class SqueezeExcitation(nn.Module):
    """Gates each channel by a function of all channel means (arXiv 1709.01507, equation 3)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)  # checkpoint name
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)  # checkpoint name

    def forward(self, x: Tensor) -> Tensor:
        """Gate ``x`` [B,C,H,W]."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(mean))))


class IRSEUnit(nn.Module):
    """Residual unit: norm, 3×3, PReLU, 3×3 with stride, norm, squeeze-and-excitation, plus a shortcut.

    Without ``squeeze`` it is the plain IR unit.
    """

    def __init__(self, in_channels: int, depth: int, stride: int, squeeze: bool = True) -> None:
        super().__init__()
        self.stride = stride
        if in_channels == depth:
            # Without parameters: every stride-th pixel.
            self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(in_channels, depth, 1, stride, bias=False), nn.BatchNorm2d(depth)
            )
        self.res_layer = nn.Sequential(  # checkpoint name
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, depth, 3, 1, 1, bias=False),
            nn.PReLU(depth),
            nn.Conv2d(depth, depth, 3, stride, 1, bias=False),
            nn.BatchNorm2d(depth),
            *([SqueezeExcitation(depth)] if squeeze else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [B,C,H,W] to [B,depth,H/stride,W/stride]."""
        x = laid_out(x)
        if not is_lean(x):
            out: Tensor = self.res_layer(x) + self.shortcut_layer(x)
            return out
        plain = isinstance(self.shortcut_layer, nn.MaxPool2d)
        shortcut = x[:, :, :: self.stride, :: self.stride] if plain else self.shortcut_layer(x)
        out = self.res_layer(x)
        return out.add_(shortcut)


def input_layer(in_channels: int, width: int) -> nn.Sequential:
    """Return the first layer: 3×3 convolution, norm, PReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
    )


def body(width: int, stages: tuple[Stage, ...], squeeze: bool = True) -> nn.Sequential:
    """Return the residual units of all ``stages`` in one sequence, as official state dicts number them."""
    units = []
    for stage in stages:
        for index in range(stage.units):
            units.append(IRSEUnit(width, stage.depth, stage.stride if index == 0 else 1, squeeze))
            width = stage.depth
    return nn.Sequential(*units)


class FaceNetwork(nn.Module):
    """A 112×112 face to a unit vector of 512; cosines compare identities.

    Args:
        stages: Residual units.
        squeeze: Whether they have squeeze-and-excitation.
        affine: Whether the last norm has a factor and an offset.
    """

    title: str
    """Name for a person."""

    def __init__(self, stages: tuple[Stage, ...], squeeze: bool, affine: bool) -> None:
        super().__init__()
        self.input_layer = input_layer(3, 64)  # checkpoint name
        self.body = body(64, stages, squeeze)  # checkpoint name
        self.output_layer = nn.Sequential(  # checkpoint name
            nn.BatchNorm2d(512),
            nn.Dropout(0.6),
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 512),
            nn.BatchNorm1d(512, affine=affine),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embed ``images`` [B,3,112,112] in [−1,1] as unit vectors [B,512]."""
        assert images.shape[1:] == (3, FACE_SIZE, FACE_SIZE), tuple(images.shape)
        return F.normalize(self.output_layer(self.body(self.input_layer(images))), dim=1)


class ArcFace(FaceNetwork):
    """IR-SE50 with ArcFace's head: the identity network of the paper's loss (section 3.3)."""

    title = "ArcFace IR-SE50"

    def __init__(self) -> None:
        super().__init__(IR50_STAGES, squeeze=True, affine=True)


class CurricularFace(FaceNetwork):
    """IR-101 as CurricularFace trained it: the identity network of the paper's measures (section 4)."""

    title = "CurricularFace IR-101"

    def __init__(self) -> None:
        super().__init__(IR101_STAGES, squeeze=False, affine=False)

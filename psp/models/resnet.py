"""ResNets (He et al. 2016, arXiv 1512.03385): ResNet-50 for the similarity loss, and ResNet-34's unit."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_BLOCKS = (3, 4, 6, 3)
_WIDTHS = (64, 128, 256, 512)
_EXPANSION = 4


class BasicUnit(nn.Module):
    """3×3 with the stride, 3×3, plus the input (figure 5, left): the unit of ResNet-34.

    Args:
        in_channels: Channels in.
        width: Channels out.
        stride: Of the first convolution; where it is not 1, the input is projected too.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, 1, bias=False)  # checkpoint name
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [B,in_channels,H,W] to [B,width,H/stride,W/stride]."""
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.downsample(x))


class _Bottleneck(nn.Module):
    """1×1, 3×3 with the stride, 1×1, plus the input (figure 5, right)."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * _EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)  # checkpoint name
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = _projection(in_channels, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(x)))
        inner = F.relu(self.bn2(self.conv2(inner)))
        out: Tensor = F.relu(self.bn3(self.conv3(inner)) + self.downsample(x))
        return out


def _projection(in_channels: int, out: int, stride: int) -> nn.Module:
    """Return what fits the input of a unit to its output: nothing, or 1×1 with the stride and a norm."""
    if stride == 1 and in_channels == out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(in_channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet50(nn.Module):
    """Features of pictures; layers are named as in the field's checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)  # checkpoint name
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for level, (blocks, width) in enumerate(zip(_BLOCKS, _WIDTHS, strict=True), start=1):
            layer = nn.Sequential()
            for index in range(blocks):
                stride = 2 if index == 0 and level > 1 else 1
                layer.append(_Bottleneck(channels, width, stride))
                channels = width * _EXPANSION
            self.add_module(f"layer{level}", layer)  # checkpoint name

    def forward(self, images: Tensor) -> Tensor:
        """Describe ``images`` [B,3,H,W] as [B,2048], the means of the last feature map."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)
        for level in range(1, len(_BLOCKS) + 1):
            x = self.get_submodule(f"layer{level}")(x)
        return x.mean(dim=(2, 3))

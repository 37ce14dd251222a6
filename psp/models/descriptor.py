"""dlib's face descriptor as a PyTorch network, so that a gradient can flow through it.

The ResNet that dlib ships as ``dlib_face_recognition_resnet_model_v1.dat`` (weights in the public domain):
29 convolutions, the residual network of He et al. 2016 (arXiv 1512.03385) with half the filters and fewer
layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHIP_SIZE = 150
"""Side in pixels of the face that the network sees."""

# Output channels of each residual unit, and whether it halves the map.
_UNITS = (
    *[(32, False)] * 3,
    *[(64, True)] + [(64, False)] * 3,
    *[(128, True)] + [(128, False)] * 2,
    *[(256, True)] + [(256, False)] * 2,
    (256, True),
)
_MIDDLE = 10  # units before the width of 256
# What dlib subtracts from red, green and blue (0 to 255), and what it divides by.
_MEAN = (122.782, 117.001, 104.298)
_SCALE = 256.0


class _ConvAffine(nn.Module):
    """Convolution, then a factor and an offset a channel (a batch norm with its statistics folded in)."""

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int) -> None:
        super().__init__()
        padding = size // 2 if stride == 1 else 0  # dlib's default
        self.conv = nn.Conv2d(in_channels, out_channels, size, stride, padding)
        self.gamma = nn.Parameter(torch.ones(out_channels))
        self.beta = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) * self.gamma[:, None, None] + self.beta[:, None, None]
        return out


class _Unit(nn.Module):
    """Two convolutions beside a shortcut; where sizes differ, the smaller is filled up with zeros."""

    def __init__(self, in_channels: int, out_channels: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.first = _ConvAffine(in_channels, out_channels, 3, 2 if halve else 1)
        self.second = _ConvAffine(out_channels, out_channels, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.second(F.relu(self.first(x)))
        shortcut = F.avg_pool2d(x, 2) if self.halve else x
        rows = max(branch.shape[2], shortcut.shape[2])
        depth = max(branch.shape[1], shortcut.shape[1])
        return F.relu(_fill(branch, depth, rows) + _fill(shortcut, depth, rows))


def _fill(x: Tensor, depth: int, rows: int) -> Tensor:
    missing = rows - x.shape[2]
    return F.pad(x, (0, missing, 0, missing, 0, depth - x.shape[1]))


class FaceDescriptor(nn.Module):
    """Faces to descriptors [128]; under a distance of 0.6 dlib's authors call two photos one person."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = _ConvAffine(3, 32, 7, 2)
        units, width = [], 32
        for channels, halve in _UNITS:
            units.append(_Unit(width, channels, halve))
            width = channels
        self.body = nn.Sequential(*units)
        self.output = nn.Linear(width, 128, bias=False)

    def forward(self, chips: Tensor) -> Tensor:
        """Describe ``chips`` [B,3,150,150] in [−1,1], cut as dlib cuts them, as [B,128]."""
        return self.describe(self.maps(chips)[1])

    def describe(self, last: Tensor) -> Tensor:
        """Return the descriptors [B,128] of the last map [B,256,H,W] of ``maps``."""
        out: Tensor = self.output(last.mean(dim=(2, 3)))
        return out

    def maps(self, chips: Tensor) -> tuple[Tensor, Tensor]:
        """Return two maps of ``chips`` [B,3,150,150]: one of the middle, 128 channels, and the last, 256."""
        assert chips.shape[1:] == (3, CHIP_SIZE, CHIP_SIZE), tuple(chips.shape)
        mean = torch.tensor(_MEAN, device=chips.device)[:, None, None]
        x = ((chips + 1.0) * 127.5 - mean) / _SCALE
        x = F.max_pool2d(F.relu(self.input_layer(x)), 3, 2)
        middle = self.body[:_MIDDLE](x)
        return middle, self.body[_MIDDLE:](middle)

    def load_in_order(self, tensors: list[Tensor]) -> None:
        """Take dlib's own parameters, in the order of its layers from the input to the output.

        Args:
            tensors: For each of the 29 convolutions its flat weights and biases, then its factors and
                offsets; at the end the output layer's [256,128].

        Raises:
            ValueError: Their number or a size differs.
        """
        layers = [module for module in self.modules() if isinstance(module, _ConvAffine)]
        if len(tensors) != 2 * len(layers) + 1:
            raise ValueError(f"{len(tensors)} tensors; {2 * len(layers) + 1} were expected")
        with torch.no_grad():
            for layer, filters, affine in zip(layers, tensors[0::2], tensors[1::2], strict=False):
                weight = layer.conv.weight
                bias = layer.conv.bias
                assert bias is not None
                if filters.numel() != weight.numel() + bias.numel() or affine.numel() != 2 * bias.numel():
                    raise ValueError(
                        f"a layer has {filters.numel()} numbers, not {weight.numel()} and biases"
                    )
                weight.copy_(filters.flatten()[: weight.numel()].view_as(weight))
                bias.copy_(filters.flatten()[weight.numel() :])
                layer.gamma.copy_(affine.flatten()[: bias.numel()])
                layer.beta.copy_(affine.flatten()[bias.numel() :])
            self.output.weight.copy_(tensors[-1].view(256, 128).T)

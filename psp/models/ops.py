"""The few operations that StyleGAN2 needs beyond PyTorch's own, in plain PyTorch.

References: StyleGAN (Karras et al. 2019, arXiv 1812.04948), StyleGAN2 (Karras et al. 2020, arXiv 1912.04958).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp.models.drawn import drawn

SQRT2 = math.sqrt(2.0)
_LARGE = 32 * 32  # positions of a map


def is_lean(x: Tensor) -> bool:
    """Return whether ``x`` goes the way that costs less: nothing is differentiated, and it is on a CPU.

    There fresh memory and passes over it cost as much as convolutions do. So styles scale weights instead of
    activations, constants are folded into them, what follows a convolution is done in place, and channels lie
    beside one another. The numbers are the same but for rounding.
    """
    return not torch.is_grad_enabled() and x.device.type == "cpu"


def is_one_lean(x: Tensor) -> bool:
    """Return whether ``x`` [B,…] goes the lean way and is of one picture, so that weights can be its own."""
    return len(x) == 1 and is_lean(x)


def laid_out(x: Tensor) -> Tensor:
    """Return ``x`` [B,C,H,W] as convolutions on a CPU are fastest, where it goes the lean way; else as it is.

    Channels lie beside one another in large maps. In small ones the weights are most of what is read, and
    these are stored the other way.
    """
    if not is_lean(x):
        return x
    large = x.shape[-2] * x.shape[-1] >= _LARGE
    return x.contiguous(memory_format=torch.channels_last if large else torch.contiguous_format)


def blur_kernel(gain: float = 1.0) -> Tensor:
    """Return the separable low-pass filter [1,3,3,1] as a [4,4] matrix that sums to ``gain``."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    matrix = torch.outer(taps, taps)
    return matrix / matrix.sum() * gain


def filter2d(x: Tensor, kernel: Tensor, pad: tuple[int, int], bias: Tensor | None = None) -> Tensor:
    """Filter every channel of ``x`` [B,C,H,W] with one ``kernel`` [kh,kw], after zero padding by ``pad``.

    ``pad`` is (before, after), the same for both axes; ``bias`` [C] is added.
    """
    channels = x.shape[1]
    before, after = pad
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    if before == after:
        return F.conv2d(x, weight, bias, padding=before, groups=channels)
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, bias, groups=channels)


def upsample2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Double height and width of ``x`` [B,C,H,W]: insert zeros, then low-pass with ``kernel`` (gain 4)."""
    batch, channels, height, width = x.shape
    # A transposed convolution with stride 2 is "insert zeros, then filter" in one step (symmetric kernel);
    # its border is cut so that the result equals padding (2, 1) around the zero-filled picture.
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    full = F.conv_transpose2d(x, weight, stride=2, groups=channels)
    up = full[:, :, 1 : 1 + 2 * height, 1 : 1 + 2 * width]
    assert up.shape == (batch, channels, 2 * height, 2 * width)
    return up


def pointwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve ``x`` [B,C,H,W], laid out with channels last, with ``weight`` [C',C,1,1]: one product."""
    # Not by ``linear``: it would fill fresh memory with the bias first.
    out = x.permute(0, 2, 3, 1) @ weight[:, :, 0, 0].t()
    return out.add_(bias).permute(0, 3, 1, 2)


def scaled_leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, times sqrt(2), so that the variance stays (StyleGAN2, appendix B)."""
    return F.leaky_relu(x, 0.2) * SQRT2


class PixelNorm(nn.Module):
    """Scale each sample [B,C] to unit mean square over its channels (ProGAN, section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` [B,C]."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate (ProGAN, section 4.1): weights are scaled at run time.

    Args:
        in_dim: Input width.
        out_dim: Output width.
        bias_init: Initial value of the bias.
        lr_mul: Learning-rate multiplier; the mapping network uses 0.01.
        activate: Whether ``scaled_leaky_relu`` follows.
    """

    def __init__(
        self, in_dim: int, out_dim: int, bias_init: float = 0.0, lr_mul: float = 1.0, activate: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(drawn(out_dim, in_dim, over=lr_mul))
        self.bias = nn.Parameter(torch.full((out_dim,), float(bias_init)))
        self.scale = lr_mul / math.sqrt(in_dim)
        self.lr_mul = lr_mul
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` [..., in_dim] to [..., out_dim]."""
        out = F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)
        return scaled_leaky_relu(out) if self.activate else out


class Blur(nn.Module):
    """Holds the low-pass kernel under the name that official state dicts use."""

    kernel: Tensor

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.register_buffer("kernel", blur_kernel(gain))  # checkpoint name


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels are scaled by a style, the output demodulated (StyleGAN2, 2.2).

    Instead of building one weight per sample (equations 1 and 3) the style scales the input and the
    demodulation the output; convolution is linear, so the result is the same, without grouped convolutions.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel_size: 1 or 3.
        style_dim: Width of the style.
        demodulate: Whether the output is renormalised to unit variance.
        upsample: Whether height and width are doubled (transposed convolution, then blur).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        style_dim: int,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(drawn(1, out_channels, in_channels, kernel_size, kernel_size))
        self.modulation = EqualLinear(style_dim, in_channels, bias_init=1.0)  # checkpoint name
        self.scale = 1.0 / math.sqrt(in_channels * kernel_size**2)
        self.demodulate = demodulate
        self.padding = kernel_size // 2
        self.upsample = upsample
        if upsample:
            self.blur = Blur(gain=4.0)  # checkpoint name

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Convolve ``x`` [B,C,H,W] under ``style`` [B,style_dim]."""
        modulation = self.modulation(style)
        weight = self.weight[0] * self.scale
        out = x * modulation[:, :, None, None]
        if self.upsample:
            out = F.conv_transpose2d(out, weight.transpose(0, 1), stride=2)
            out = filter2d(out, self.blur.kernel, pad=(1, 1))
        else:
            out = F.conv2d(out, weight, padding=self.padding)
        if self.demodulate:
            energy = weight.square().sum(dim=(2, 3))  # [out,in]
            sigma_inverse = torch.rsqrt(modulation.square() @ energy.t() + 1e-8)  # equation 2
            out = out * sigma_inverse[:, :, None, None]
        return out

    def lean(self, x: Tensor, style: Tensor, bias: Tensor, gain: float = 1.0) -> Tensor:
        """Do :meth:`forward` and add ``bias`` [out], both times ``gain``, as equations 1 and 3 have it.

        Args:
            x: [1,C,H,W].
            style: [1,style_dim].
            bias: Added at last.
            gain: By what the result is multiplied.
        """
        assert len(x) == 1, "a picture has weights of its own"
        modulation = self.modulation(style)[0]
        weight = self.weight[0] * (self.scale * modulation[:, None, None])
        if self.demodulate:
            weight *= torch.rsqrt(weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        weight, bias = weight.mul_(gain), bias * gain
        if not self.upsample:
            return F.conv2d(x, weight, bias, padding=self.padding)
        out = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        return filter2d(out, self.blur.kernel, pad=(1, 1), bias=bias)

"""The operations of StyleGAN2, against their definitions."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from psp.models.ops import EqualLinear, ModulatedConv2d, PixelNorm, blur_kernel, filter2d, upsample2d

RNG = torch.Generator().manual_seed(3)


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=RNG)


def modulated_by_the_paper(layer: ModulatedConv2d, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Equations 1 to 3 as they stand: one weight a sample."""
    out = []
    for sample, s in zip(x, layer.modulation(style), strict=True):
        weight = layer.weight[0] * layer.scale * s[None, :, None, None]
        if layer.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        if layer.upsample:
            y = F.conv_transpose2d(sample[None], weight.transpose(0, 1), stride=2)
            out.append(filter2d(y, blur_kernel(4.0), (1, 1)))
        else:
            out.append(F.conv2d(sample[None], weight, padding=layer.padding))
    return torch.cat(out)


def test_modulating_the_input_equals_modulating_the_weight() -> None:
    x, style = randn(3, 8, 6, 6), randn(3, 12)
    for kernel, demodulate, upsample in ((3, True, False), (3, True, True), (1, False, False)):
        layer = ModulatedConv2d(8, 5, kernel, 12, demodulate=demodulate, upsample=upsample)
        torch.testing.assert_close(
            layer(x, style), modulated_by_the_paper(layer, x, style), rtol=1e-4, atol=1e-5
        )


def test_upsampling_is_zero_insertion_then_filter() -> None:
    x = randn(2, 3, 5, 4)
    zeros = torch.zeros(2, 3, 10, 8)
    zeros[:, :, ::2, ::2] = x
    torch.testing.assert_close(upsample2d(x, blur_kernel(4.0)), filter2d(zeros, blur_kernel(4.0), (2, 1)))


def test_upsampling_keeps_a_flat_picture_flat_inside() -> None:
    up = upsample2d(torch.ones(1, 1, 8, 8), blur_kernel(4.0))
    torch.testing.assert_close(up[:, :, 2:-2, 2:-2], torch.ones(1, 1, 12, 12))


def test_pixel_norm_gives_unit_mean_square() -> None:
    out = PixelNorm()(5 * randn(4, 64))
    torch.testing.assert_close(out.square().mean(dim=1), torch.ones(4))


def test_equal_linear_scales_weights_and_bias_at_run_time() -> None:
    layer = EqualLinear(16, 4, bias_init=1.0, lr_mul=0.5)
    x = randn(2, 16)
    torch.testing.assert_close(layer(x), x @ layer.weight.t() * 0.5 / 4 + 0.5 * layer.bias)

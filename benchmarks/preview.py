"""Preview heads beside the generator: how near their pictures are, and how much sooner they are done.

python -m benchmarks.preview [--generator mobile-1024] [--faces 64] [--rounds 10] [--threads 1]

Faces are random: z by seeds from 0 on, psi between 0.6 and 1. The true picture is that of the generator, each
pixel the mean of those that it stands for. All is clipped to [−1,1].
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from psp.checkpoints import OpenedGenerator, open_generator
from psp.inference.previews import decode_preview
from psp.inference.quality import lpips_network

SIZES = (256,)


def random_codes(opened: OpenedGenerator, faces: int) -> Tensor:
    """Return the codes [faces,n_codes,style_dim] of random faces."""
    rows = []
    for seed in range(faces):
        draw = torch.Generator().manual_seed(seed)
        w = opened.generator.map(torch.randn(1, opened.generator.config.style_dim, generator=draw))
        psi = 0.6 + 0.4 * torch.rand(1, generator=draw)
        rows.append(opened.w_avg + psi * (w - opened.w_avg))
    return torch.stack(rows)


def errors(opened: OpenedGenerator, codes: Tensor, size: int) -> tuple[float, float, float]:
    """Return L1, LPIPS and MSE of previews of ``codes``, means over all."""
    lpips, found = lpips_network(), []
    for code in codes.split(1):
        wanted = opened.generator(code, size).clamp(-1, 1)
        made = decode_preview(opened.generator, code, size).clamp(-1, 1)
        gap = made - wanted
        found.append((float(gap.abs().mean()), float(lpips(made, wanted)), float(gap.square().mean())))
    l1, perceptual, mse = (statistics.fmean(values) for values in zip(*found, strict=True))
    return l1, perceptual, mse


def seconds(decode: Callable[[], Tensor], rounds: int) -> float:
    """Return the median time of one picture."""
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        decode()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])  # the first round plans memory and kernels


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--generator", default="mobile-1024", help="a family, or the path of a generator")
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    opened = open_generator(options.generator)
    codes = random_codes(opened, options.faces)
    full = seconds(lambda: opened.generator(codes[:1]), options.rounds)
    print(f"all of {opened.generator.config.size} px: {full:.3f} s")
    for size in SIZES:
        l1, perceptual, mse = errors(opened, codes, size)
        true = seconds(lambda size=size: opened.generator(codes[:1], size), options.rounds)
        quick = seconds(lambda size=size: decode_preview(opened.generator, codes[:1], size), options.rounds)
        print(
            f"{size} px: L1 {l1:.3f}, LPIPS {perceptual:.3f}, MSE {mse:.4f}; {quick:.3f} s, true {true:.3f} s"
        )


if __name__ == "__main__":
    main()

"""How much sooner the studio's pSp is done than a plain port, and how near to the machine's limit.

    python benchmarks/against_textbook.py [--sizes 256 1024] [--batches 1 4] [--rounds 5] [--device cuda]

Official shapes with random weights; both ways in turn, float32; the ratio of the medians counts. The plain
encoder is the product's own modules with every step by itself (norms not folded, contiguous maps), the plain
decoder ``benchmarks/textbook.py``. The limit is what the same machine multiplies in large products just then.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import textbook
from psp.inference.memory import keep_memory
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig, official_channels
from psp.models.psp import PSP, PSPConfig

_SIDE = 2048  # of the product that the machine's limit is measured with
_SHOWN = 1e9


def official(size: int, device: torch.device) -> PSP:
    """Return a model of the official shape, with random weights that make pictures of a usual spread."""
    torch.manual_seed(0)
    generator = GeneratorConfig(size=size, n_mlp=0, channels=official_channels(size))
    psp = PSP(PSPConfig(EncoderConfig(n_codes=generator.n_codes), generator))
    return psp.to(device).eval().requires_grad_(False)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long ``work`` takes."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def multiplications(work: Callable[[], object]) -> float:
    """Return the multiply-adds of ``work``, in thousands of millions."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 2 / _SHOWN


def plainly(encoder: nn.Module, photos: Tensor) -> Tensor:
    """Encode the plain way: where gradients might be asked for, nothing is folded or done in place."""
    with torch.enable_grad():
        return encoder(photos)  # type: ignore[no-any-return]  # nn.Module's own call


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    square = torch.randn(_SIDE, _SIDE, device=device)
    print(
        "shape, batch: part, plain s, ours s, ratio; G multiply-adds, share of the machine's rate; difference"
    )
    with torch.no_grad():
        for size in options.sizes:
            psp = official(size, device)
            for batch in options.batches:
                compare(psp, torch.randn(batch, 3, 256, 256, device=device), square, options.rounds)


def compare(psp: PSP, photos: Tensor, square: Tensor, rounds: int) -> None:
    """Measure encoder, decoder and both, in turn, and print a line each."""
    device, size = photos.device, psp.config.generator.size
    codes = psp.encode(photos)

    def both_plain() -> Tensor:
        return textbook.decode(psp.decoder, plainly(psp.encoder, photos) + psp.w_avg)

    parts: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
        "encode": (lambda: plainly(psp.encoder, photos) + psp.w_avg, lambda: psp.encode(photos)),
        "decode": (lambda: textbook.decode(psp.decoder, codes), lambda: psp.decode(codes)),
        "both": (both_plain, lambda: psp.decode(psp.encode(photos))),
    }
    for part, (plain, ours) in parts.items():
        wanted, made = plain(), ours()
        difference = float((wanted - made).abs().max() / wanted.std())
        before, after, rates = [], [], []
        for _ in range(rounds):
            before.append(seconds(plain, device))
            after.append(seconds(ours, device))
            rates.append(_SIDE**3 / _SHOWN / seconds(lambda: square @ square, device))
        a, b = statistics.median(before), statistics.median(after)
        work = multiplications(ours) if device.type == "cpu" else multiplications(plain)
        share = work / b / statistics.median(rates)
        print(
            f"{size} px, {len(photos)}: {part:6} {a:7.3f} {b:7.3f}  {a / b:5.2f}x  {work:6.1f} G, "
            f"{share:4.0%} of {statistics.median(rates):.0f} G/s, {difference:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()

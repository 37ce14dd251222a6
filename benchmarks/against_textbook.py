"""How much sooner the studio's pSp is done than a plain port, and how near to the machine's limit.

    python -m benchmarks.against_textbook [--sizes 256 1024] [--batches 1 4] [--rounds 5] [--device cuda]
        [--plot FILE]

Official shapes with random weights; both ways in turn, float32; the ratio of the medians counts. The plain
encoder is the product's own modules with every step by itself (norms not folded, contiguous maps), the plain
decoder ``benchmarks/textbook.py``. The limit is what the same machine multiplies in large products just then.
*Mixing* is five variants, random styles from layer 8 on, against five times what plain encoding and decoding
take. *Memory* is what a process of each kind needs at most beyond the loaded model, on a CPU. ``--plot``
draws the ratios (with matplotlib).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import textbook
from psp.inference.decoders import sharing
from psp.inference.memory import keep_memory
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig, official_channels
from psp.models.psp import PSP, PSPConfig

_SIDE = 2048  # of the product that the machine's limit is measured with
_SHOWN = 1e9
_VARIANTS, _FIRST_MIXED = 5, 8
_STATUS = Path("/proc/self/status")


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
    parser.add_argument("--plot", type=Path, help="file of a plot")
    parser.add_argument("--peak", choices=("plain", "ours"), help="only measure the memory of one way")
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    torch.set_num_threads(options.threads)
    if options.peak:
        print(peak(options.peak == "plain", options.sizes[0], options.batches[0]))
        return
    device = torch.device(options.device)
    square = torch.randn(_SIDE, _SIDE, device=device)
    print(
        "shape, batch: part, plain s, ours s, ratio; G multiply-adds, share of the machine's rate; difference"
    )
    ratios: dict[str, dict[str, float]] = {}
    with torch.no_grad():
        for size in options.sizes:
            psp = official(size, device)
            for batch in options.batches:
                photos = torch.randn(batch, 3, 256, 256, device=device)
                found = compare(psp, photos, square, options.rounds)
                if device.type == "cpu" and _STATUS.exists():
                    found["memory"] = compare_memory(size, batch, options.threads)
                ratios[f"{size} px, {batch}"] = found
    if options.plot:
        draw(ratios, options.plot)


def compare(psp: PSP, photos: Tensor, square: Tensor, rounds: int) -> dict[str, float]:
    """Measure encoder, decoder, both and mixing, in turn; print a line each and return the ratios."""
    device, size = photos.device, psp.config.generator.size
    codes = psp.encode(photos)

    def both_plain() -> Tensor:
        return textbook.decode(psp.decoder, plainly(psp.encoder, photos) + psp.w_avg)

    parts: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
        "encode": (lambda: plainly(psp.encoder, photos) + psp.w_avg, lambda: psp.encode(photos)),
        "decode": (lambda: textbook.decode(psp.decoder, codes), lambda: psp.decode(codes)),
        "both": (both_plain, lambda: psp.decode(psp.encode(photos))),
    }
    ratios = {}
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
        ratios[part] = a / b
    if len(photos) == 1:
        mixing = statistics.median(seconds(lambda: variants(psp, photos), device) for _ in range(rounds))
        ratios["mixing"] = _VARIANTS * a / mixing
        print(f"{size} px: {_VARIANTS} variants {mixing:.3f} s, {ratios['mixing']:.2f}x", flush=True)
    return ratios


def variants(psp: PSP, photos: Tensor) -> list[Tensor]:
    """Encode a photo once and decode variants of it, as the studio does."""
    codes = psp.encode(photos)
    mixed = codes.repeat(_VARIANTS, 1, 1)
    mixed[:, _FIRST_MIXED:] += torch.randn_like(mixed[:, _FIRST_MIXED:])
    decode = sharing(psp, mixed)
    return [decode(each) for each in mixed.split(1)]


def peak(plain: bool, size: int, batch: int) -> int:
    """Return how many MB this process needed at most beyond the loaded model, on a CPU."""
    psp = official(size, torch.device("cpu"))
    photos = torch.randn(batch, 3, 256, 256)
    loaded = _status("VmRSS")
    with torch.no_grad():
        if plain:
            textbook.decode(psp.decoder, plainly(psp.encoder, photos) + psp.w_avg)
        else:
            psp.decode(psp.encode(photos))
    return (_status("VmHWM") - loaded) // 1024


def _status(name: str) -> int:
    """Return a figure of this process, in kB."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[name].split()[0])


def compare_memory(size: int, batch: int, threads: int) -> float:
    """Measure the memory of both ways, each in a process of its own; print it and return the ratio."""
    shape = ["--sizes", str(size), "--batches", str(batch), "--threads", str(threads)]
    plain, ours = (
        int(
            subprocess.check_output(
                [sys.executable, "-m", "benchmarks.against_textbook", "--peak", way, *shape]
            )
        )
        for way in ("plain", "ours")
    )
    print(f"{size} px, {batch}: memory {plain} MB, {ours} MB, {ours / plain:.2f}x", flush=True)
    return ours / plain


def draw(ratios: dict[str, dict[str, float]], file: Path) -> None:
    """Draw the ratios of every shape: how many times as fast, and how much of the memory."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  (only for the plot)
    from matplotlib.figure import Figure  # noqa: PLC0415  (only for the plot)

    names = list(dict.fromkeys(name for found in ratios.values() for name in found))
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.add_subplot()
    wide = 0.8 / len(ratios)
    for index, (shape, found) in enumerate(ratios.items()):
        places = [names.index(name) + index * wide - 0.4 + wide / 2 for name in found]
        bars = axes.bar(places, list(found.values()), wide, label=shape)
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("textbook's seconds / ours (memory: ours / textbook's)")
    axes.legend()
    FigureCanvasAgg(figure).print_figure(file, dpi=110)


if __name__ == "__main__":
    main()

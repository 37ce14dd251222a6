"""Where the seconds of one photo go, operation by operation, before and after: the textbook's way and ours.

    python -m benchmarks.where_time_goes [--size 1024] [--threads 2] [--bundled]

Official shapes with random weights, batch 1, after a first run; times are operations' own.
``--bundled`` profiles the bundled model for photos instead, which has no textbook port.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import textbook
from benchmarks.against_textbook import official, plainly
from psp.checkpoints import load_psp
from psp.inference.memory import keep_memory

_LINES = 8


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bundled", action="store_true")
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    torch.set_num_threads(options.threads)
    photos = torch.randn(1, 3, 256, 256).clamp(-1, 1)
    psp = load_psp("mobile-1024") if options.bundled else official(options.size, torch.device("cpu"))
    with torch.no_grad():
        codes = psp.encode(photos)
        if not options.bundled:
            told("textbook, encoder", lambda: plainly(psp.encoder, photos))
            told("textbook, decoder", lambda: textbook.decode(psp.decoder, codes))
        told("ours, encoder", lambda: psp.encode(photos))
        told("ours, decoder", lambda: psp.decode(codes))


def told(title: str, work: Callable[[], object]) -> None:
    """Print what takes most of ``work``, the rest in one line."""
    work()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        work()
    averages = sorted(found.key_averages(), key=lambda each: -each.self_cpu_time_total)
    total = sum(each.self_cpu_time_total for each in averages)
    print(f"\n{title}: {total / 1e6:.2f} s")
    for each in averages[:_LINES]:
        print(f"  {each.self_cpu_time_total / total:4.0%}  {each.count:4d} x  {each.key}")
    rest = sum(each.self_cpu_time_total for each in averages[_LINES:])
    print(f"  {rest / total:4.0%}          everything else", flush=True)


if __name__ == "__main__":
    main()

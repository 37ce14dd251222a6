"""How long the network part of each task of the bundled family takes: encode and decode one picture.

python benchmarks/network.py [--rounds 20] [--threads 2]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from psp.checkpoints import load_psp
from psp.config import Settings
from psp.inference.memory import keep_memory
from psp.registry.lookup import BUNDLED, tasks_of


def main() -> None:
    """Measure and print: median and worst of ``--rounds``, the tasks in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    torch.set_num_threads(options.threads)
    models = {task: load_psp(BUNDLED, task=task) for task in tasks_of(BUNDLED, Settings())}
    seconds: dict[str, list[float]] = {task: [] for task in models}
    with torch.inference_mode():
        for _ in range(options.rounds + 1):
            for task, model in models.items():
                shape = model.config.encoder
                picture = torch.zeros(1, shape.in_channels, shape.in_size, shape.in_size)
                began = time.perf_counter()
                model(picture)
                seconds[task].append(time.perf_counter() - began)
    for task, values in seconds.items():
        warm = values[1:]  # the first call plans memory and kernels
        print(f"{task:<24} median {statistics.median(warm):.3f} s, worst {max(warm):.3f} s")


if __name__ == "__main__":
    main()

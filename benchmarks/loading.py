"""How long the first load of an official file takes, its conversion included, against reading it.

python -m benchmarks.loading [--rounds 5] [--folder DIR]

Makes a file of the official shapes with random weights, 1.2 GB, in a temporary folder, and deletes it.
Before each measurement the file leaves the system's memory, where the system allows that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from psp.checkpoints import load_psp
from psp.checkpoints.convert import SETTLING
from psp.config import Settings
from psp.inference.memory import keep_memory
from psp.models.psp import PSP, PSPConfig


def main() -> None:
    """Measure in turn and print medians: reading, the first load, the second; seconds, and a processor's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    keep_memory()  # as the page and the command line do
    measured: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "official.pt"
        _make(path)
        load_psp("mobile-1024")  # what is imported by the first
        for number in range(options.rounds):
            settings = Settings(cache_dir=Path(folder) / f"cache{number}")
            _forget(path)
            parts: dict[str, Callable[[], object]] = {
                "read (torch.load)": lambda: torch.load(path, weights_only=True),
                "first load": lambda settings=settings: load_psp(path, settings=settings),
                "second load": lambda settings=settings: load_psp(path, settings=settings),
            }
            for part, call in parts.items():
                measured.setdefault(part, []).append(_timed(call))
                _settle()
                if part != "first load":
                    _forget(path)
            for file in settings.cache_dir.rglob("*.safetensors"):
                file.unlink()
    medians = {
        part: [statistics.median(each) for each in zip(*v, strict=True)] for part, v in measured.items()
    }
    for part, (seconds, processor) in medians.items():
        print(f"{part:<20} {seconds:.2f} s ({processor:.2f} s of a processor)")
    ratio = medians["first load"][0] / medians["read (torch.load)"][0]
    print(f"first load against reading: {ratio:.2f} times (target 1.2)")


def _make(path: Path) -> None:
    torch.manual_seed(0)
    state = PSP(PSPConfig()).state_dict()
    average = state.pop("latent_avg")
    torch.save({"state_dict": state, "latent_avg": average, "opts": {"output_size": 1024}}, path)


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    kept = call()
    spent = time.perf_counter() - began, time.process_time() - used
    del kept
    return spent


def _forget(path: Path) -> None:
    """Let the system forget a file that it has in memory."""
    if hasattr(os, "posix_fadvise"):
        with path.open("r+b") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _settle() -> None:
    """Wait for what goes on after the first load."""
    for thread in threading.enumerate():
        if thread.name == SETTLING:
            thread.join()


if __name__ == "__main__":
    main()

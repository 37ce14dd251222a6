"""One training step, ours under Accelerate beside a plain loop without it, in turn in one process.

python -m benchmarks.training_step [--preset ffhq_encode] [--size 256] [--batch 2] [--rounds 6] [--threads 2]

Random weights and pictures. The paper's presets get a generator of ``--size`` pixels and an identity network;
the plain loop is what one would write by hand: zero the gradients, forward, losses, backward, step.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints import OpenedGenerator
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.inference.quality import lpips_weights
from psp.losses.identity import DescriptorLoss, IdentityLoss
from psp.losses.lpips import LPIPS
from psp.losses.objective import Objective
from psp.models.generator import Generator, GeneratorConfig, official_channels
from psp.models.irse import ArcFace
from psp.models.psp import PSP
from psp.training.coach import Coach, Start, build_optimizer
from psp.training.config import TrainConfig
from psp.training.data.sources import open_sources
from psp.training.machine import open_accelerator
from psp.training.networks import on_generator
from psp.training.presets import preset

Step = Callable[[Tensor], None]


def build(name: str, size: int, batch: int) -> tuple[TrainConfig, PSP, Objective]:
    """Return a run of the preset ``name`` with random weights, its model and its losses."""
    base = preset(name)
    config = dataclasses.replace(
        base,
        optimizer=dataclasses.replace(base.optimizer, batch=batch),
        compiled=False,
        measured=0,
        ema_pictures=0,
    )
    if config.identity == "arcface":
        shape = GeneratorConfig(size=size, channels=official_channels(size))
        generator, identity = Generator(shape), IdentityLoss(ArcFace())
    else:
        generator, identity = Generator(config.model.generator), DescriptorLoss(load_face_descriptor())
    w_avg = torch.zeros(generator.config.n_codes, generator.config.style_dim)
    config, model = on_generator(config, OpenedGenerator(generator, w_avg))
    return config, model, Objective(config.losses, LPIPS(lpips_weights()), identity)


def ours(config: TrainConfig, model: PSP, objective: Objective, folder: Path) -> Step:
    """Return the step of the coach, under Accelerate."""
    Image.new("RGB", (256, 256)).save(folder / "unused.png")
    accelerator = open_accelerator(config, "cpu")
    coach = Coach(config, open_sources(folder), objective, folder / "run", accelerator, Start(model))

    def step(images: Tensor) -> None:
        coach._parts = itertools.repeat((images, images), 1)
        coach.step()

    return step


def plain(config: TrainConfig, model: PSP, objective: Objective) -> Step:
    """Return the same step as a plain loop does it."""
    model.train()
    model.decoder.eval().requires_grad_(False)
    optimizer = build_optimizer(config, model)
    half = config.mixed_precision == "bf16"

    def step(images: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            offsets = model.encoder(images)
            outputs = model.decode(offsets + model.w_avg)
            outputs = torch.nn.functional.interpolate(outputs, images.shape[-1], mode="area")
            loss = objective.total(objective(outputs, images, offsets))
        loss.backward()
        optimizer.step()

    return step


def compare(steps: dict[str, Step], images: Callable[[], Tensor], rounds: int) -> None:
    """Time the ``steps`` in turn and print medians, and the median of each round's ratio to the first."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(rounds + 1):
        given = images()
        # The order changes: what runs first pays for memory that the others find in place.
        for name, step in list(steps.items())[:: 1 if index % 2 else -1]:
            began = time.perf_counter()
            step(given)
            seconds[name].append(time.perf_counter() - began)
    first = next(iter(steps))
    for name, values in seconds.items():
        median = statistics.median(values[1:])  # the first round plans memory and kernels
        ratio = statistics.median(a / b for a, b in zip(values[1:], seconds[first][1:], strict=True))
        rate = len(given) / median
        print(f"{name:<24} {median:7.3f} s a step, {rate:6.2f} pictures/s, {ratio:.2f} times {first}'s time")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="ffhq_encode")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config, model, objective = build(options.preset, options.size, options.batch)
    _, other, _ = build(options.preset, options.size, options.batch)
    side = config.model.encoder.in_size
    with tempfile.TemporaryDirectory() as folder:
        steps = {
            "ours": ours(config, model, objective, Path(folder)),
            "plain loop": plain(config, other, objective),
        }
        compare(steps, lambda: torch.rand(options.batch, 3, side, side) * 2 - 1, options.rounds)


if __name__ == "__main__":
    main()

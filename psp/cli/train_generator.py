"""The command ``train-generator``: its arguments, and the run that they ask for. Nothing is printed here."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path

from psp.cli.arguments import whole
from psp.cli.run_arguments import WORKERS, add_run_arguments, pick_workers
from psp.training.bounds import MAX_WORKERS


def add_train_generator(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    report: Callable[[str], None],
    pick_device: Callable[[str], str],
) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        report: Called with every line to show.
        pick_device: Turns "auto", "cpu", "cuda" or "mps" into the device to compute on.
    """
    about = "Train a generator (StyleGAN2) on your own pictures; a pSp model can be built on it."
    parser = commands.add_parser("train-generator", help=about, description=about)
    add_run_arguments(parser, "small128", "runs/PRESET-generator")
    parser.add_argument("--start-from", type=Path, help="a folder OUT/training of an earlier run")
    parser.add_argument("--workers", type=whole(0, MAX_WORKERS), help=WORKERS)
    parser.set_defaults(run=lambda options: _run(options, report, pick_device))


def _run(
    options: argparse.Namespace, report: Callable[[str], None], pick_device: Callable[[str], str]
) -> None:
    import torch  # noqa: PLC0415  (only this command needs it)

    from psp.training.gan.config import gan_preset  # noqa: PLC0415  (only this command needs it)
    from psp.training.gan.run import GanRunOptions, train_generator  # noqa: PLC0415  (only this command needs it)

    config = gan_preset(options.preset)
    given = {name: getattr(options, name) for name in ("pictures", "batch", "seed")}
    config = dataclasses.replace(
        config, **{name: value for name, value in given.items() if value is not None}
    )
    if options.threads:
        torch.set_num_threads(options.threads)
    out = options.out or Path("runs") / f"{config.name}-generator"
    run = GanRunOptions(
        options.data,
        out,
        pick_device(options.device),
        options.minutes,
        options.start_from,
        pick_workers(options.workers),
    )
    path = train_generator(config, run, lambda progress: report(progress.line()), report)
    report(f"saved {path}; go on later with --start-from {out / 'training'}")

"""The command ``train``: its arguments, and the run that they ask for. Nothing is printed here."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from psp.training.run_arguments import add_run_arguments

if TYPE_CHECKING:
    from psp.training.config import TrainConfig


def add_train(
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
    about = "Train a model on your own pictures."
    parser = commands.add_parser("train", help=about, description=about)
    add_run_arguments(parser, "portraits128-encode", "runs/PRESET")
    parser.add_argument("--start-from", type=Path, help="a checkpoint to start from")
    parser.add_argument("--freeze-generator", action="store_true", help="train the encoder alone (the paper)")
    parser.add_argument("--generator", type=Path, help="a generator of train-generator, to get an encoder")
    parser.add_argument("--identity", type=Path, help="ArcFace IR-SE50 weights for the identity term")
    parser.add_argument("--identity-weight", type=float, help="weight of the identity term")
    parser.add_argument("--maps", type=Path, help="file of the pictures' maps (made in the run's folder)")
    parser.add_argument("--no-compile", dest="compiled", action="store_false", help="do not compile the step")
    parser.set_defaults(run=lambda options: _run(options, report, pick_device))


def _run(
    options: argparse.Namespace, report: Callable[[str], None], pick_device: Callable[[str], str]
) -> None:
    import torch  # noqa: PLC0415  (only this command needs it)

    from psp.training.presets import preset  # noqa: PLC0415  (only this command needs it)
    from psp.training.run import RunOptions, train  # noqa: PLC0415  (only this command needs it)

    config = _configure(preset(options.preset), options)
    if options.threads:
        torch.set_num_threads(options.threads)
    run = RunOptions(
        data=options.data,
        out=options.out or Path("runs") / config.name,
        device=pick_device(options.device),
        minutes=options.minutes,
        start_from=options.start_from,
        identity_file=options.identity,
        generator=options.generator,
        maps=options.maps,
    )
    path = train(config, run, lambda progress: report(progress.line()))
    report(f"saved {path}: use it with --model {path}")


def _configure(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    """Return the preset with what the command line changes."""
    given = {name: getattr(options, name) for name in ("pictures", "seed")}
    config = dataclasses.replace(config, **{name: v for name, v in given.items() if v is not None})
    if options.batch:
        optimizer = dataclasses.replace(config.optimizer, batch=options.batch)
        config = dataclasses.replace(config, optimizer=optimizer)
    if options.identity_weight is not None:
        losses = dataclasses.replace(config.losses, identity=options.identity_weight)
        config = dataclasses.replace(config, losses=losses)
    if options.freeze_generator:
        config = dataclasses.replace(config, train_generator=False)
    return dataclasses.replace(config, compiled=config.compiled and options.compiled)

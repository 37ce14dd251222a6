"""The command ``train``: its arguments, and the run that they ask for. Nothing is printed here."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from psp.cli.arguments import whole
from psp.cli.run_arguments import WORKERS, add_run_arguments, pick_workers
from psp.inference.launched import Place
from psp.maps.classes import MOST
from psp.training.bounds import MAX_BATCH, MAX_WORKERS

if TYPE_CHECKING:
    from psp.training.config import TrainConfig


def add_train(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], report: Callable[[str], None]
) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        report: Called with every line to show.
    """
    about = "Train a model on your own pictures."
    parser = commands.add_parser("train", help=about, description=about)
    add_run_arguments(parser, "mobile-encode", "runs/PRESET")
    parser.add_argument("--config", type=Path, help="TOML file of settings that differ from the preset's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one setting, as optimizer.lr=2e-4"
    )
    parser.add_argument("--inputs", type=Path, help="folder of what the encoder sees, with equal names")
    parser.add_argument("--start-from", help="a model to start from: a name, a folder or a file")
    parser.add_argument("--generator", help="StyleGAN2 to get an encoder: a .pt, .safetensors, or a name")
    parser.add_argument("--identity", type=Path, help="ArcFace IR-SE50 weights (from the registry)")
    parser.add_argument("--similarity", type=Path, help="MoCo v2 weights for losses.similarity")
    parser.add_argument(
        "--label-nc", type=whole(1, MOST), help="train on maps of N classes, those in --inputs"
    )
    parser.add_argument("--maps", type=Path, help="file of the pictures' maps (made in the run's folder)")
    parser.add_argument("--synthetic", type=Path, help="folder of synthetic pictures (in the run's folder)")
    parser.add_argument(
        "--mixed-precision",
        choices=("no", "bf16", "fp16"),
        help="what the networks compute in (the preset's)",
    )
    parser.add_argument(
        "--accumulate", type=whole(1, MAX_BATCH), default=1, help="cut batches into N parts, one by one (1)"
    )
    parser.add_argument("--workers", type=whole(0, MAX_WORKERS), help=WORKERS)
    parser.add_argument("--no-compile", dest="compiled", action="store_false", help="do not compile the step")
    parser.add_argument(
        "--no-check", dest="check", action="store_false", help="do not look at the data first"
    )
    parser.add_argument("--skip-bad", action="store_true", help="train without pictures that cannot be used")
    parser.add_argument("--check-only", action="store_true", help="look at the data, and do not train")
    parser.set_defaults(run=lambda options: _run(options, report))


def _run(options: argparse.Namespace, report: Callable[[str], None]) -> None:
    import torch  # noqa: PLC0415  (only this command needs it)

    from psp.training.limits import check_config  # noqa: PLC0415  (only this command needs it)
    from psp.training.presets import preset  # noqa: PLC0415  (only this command needs it)
    from psp.training.run import Reports, RunOptions, open_data, train  # noqa: PLC0415

    config = configure(preset(options.preset), options)
    check_config(config)  # before its name becomes a folder
    if options.threads:
        torch.set_num_threads(options.threads)
    main = Place.from_env().number == 0  # of all processes and machines

    def say(line: str) -> None:
        if main:
            report(line)

    run = RunOptions(
        data=options.data,
        out=options.out or Path("runs") / config.name,
        inputs=options.inputs,
        device=options.device,
        minutes=options.minutes,
        start_from=options.start_from,
        generator=options.generator,
        identity_file=options.identity,
        similarity_file=options.similarity,
        maps=options.maps,
        synthetic=options.synthetic,
        accumulate=options.accumulate,
        workers=pick_workers(options.workers),
        check=options.check,
        skip_bad=options.skip_bad,
    )
    if options.check_only:
        sources = open_data(config, dataclasses.replace(run, check=True), say)
        say("\n".join(f"{s.name}: {len(s.train)} to train on, {len(s.val)} held out" for s in sources))
        return
    try:
        path = train(config, run, Reports(lambda progress: say(progress.line()), say))
    except KeyboardInterrupt:
        say(f"The state is saved in {run.out}: the same command goes on from there.")
        raise
    say(f"saved {path}: use it with --model {path.parent}")


def configure(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    """Return the preset with what a TOML file changes, and over that what the command line does.

    Raises:
        SettingsError: A setting is unknown or has another type.
    """
    from psp.training.overrides import override, read_assignments, read_toml  # noqa: PLC0415  (only here)

    if options.config is not None:
        config = override(config, read_toml(options.config))
    config = override(config, read_assignments(options.set))
    given = {"pictures": options.pictures, "seed": options.seed, "mixed_precision": options.mixed_precision}
    config = override(config, {name: value for name, value in given.items() if value is not None})
    if options.batch is not None:
        config = override(config, {"optimizer": {"batch": options.batch}})
    count = len(config.classes) or None if options.label_nc is None else options.label_nc
    if count is not None:
        # Whatever the preset was for: what the encoder sees are maps.
        changes = {"task": "segmentation_to_face", "prepared_as": ""}
        config = override(config, {**changes, "model": {"encoder": {"in_channels": count}}})
        _ = config.map_classes  # refuses what cannot be
    return dataclasses.replace(config, compiled=config.compiled and options.compiled)

"""The command ``evaluate``: its arguments, and a table for each task. Nothing is printed here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from psp.cli.arguments import whole
from psp.evaluation.names import TASKS


def add_evaluate(
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
    about = "Measure a model on held-out pictures, or results beside their originals."
    parser = commands.add_parser("evaluate", help=about, description=about)
    parser.add_argument(
        "--task", default="encode", choices=TASKS, metavar="TASK", help=f"{', '.join(TASKS)} (encode)"
    )
    parser.add_argument(
        "--model", default="auto", help="a model's name, a path, or owner/name on the Hub (auto)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder or zip files with held-out pictures in val/; with --results: the originals",
    )
    parser.add_argument(
        "--inputs", type=Path, help="folder of what the encoder sees, such as maps, with the names of --data"
    )
    parser.add_argument(
        "--all", dest="everything", action="store_true", help="measure all pictures, not those in val/ alone"
    )
    parser.add_argument(
        "--results", type=Path, help="folder or zip file of results to measure; no model is run"
    )
    parser.add_argument(
        "--pictures", type=whole(1), help="at most so many pictures a source (all; generator: 2000)"
    )
    parser.add_argument("--batch", type=whole(1), default=8, help="pictures in memory at a time (8)")
    parser.add_argument("--csv", type=Path, help="file for the figures of every picture and their means")
    parser.add_argument(
        "--for-card",
        action="store_true",
        help="keep the means beside your model (evaluation.json), for the card of models push",
    )
    parser.add_argument("--sheet", type=Path, help="folder for picture sheets")
    parser.add_argument(
        "--identity",
        type=Path,
        help="CurricularFace, ArcFace IR-SE50 or MobileFaceNet.tflite, for similarity (the registry's)",
    )
    parser.set_defaults(run=lambda options: _run(options, report, pick_device))


def _run(
    options: argparse.Namespace, report: Callable[[str], None], pick_device: Callable[[str], str]
) -> None:
    from psp.config import Settings  # noqa: PLC0415  (only this command needs it)
    from psp.evaluation.run import Evaluation, run  # noqa: PLC0415  (only this command needs it)

    settings = Settings.from_env()
    evaluation = Evaluation(
        task=options.task,
        model=settings.model if options.model == "auto" else options.model,
        data=options.data,
        device=pick_device(settings.device),
        settings=settings,
        pictures=options.pictures,
        sheets=options.sheet,
        everything=options.everything,
        results=options.results,
        csv=options.csv,
        batch=options.batch,
        identity_file=options.identity,
        inputs=options.inputs,
        for_card=options.for_card,
    )
    run(evaluation, report)

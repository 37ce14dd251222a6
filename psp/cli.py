"""The command line, ``python -m psp COMMAND``: the tasks, models, training, evaluation. Alone prints."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from psp.config import Settings
from psp.errors import PspError
from psp.registry import list_models
from psp.tasks import TASKS
from psp.training.evaluate_command import add_evaluate
from psp.training.gan_command import add_train_generator
from psp.training.train_command import add_train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 2 where an error was told."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except PspError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a folder that cannot be written, a full disk
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m psp", description="pSp Studio on the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for task in TASKS.values():
        _add_photo_task(
            commands.add_parser(task.name, help=task.caption, description=task.caption), task.name
        )
    models = commands.add_parser("models", help="List the models and where they come from.")
    models.set_defaults(run=_models)
    add_train(commands, _report, _pick_device)
    add_train_generator(commands, _report, _pick_device)
    add_evaluate(commands, _report, _pick_device)
    return parser


def _report(line: str) -> None:
    print(line, flush=True)


def _pick_device(name: str) -> str:
    from psp.pipeline import pick_device  # noqa: PLC0415  (torch comes after the page)

    return pick_device(name)


def _add_photo_task(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("photo", type=Path, help="the picture")
    parser.add_argument("-o", "--out", type=Path, default=Path("out"), help="folder of the results (out)")
    parser.add_argument("--model", default="auto", help="a model's name or a path to a checkpoint (auto)")
    parser.add_argument("--no-align", dest="align", action="store_false", help="take the picture as it is")
    parser.add_argument("--face", type=int, default=0, help="which face; 0 is the largest (0)")
    parser.set_defaults(run=_photo_task, task=name)


def _photo_task(options: argparse.Namespace) -> None:
    from psp.pipeline import PspPipeline  # noqa: PLC0415  (only this command needs it)

    pipeline = PspPipeline()
    pipeline.load(options.model, options.task, _print_download)
    task = getattr(pipeline, options.task)
    result = task(options.photo, model=options.model, align=options.align, face=options.face)
    saved = result.save(options.out / f"{options.photo.stem}-{options.task}")
    print(json.dumps(result.details, indent=2, ensure_ascii=False))
    print(f"saved {saved} and {saved.with_suffix('.safetensors').name}", file=sys.stderr)


def _print_download(done: int, total: int | None) -> None:
    share = f" ({done / total:.0%})" if total else ""
    print(f"\rdownloading the model: {done >> 20} MB{share}", end="", file=sys.stderr, flush=True)


def _models(options: argparse.Namespace) -> None:
    words = {
        "bundled": "ready (bundled)",
        "folder": "ready (local folder)",
        "cache": "ready (downloaded)",
        "hub": "downloaded when first used",
        "by hand": "put the file into PSP_WEIGHTS_DIR",
    }
    for status in list_models(Settings.from_env()):
        entry = status.entry
        print(f"{entry.family:<16}{entry.task:<24}{entry.file:<36}{words[status.where]}")

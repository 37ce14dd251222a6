"""The command line: ``python -m psp encode|models|train|evaluate``. The only module that prints."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psp.config import Settings
from psp.errors import PspError
from psp.registry import list_models
from psp.tasks import TASKS

if TYPE_CHECKING:
    from psp.training.coach import Progress


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
    _add_train(commands.add_parser("train", help="Train a model on your own pictures."))
    _add_evaluate(commands.add_parser("evaluate", help="Measure a model on held-out pictures."))
    return parser


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


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", required=True, help="which run, for example portraits128-encode")
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures or zip files")
    parser.add_argument("--out", type=Path, help="folder of the run (runs/PRESET); what is there is resumed")
    parser.add_argument("--minutes", type=float, help="stop after this time, with a checkpoint")
    parser.add_argument("--pictures", type=int, help="length of the run, in pictures drawn")
    parser.add_argument("--batch", type=int, help="pictures a step")
    parser.add_argument("--seed", type=int, help="seed of weights, draws and variations")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (auto)")
    parser.add_argument("--threads", type=int, help="CPU threads (all)")
    parser.add_argument("--start-from", type=Path, help="a checkpoint to start from")
    parser.add_argument("--freeze-generator", action="store_true", help="train the encoder alone (the paper)")
    parser.add_argument("--identity", type=Path, help="ArcFace IR-SE50 weights for the identity term")
    parser.add_argument("--identity-weight", type=float, help="weight of the identity term")
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    import torch  # noqa: PLC0415  (only this command needs it)

    from psp.pipeline import pick_device  # noqa: PLC0415  (only this command needs it)
    from psp.training.config import preset  # noqa: PLC0415  (only this command needs it)
    from psp.training.run import RunOptions, train  # noqa: PLC0415  (only this command needs it)

    config = preset(options.preset)
    given = {
        name: getattr(options, name) for name in ("pictures", "seed") if getattr(options, name) is not None
    }
    config = dataclasses.replace(config, **given)
    if options.batch:
        config = dataclasses.replace(
            config, optimizer=dataclasses.replace(config.optimizer, batch=options.batch)
        )
    if options.identity_weight is not None:
        losses = dataclasses.replace(config.losses, identity=options.identity_weight)
        config = dataclasses.replace(config, losses=losses)
    if options.freeze_generator:
        config = dataclasses.replace(config, train_generator=False)
    if options.threads:
        torch.set_num_threads(options.threads)
    out = options.out or Path("runs") / config.name
    where = pick_device(options.device)
    run = RunOptions(options.data, out, where, options.minutes, options.start_from, options.identity)
    path = train(config, run, _print_progress)
    print(f"saved {path}: use it with --model {path}")


def _print_progress(progress: Progress) -> None:
    position = progress.position
    terms = "  ".join(f"{name} {value:.4f}" for name, value in progress.terms.items())
    rate = f"  {progress.rate:.1f}/s" if progress.rate else ""
    print(f"{position.pictures}/{progress.total}  {position.seconds:.0f} s{rate}  {terms}", flush=True)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="auto", help="a model's name or a path to a checkpoint (auto)")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder or zip files with held-out pictures in val/"
    )
    parser.add_argument("--sheet", type=Path, help="folder for picture sheets, one a source")
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from psp.checkpoints import load_psp  # noqa: PLC0415  (only this command needs it)
    from psp.pipeline import pick_device  # noqa: PLC0415  (only this command needs it)
    from psp.quality import lpips_network  # noqa: PLC0415  (only this command needs it)
    from psp.training.data import held_out, open_sources  # noqa: PLC0415  (only this command needs it)
    from psp.training.evaluate import evaluate, reconstruct  # noqa: PLC0415  (only this command needs it)
    from psp.training.sheets import save_sheet  # noqa: PLC0415  (only this command needs it)

    settings = Settings.from_env()
    name = settings.model if options.model == "auto" else options.model
    model = load_psp(name, pick_device(settings.device), settings=settings)
    print(
        f"{'source':<12}{'pictures':>9}{'LPIPS':>8}{'MSE':>8}{'identity':>10}{'wrong':>8}{'own nearest':>13}"
    )
    for source in open_sources(options.data):
        if not source.val:
            continue
        images = held_out(source, model.config.encoder.in_size)
        made = reconstruct(model, images)
        f = evaluate(images, made, lpips_network())
        print(
            f"{source.name:<12}{f.pictures:>9}{f.lpips:>8.4f}{f.mse:>8.4f}{f.identity:>10.3f}"
            f"{f.wrong_pairs:>8.3f}{f.nearest:>13.0%}",
            flush=True,
        )
        if options.sheet:
            options.sheet.mkdir(parents=True, exist_ok=True)
            save_sheet(options.sheet / f"{source.name}.jpg", images[:48], made[:48])

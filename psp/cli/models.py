"""The command ``models``: what there is, ``models push`` and ``import-mobile``. Nothing is printed here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from psp.config import Settings
from psp.errors import PspError, SettingsError
from psp.files.bundled import bundled_dir
from psp.files.pins import PINNED, SUMS, write_pins
from psp.registry.lookup import ModelStatus, file_on_disk, list_models

_MOBILE = "mobile-1024.safetensors"
_WORDS = {
    "bundled": "ready (bundled)",
    "folder": "ready (local folder)",
    "cache": "ready (downloaded)",
    "hub": "downloaded when first used",
    "by hand": "put the file into PSP_WEIGHTS_DIR",
}


def add_models(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], report: Callable[[str], None]
) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        report: Called with every line to show.
    """
    about = "List the models and where they come from, or push one of your own to the Hub."
    parser = commands.add_parser("models", help=about, description=about)
    parser.set_defaults(run=lambda options: _list(report))
    about = "Upload a model of your own, with a card, to a repository of your own on the Hugging Face Hub."
    kinds = parser.add_subparsers(metavar="push")
    push = kinds.add_parser("push", help=about, description=about)
    push.add_argument(
        "--model", required=True, help="a folder (runs/mine/best), a file, or your model's name"
    )
    push.add_argument("--repo", required=True, help="owner/name on the Hub; made if it is not there")
    push.add_argument("--private", action="store_true", help="make a repository that only you can see")
    push.add_argument("--licence", help="the Hub's identifier of the licence, such as cc-by-4.0")
    push.add_argument("--message", default="Upload a pSp model", help="of the commit (Upload a pSp model)")
    push.add_argument("--dry-run", action="store_true", help="show what would be uploaded, and the card")
    about = "After bundled files were replaced on purpose: write the sha256 that they are checked by anew."
    pin = kinds.add_parser("pin", help=about, description=about)
    pin.set_defaults(run=lambda options: _pin(report))
    push.set_defaults(run=lambda options: _push(options, report))
    about = (
        "Make a generator's file of the wheel random-face, MobileStyleGAN at 1024 px, for train --generator."
    )
    mobile = kinds.add_parser("import-mobile", help=about, description=about)
    mobile.add_argument("wheel", type=Path, help="pip download --no-deps random-face==2021.7.21.1")
    mobile.add_argument("-o", "--out", type=Path, default=Path(_MOBILE), help=f"the file ({_MOBILE})")
    mobile.set_defaults(run=lambda options: _import_mobile(options, report))


def _list(report: Callable[[str], None]) -> None:
    settings = Settings.from_env()
    every = list_models(settings)
    columns = [(s.entry.family, s.entry.task, s.entry.file) for s in every]
    widths = [max(len(row[i]) for row in columns) + 2 for i in range(3)]
    for status, row in zip(every, columns, strict=True):
        entry = status.entry
        mine = status.where == "by hand" and entry.path is not None
        words = f"not here: {entry.by_hand}" if mine else _WORDS[status.where]
        if status.where in ("bundled", "folder"):
            words = _what_is_missing(status, settings) or words
        report("".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) + words)


def _what_is_missing(status: ModelStatus, settings: Settings) -> str:
    """Return what a model on this machine needs that is not beside it; nothing where all is there."""
    from psp.checkpoints.siblings import all_siblings  # noqa: PLC0415  (only this command needs it, and torch)

    place = file_on_disk(status.entry, settings)
    try:
        if place is not None:
            all_siblings(place[0], settings.cache_dir)
    except PspError as error:
        return f"not whole: {error.problem}"
    return ""


def _pin(report: Callable[[str], None]) -> None:
    for name, patterns in PINNED.items():
        count = write_pins(bundled_dir(name), patterns)
        report(f"{name}/{SUMS}: {count} files")


def _import_mobile(options: argparse.Namespace, report: Callable[[str], None]) -> None:
    from psp.checkpoints.generators import save_generator  # noqa: PLC0415  (only this command needs it, and torch)
    from psp.checkpoints.mobile_wheel import (  # noqa: PLC0415  (as above)
        EIGHT_BITS,
        LARGEST,
        LICENCE,
        open_mobile_wheel,
    )
    from psp.checkpoints.siblings import all_siblings  # noqa: PLC0415  (as above)

    out: Path = options.out
    if out.exists():
        raise SettingsError(f"{out} is there already.", "Name another file with -o.")
    if not options.wheel.is_file():
        raise SettingsError(
            f"There is no file {options.wheel}.", "Get it: pip download --no-deps random-face==2021.7.21.1"
        )
    opened = open_mobile_wheel(options.wheel)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_generator(
        out, opened.generator, opened.w_avg, {"licence": LICENCE}, eight_bits=EIGHT_BITS, largest=LARGEST
    )
    shape, files = opened.generator.config, (out, *all_siblings(out))
    size = sum(file.stat().st_size for file in files) / 1e6
    report(f"saved {', '.join(map(str, files))}: {shape.size} px, {shape.n_codes} codes, {size:.1f} MB")
    report(LICENCE)


def _push(options: argparse.Namespace, report: Callable[[str], None]) -> None:
    from psp.checkpoints.card import entry_name, size_words  # noqa: PLC0415  (only this command needs it, and torch)
    from psp.checkpoints.hub import CONFIG  # noqa: PLC0415  (as above)
    from psp.checkpoints.push import plan_push, push  # noqa: PLC0415  (only this command needs it, and torch)

    settings = Settings.from_env()
    plan = plan_push(options.model, options.repo, settings, options.licence)
    for note in plan.notes:
        report(f"note: {note}")
    report(f"{'would upload' if options.dry_run else 'uploading'} to {plan.repo}:")
    for name, path in plan.files.items():
        report(f"  {name:<32}{size_words(path.stat().st_size):>12}")
    for name, text in (("README.md", plan.card), (CONFIG, plan.config)):
        report(f"  {name:<32}{size_words(len(text.encode())):>12}")
    if options.dry_run:
        report(f"\n{plan.card}")
        return
    pushed = push(plan, settings, private=options.private, message=options.message)
    tasks = ", ".join(f'"{task}"' for task in plan.tasks)
    report(f"pushed to {pushed.url}, commit {pushed.commit}; for the file of PSP_MODELS:\n")
    report(
        f'["{entry_name(plan.repo)}"]\nhub = "{plan.repo}"\nrevision = "{pushed.commit}"\ntasks = [{tasks}]'
    )

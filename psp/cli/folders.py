"""The commands ``align DIR``, ``prepare`` and ``infer``: their arguments. Nothing is printed here."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from psp.config import Settings
from psp.errors import SettingsError
from psp.inference.launched import Place
from psp.parameters import EDITS, LAYERS, LIKENESS, STRENGTH
from psp.tasks import TASKS

if TYPE_CHECKING:
    from psp.folders.batch import Folders
    from psp.inference.network import Step

_Report: TypeAlias = Callable[[str], None]
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_PREPARED = tuple(name for name, task in TASKS.items() if task.tracer)
_CROP = 256


def extend_align(parser: argparse.ArgumentParser, report: _Report) -> None:
    """Let ``align`` take a folder as well.

    Args:
        parser: That of one photo, its ``run`` set.
        report: Called with every line to show.
    """
    single: Callable[[argparse.Namespace], None] = parser.get_default("run")
    parser.add_argument(
        "into", metavar="OUT", type=Path, nargs="?", help="folder of the results, the same as -o"
    )
    parser.add_argument("--size", type=int, default=_CROP, help=f"side of a folder's crops ({_CROP})")
    _add_how(parser)
    parser.set_defaults(run=lambda options: _align(options, single, report))


def add_prepare(commands: _Commands, report: _Report) -> None:
    """Add the command ``prepare``."""
    about = "Make of a folder of aligned faces what the encoder of a task sees: sketches, or maps."
    parser = commands.add_parser("prepare", help=about, description=about)
    _add_where(parser, "aligned faces")
    parser.add_argument(
        "--task", required=True, choices=_PREPARED, help=" or ".join(_PREPARED), metavar="TASK"
    )
    parser.add_argument("--size", type=int, default=_CROP, help=f"side of what is made ({_CROP})")
    _add_how(parser)
    parser.set_defaults(run=lambda options: _prepare(options, report))


def add_infer(commands: _Commands, report: _Report, step: Step) -> None:
    """Add the command ``infer``; ``step`` is told how far a download is."""
    about = "Run a task on every picture of a folder, in batches."
    parser = commands.add_parser("infer", help=about, description=about)
    _add_where(parser, "photos, drawings or maps")
    parser.add_argument(
        "--task",
        default="encode",
        choices=tuple(TASKS),
        metavar="TASK",
        help=f"{', '.join(TASKS)} (encode)",
    )
    parser.add_argument(
        "--model", default="auto", help="a model's name, path, or owner/name on the Hub (auto)"
    )
    parser.add_argument("--batch", type=int, help="pictures at once (8; on a CPU 1)")
    parser.add_argument("--couples", action="store_true", help="also what the model saw, beside the result")
    parser.add_argument("--latents", action="store_true", help="also the codes, as .safetensors")
    parser.add_argument("--no-align", dest="align", action="store_false", help="take photos as they are")
    parser.add_argument("--face", type=int, default=0, help="which face; 0 is the largest (0)")
    parser.add_argument(
        "--factor", type=int, default=0, help="super-resolution: shrink 4, 8, 16 or 32 times first (0: not)"
    )
    parser.add_argument("--likeness", default="quick", help=f"encode, edit: {LIKENESS.help} (quick)")
    parser.add_argument("--strength", type=float, default=1.0, help=f"toonify: {STRENGTH.help} (1)")
    parser.add_argument("--edits", default="", help=f"edit: {EDITS.help}")
    parser.add_argument("--layers", default="auto", help=f"drawings, maps, style_mix: {LAYERS.help} (auto)")
    parser.add_argument(
        "--alpha", type=float, help="share of a random style in these layers (style_mix: 1, others: 0)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of that style, the same for all (0)")
    _add_how(parser)
    parser.set_defaults(run=lambda options: _infer(options, report, step))


def _add_where(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("pictures", metavar="DIR", type=Path, help=f"folder of {what}, and folders below it")
    parser.add_argument("into", metavar="OUT", type=Path, help="folder of the results, named as the pictures")


def _add_how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, help="processes that prepare pictures (one for each core)")
    parser.add_argument("--again", action="store_true", help="make anew what is there already")


def _align(
    options: argparse.Namespace, single: Callable[[argparse.Namespace], None], report: _Report
) -> None:
    options.into = options.out = options.into or options.out
    if not options.photo.is_dir():
        if options.size != _CROP:
            raise SettingsError("--size is for folders.", "Give the folder that the photo is in.")
        single(options)
        return
    from psp.folders.align import align_folder  # noqa: PLC0415  (only this command needs it)

    options.pictures = options.photo
    with _ending_well():
        align_folder(_folders(options, report), options.face, options.size)


def _prepare(options: argparse.Namespace, report: _Report) -> None:
    from psp.folders.prepare import prepare_folder  # noqa: PLC0415  (only this command needs it)

    with _ending_well():
        prepare_folder(_with_device(_folders(options, report)), options.task, options.size)


def _infer(options: argparse.Namespace, report: _Report, step: Step) -> None:
    from psp.folders.infer import Inference, infer_folder  # noqa: PLC0415  (only this command needs it)
    from psp.folders.plan import usual_batch  # noqa: PLC0415  (only this command needs it)
    from psp.inference.devices import pick_device  # noqa: PLC0415  (torch comes after the page)

    folders = _with_device(_folders(options, report))
    batch = usual_batch(pick_device(folders.settings.device)) if options.batch is None else options.batch
    inference = Inference(
        task=options.task,
        model=options.model,
        batch=batch,
        align=options.align,
        face=options.face,
        factor=options.factor,
        couples=options.couples,
        latents=options.latents,
        likeness=options.likeness,
        strength=options.strength,
        edits=options.edits,
        layers=options.layers,
        alpha=options.alpha,
        seed=options.seed,
    )
    with _ending_well():
        infer_folder(
            folders, inference, step if folders.place.local == 0 else None
        )  # one line for all to write on


def _folders(options: argparse.Namespace, report: _Report) -> Folders:
    from psp.folders.batch import Folders  # noqa: PLC0415  (only these commands need it)
    from psp.folders.processes import check_workers, cpu_count  # noqa: PLC0415  (only these commands need it)

    place = Place.from_env()
    cores = max(1, cpu_count() // place.beside)
    return Folders(
        pictures=options.pictures,
        out=options.into,
        workers=cores if options.workers is None else check_workers(options.workers),
        again=options.again,
        settings=Settings.from_env(),
        report=report if place.alone else lambda line: report(f"[{place.words}] {line}"),
        place=place,
    )


def _with_device(folders: Folders) -> Folders:
    """Return a request for the device that this process has among those of its machine."""
    device = folders.place.device(folders.settings.device)
    return replace(folders, settings=replace(folders.settings, device=device))


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl+C does, with a report; a second one ends it at once.

    A launcher sends it to all processes when one has ended with an error.
    """

    def end(number: int, _: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # others cannot receive it
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""The tasks as commands: what each takes, how it is run, and what is told of its results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psp.cli.arguments import any_number, any_whole
from psp.cli.terminal import print_step, takes
from psp.errors import SettingsError
from psp.files.saving import made_by, stem_of, write_files
from psp.tasks import TASKS

if TYPE_CHECKING:
    from psp.inference.pipeline import PspPipeline
    from psp.inference.result import Result


@dataclass(frozen=True)
class _Option:
    """One option of a task.

    Attributes:
        name: Its name in the API.
        kind: Turns the argument into its value.
        default: As in the API.
        words: Help.
    """

    name: str
    kind: Callable[[str], Any]
    default: object
    words: str


_MODEL = _Option("model", str, "auto", "a model's name, file or folder")
_VARIANTS = _Option("variants", any_whole, 1, "how many faces")
_SEED = _Option("seed", any_whole, 0, "of the first random style; -1: by chance")
_LAYERS = "layers that take the style: 8-, 0-3,7, all, auto, pose, features, colours"
_ALPHA = _Option("alpha", any_number, 1.0, "share of the style in these layers, 0 to 1")
_DRAWN = (_MODEL, _VARIANTS, _SEED, _Option("layers", str, "auto", _LAYERS), _ALPHA)


@dataclass(frozen=True)
class _Command:
    """One task on the command line.

    Attributes:
        given: Name of the input in the API.
        options: What can be set besides.
        align: Whether it takes ``--no-align``.
        face: Whether it takes ``--face``.
        words: Help, for what is no task of the page.
    """

    given: str
    options: tuple[_Option, ...] = (_MODEL,)
    align: bool = False
    face: bool = False
    words: str = ""


_COMMANDS = {
    "encode": _Command("photo", align=True, face=True),
    "frontalize": _Command("photo", align=True, face=True),
    "toonify": _Command(
        "photo",
        (_MODEL, _Option("strength", any_number, 1.0, "from 0, the encoded face, to 1, fully drawn")),
        align=True,
        face=True,
    ),
    "super_resolution": _Command(
        "photo",
        (
            _MODEL,
            _Option(
                "factor", any_whole, 0, "shrink 4, 8, 16 or 32 times first, to demonstrate; 0: not at all"
            ),
            _VARIANTS,
            _SEED,
        ),
        align=True,
        face=True,
    ),
    "sketch_to_face": _Command("sketch", _DRAWN),
    "segmentation_to_face": _Command("mask", _DRAWN),
    "style_mix": _Command(
        "photo",
        (
            _Option("style", Path, None, "a picture with another face; none: random styles"),
            _MODEL,
            _Option("layers", str, "8-", _LAYERS),
            _ALPHA,
            _VARIANTS,
            _SEED,
        ),
        align=True,
        face=True,
    ),
    "align": _Command(
        "photo", (), face=True, words="Find a face and save its FFHQ-aligned crop; of a folder, all."
    ),
    "decode": _Command("latents", words="Decode a .safetensors file of codes."),
    "photo_to_sketch": _Command("photo", (), align=True, face=True, words="Draw a photo as a sketch."),
    "photo_to_mask": _Command("photo", (), align=True, face=True, words="Map a photo by the 19 classes."),
}


def add_tasks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add every task to ``commands``; parsed options get a ``run`` to call with them."""
    for name, command in _COMMANDS.items():
        words = TASKS[name].caption if name in TASKS else command.words
        _add_task(commands.add_parser(name, help=words, description=words), name, command)


def _add_task(parser: argparse.ArgumentParser, name: str, command: _Command) -> None:
    what = "a file, or a folder of them" if name == "align" else "a file"
    parser.add_argument(command.given, type=Path, help=f"the {command.given}, {what}")
    parser.add_argument("-o", "--out", type=Path, default=Path("out"), help="folder of the results (out)")
    for option in command.options:
        words = option.words if option.default is None else f"{option.words} ({option.default})"
        parser.add_argument(f"--{option.name}", type=option.kind, default=option.default, help=words)
    if command.align:
        parser.add_argument(
            "--no-align", dest="align", action="store_false", help="take the picture as it is"
        )
    if command.face:
        parser.add_argument("--face", type=_face, default=0, help="which face; 0 is the largest; all (0)")
    if command.face and _MODEL in command.options:
        parser.add_argument("--paste", action="store_true", help="also save the photo with the result in it")
    parser.set_defaults(run=_run_task, task=name)


def _face(text: str) -> int | None:
    """Return the number of a face, or None for all of them."""
    return None if text == "all" else any_whole(text)


def _run_task(options: argparse.Namespace) -> None:
    from psp.inference.pipeline import PspPipeline  # noqa: PLC0415  (only these commands need it)

    command = _COMMANDS[options.task]
    pipeline = PspPipeline()
    given: Path = getattr(options, command.given)
    settings = {option.name: getattr(options, option.name) for option in command.options}
    if command.align:
        settings["align"] = options.align
    if _MODEL in command.options:
        settings["step"] = print_step
    faces: Sequence[int | None] = [None]
    if command.face:
        if options.face is None and not getattr(options, "align", True):
            raise SettingsError("--face all needs alignment.", "Leave out --no-align.")
        faces = range(len(pipeline.places(given))) if options.face is None else [options.face]
    stem = options.out / f"{stem_of(given.name)}-{options.task}"
    results = []
    for face in faces:
        chosen = settings if face is None else {**settings, "face": face}
        result: Result = getattr(pipeline, options.task)(given, **chosen)
        path = stem.with_name(f"{stem.name}-face-{face}") if len(faces) > 1 else stem
        saved = result.save(path.with_name(f"{path.name}.png"))  # else a name's end could pass for an ending
        print(f"saved {saved}", file=sys.stderr)
        for warning in result.details["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
        results.append(result)
    told = [result.details for result in results]
    _print_json(told if getattr(options, "face", 0) is None else told[0])
    if getattr(options, "paste", False):
        _paste(pipeline, given, results, stem)


def _print_json(data: object) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    # Where a sign would be replaced, it is escaped, so that it stays the same JSON.
    print(text if takes(text) else json.dumps(data, indent=2))


def _paste(pipeline: PspPipeline, photo: Path, results: list[Result], stem: Path) -> None:
    """Save the photo with the first picture of each result in it."""
    from psp.codes.recipe import picture_to_png  # noqa: PLC0415  (only this option needs it)

    made = [(result.image, result.details["alignment"]) for result in results]
    path = stem.with_name(f"{stem.name}-in-the-photo.png")
    png = picture_to_png(pipeline.paste_back(photo, made), results[0].recipe)
    write_files({path: png}, made_by({results[0].recipe.task}, results[0].inputs))
    print(f"saved {path}", file=sys.stderr)

"""The tasks as commands: what each takes, how it is run, and what is told of its results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psp.cli.arguments import any_number, any_whole
from psp.cli.enough import until_enough
from psp.cli.terminal import print_step, takes
from psp.errors import SettingsError
from psp.files.saving import made_by, stem_of, write_files
from psp.parameters import Parameter
from psp.tasks import CALLS, Task

if TYPE_CHECKING:
    from psp.inference.pipeline import PspPipeline
    from psp.inference.result import Result


_READERS: dict[type, Callable[[str], Any]] = {int: any_whole, float: any_number, str: str}
"""How the command line reads the settings of each type; their limits are checked by the task."""


# What the command line takes beside what the page does.
_MORE = {
    "model": "; or a model's name, file or folder, or owner/name on the Hub",
    "face": "; all: every one",
    "edits": "; names that the model has are told where one is wrong",
    "layers": ": 8-, 0-3,7, all, auto, pose, features, colours; with shares: pose:0.5,features",
}

_FURTHER = {
    "style": "a picture with another face; none: random styles",
    "directions": "a .safetensors file of further directions",
    "latents": "a .safetensors file of codes to start from; none: the encoder's answer",
    "through": "faces on the way, up to 4: photos, or .safetensors files of codes",
}

_KEPT = ("encode", "refine")
"""The tasks that hand out what they have by then, whoever has enough of them."""


def add_tasks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add every task to ``commands``; parsed options get a ``run`` to call with them."""
    for task in CALLS.values():
        _add_task(commands.add_parser(task.name, help=task.caption, description=task.caption), task)


def _add_task(parser: argparse.ArgumentParser, task: Task) -> None:
    what = "a file, or a folder of them" if task.name == "align" else "a file"
    parser.add_argument(task.kind, type=Path, help=f"the {task.kind}, {what}")
    out = "folder of the results (out)" + (
        "; or a name for the video: me.mp4" if task.kind == "video" else ""
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("out"), help=out)
    for name in task.more:
        parser.add_argument(f"--{name}", type=Path, help=_FURTHER[name])
    for several in task.last:
        parser.add_argument(f"--{several}", type=Path, nargs="+", metavar="FILE", help=_FURTHER[several])
    for setting in task.parameters:
        _add_setting(parser, setting, several=task.kind != "video")
    if task.model and task.has("align"):
        parser.add_argument("--paste", action="store_true", help="also save the photo with the result in it")
    parser.set_defaults(run=partial(_run_task, task))


def _add_setting(parser: argparse.ArgumentParser, setting: Parameter, *, several: bool) -> None:
    """Add the option of one setting: ``--no-`` before the name where it is yes if nobody says.

    Args:
        parser: The command.
        setting: The setting.
        several: Whether the command takes all faces at once.
    """
    if setting.type is bool:
        sign, action = (
            (f"--no-{setting.name}", "store_false")
            if setting.default
            else (f"--{setting.name}", "store_true")
        )
        words = setting.off if setting.default else setting.help
        parser.add_argument(sign, dest=setting.name, action=action, help=words.replace("%", "%%"))
        return
    more = "" if setting.name == "face" and not several else _MORE.get(setting.name, "")
    words = f"{setting.help}{more}"
    if setting.is_number and setting.name != "face":
        words += f". {setting.told()[:-1]}"
    parser.add_argument(
        f"--{setting.name}",
        # --face alone takes a word: on the command line, a task is run on all of them.
        type=_face if setting.name == "face" and several else _READERS[setting.type],
        default=setting.default,
        help=f"{words} ({setting.default})".replace("%", "%%"),
    )


def _face(text: str) -> int | None:
    """Return the number of a face, or None for all of them."""
    return None if text == "all" else any_whole(text)


def _run_task(task: Task, options: argparse.Namespace) -> None:
    if task.name not in _KEPT:
        _made(task, options, print_step)
        return
    with until_enough(print_step) as step:
        _made(task, options, step)


def _made(task: Task, options: argparse.Namespace, step: Callable[[str, float | None], None]) -> None:
    from psp.inference.pipeline import PspPipeline  # noqa: PLC0415  (only these commands need it)

    pipeline = PspPipeline()
    given: Path = getattr(options, task.kind)
    settings = {setting.name: getattr(options, setting.name) for setting in task.parameters}
    if task.kind != "video":  # one face is followed there
        settings.pop("face", None)
    settings |= {name: getattr(options, name) for name in (*task.more, *task.last)}
    if task.model:
        settings["step"] = step
    faces: Sequence[int | None] = [None]
    if task.has("face") and task.kind != "video":
        if options.face is None and not getattr(options, "align", True):
            raise SettingsError("--face all needs alignment.", "Leave out --no-align.")
        faces = range(len(pipeline.places(given))) if options.face is None else [options.face]
    stem = _stem(options.out, given, task)
    results = []
    for face in faces:
        chosen = settings if face is None else {**settings, "face": face}
        result: Result = getattr(pipeline, task.name)(given, **chosen)
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


def _stem(out: Path, given: Path, task: Task) -> Path:
    """Return the path of the results without an ending: in a folder, or the name that a video is to have."""
    if task.kind == "video" and out.suffix.lower() == ".mp4":
        return out.with_suffix("")
    return out / f"{stem_of(given.name)}-{task.name}"


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

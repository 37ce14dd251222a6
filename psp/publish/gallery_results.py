"""The results in a folder, as the studio saved them: pictures with a recipe, and what they may be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.files.saving import recipe_at, stem_of
from psp.pictures.images import read_png_header
from psp.pictures.listing import list_folder
from psp.tasks import TASKS

MOST = 500
"""Results of one page: more make it slow to open."""

_COUPLES = "couples"
# What the command line adds to the name of an input: the task, which face, which variant.
_ADDED = re.compile(r"(?P<name>.+)-(?P<task>[a-z_]+)(-face-\d+)?(-\d+)?")
_IN_THE_PHOTO = "-in-the-photo"


@dataclass(frozen=True)
class Found:
    """A result of the folder.

    Attributes:
        path: The picture.
        name: The name of its input, or its own without the ending.
        recipe: How it was made.
        couple: What the model saw beside the result, where ``infer --couples`` saved that.
        input: The file that it was made from, where it is at hand.
    """

    path: Path
    name: str
    recipe: Recipe
    couple: Path | None
    input: Path | None


def find_results(folder: Path, inputs: Path | None = None) -> tuple[Found, ...]:
    """Return the results in ``folder`` and the folders below it, by task and name.

    Passed over are hidden files, pictures without a recipe, and those of tasks that make no face (crops,
    sketches, maps).

    Args:
        folder: Where results are.
        inputs: Where the files are that they were made from, if not beside them.

    Raises:
        InputError: There is no such folder, or no result in it, or too many are.
    """
    for place in (folder, *([inputs] if inputs else [])):
        if not place.is_dir():
            raise InputError(f"There is no folder {place}.", "Check the path.")
    names = list_folder(folder).pictures
    sources = {
        stem: path
        for where in (folder, inputs or folder)
        for stem, path in _sources(where, names if where == folder else list_folder(where).pictures)
    }
    found = [result for name in names if (result := _read(folder, name, sources)) is not None]
    if not found:
        raise InputError(
            f"There is no result of the studio in {folder}.",
            "Make some (python -m psp infer DIR OUT --couples), or use PNGs as they were downloaded.",
        )
    if len(found) > MOST:
        raise InputError(f"{folder} holds {len(found)} results.", f"Put at most {MOST} into a gallery.")
    order = {task: number for number, task in enumerate(TASKS)}
    return tuple(sorted(found, key=lambda result: (order[result.recipe.task], _natural(result.path.name))))


def _read(folder: Path, name: str, sources: dict[str, Path]) -> Found | None:
    """Return the result of this name; None: it is none."""
    path, place = folder / name, PurePosixPath(name)
    if path.suffix.lower() != ".png" or place.parts[0] == _COUPLES or place.stem.endswith(_IN_THE_PHOTO):
        return None
    recipe = recipe_at(path)
    if recipe is None or recipe.task not in TASKS:
        return None
    width, height = read_png_header(path).size
    if width != height:  # pasted into a photo, or a sheet
        return None
    stem = stem_of(name)
    added = _ADDED.fullmatch(stem)
    own = added["name"] if added and added["task"] == recipe.task else stem
    couple = folder / _COUPLES / name
    return Found(
        path,
        PurePosixPath(own).name,
        recipe,
        couple if recipe_at(couple) == recipe else None,
        _source(path, sources, own),
    )


def _sources(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield what may be inputs, by name without ending: what is no face that the studio made."""
    for name in names:
        recipe = recipe_at(folder / name) if name.lower().endswith(".png") else None
        if PurePosixPath(name).parts[0] != _COUPLES and (recipe is None or recipe.task not in TASKS):
            yield stem_of(name), folder / name


def _source(path: Path, sources: dict[str, Path], stem: str) -> Path | None:
    """Return the file that a result was made from: of its name in its folder, or the only one of its name."""
    alone = PurePosixPath(stem).name
    named = [
        source for name, source in sources.items() if PurePosixPath(name).name == alone and source != path
    ]
    found = sources.get(stem, path)
    return found if found != path else named[0] if len(named) == 1 else None


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts "me-10" after "me-9"."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))

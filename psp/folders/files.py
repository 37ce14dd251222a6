"""Pictures in a folder and the files made of them: finding, naming, writing whole or not at all."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psp.codes.recipe import Recipe, recipe_of_png
from psp.errors import InputError, PictureError, SettingsError
from psp.files.saving import Made, write_files
from psp.pictures.formats import ENDINGS
from psp.pictures.images import read_png_header
from psp.pictures.listing import is_hidden, is_picture, list_names


@dataclass(frozen=True)
class Found:
    """A picture in a folder.

    Attributes:
        path: The file.
        name: Where it is in the folder, as text that can be printed: "holidays/me.jpg".
        target: Where what is made of it belongs in the folder of results, a PNG: "holidays/me.png".
    """

    path: Path
    name: str
    target: Path


def find_pictures(
    folder: Path, out: Path, tell: Callable[[str], None] = lambda line: None
) -> tuple[Found, ...]:
    """Return the pictures in ``folder`` and all folders below it, by name.

    Hidden files and folders are passed over, and so is ``out``. Where two pictures differ in their endings
    alone, these stay in the names of the results: "me.jpg.png", "me.webp.png".

    Args:
        folder: Where to look.
        out: Where results will go; may be below ``folder``.
        tell: Called with a line where files are passed over.

    Raises:
        InputError: There is no such folder, or no picture in it.
        SettingsError: Results would go to where the pictures are.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Check the path.")
    if folder.resolve().is_relative_to(out.resolve()):
        raise SettingsError(
            f"The results would go into {out}, where the pictures are.",
            "Choose another folder for them; it may lie in that of the pictures.",
        )
    _require_folder(out)
    files = [path.relative_to(folder) for path in _walk(folder, out.resolve())]
    paths = sorted(path for path in files if is_picture(path.name) and not is_hidden(path.as_posix()))
    if over := list_names(path.as_posix() for path in files).passed_over():
        tell(f"passed over: {over}")
    if not paths:
        raise InputError(f"No picture was found under {folder}.", f"Known endings: {', '.join(ENDINGS)}.")
    targets = _targets(paths)
    _require_apart(folder.resolve(), out, targets)
    return tuple(
        Found(folder / path, path.as_posix().encode("utf-8", "backslashreplace").decode(), target)
        for path, target in zip(paths, targets, strict=True)
    )


def _require_folder(out: Path) -> None:
    """Refuse a place for results that cannot become a folder.

    Raises:
        SettingsError: It is a file, or lies below one.
    """
    there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
    if not there.is_dir():
        raise SettingsError(f"{there} is a file, no folder.", "Choose another folder for the results.")


def _targets(paths: Sequence[Path]) -> list[Path]:
    """Return a name of its own for the result of each picture: "me.png", or "me.jpg.png" where need be."""
    whole: set[Path] = set()
    while True:
        targets = [p.with_name(f"{p.name}.png") if p in whole else p.with_suffix(".png") for p in paths]
        bearers = Counter(map(_key, targets))
        # The stem of "me.jpg.webp" may be the whole name of another picture, so look again.
        more = {p for p, target in zip(paths, targets, strict=True) if bearers[_key(target)] > 1} - whole
        if not more:
            return targets
        whole |= more


def _key(path: Path) -> str:
    """Return a name as disks see it that do not tell capitals from small letters, or accents apart."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _require_apart(folder: Path, out: Path, targets: Sequence[Path]) -> None:
    """Refuse folders of results that are links to where the pictures are.

    Raises:
        SettingsError: There is one.
    """
    for place in dict.fromkeys(out / target.parent for target in targets):
        real = place.resolve()
        if real.is_relative_to(folder) and not real.is_relative_to(out.resolve()):
            raise SettingsError(
                f"{place} leads to where the pictures are.", "Choose another folder for the results."
            )


def made_already(path: Path, recipe: Recipe, size: int | None = None) -> bool:
    """Whether ``path`` is a PNG of the studio that was made by ``recipe``, and is ``size`` pixels wide."""
    try:
        picture = read_png_header(path)
    except PictureError:
        return False
    return recipe_of_png(picture) == recipe and size in (None, picture.width)


def write_file(path: Path, data: bytes, made: Made | None = None) -> None:
    """Write a file whole or not at all, so that nothing that a stopped run left is taken for a result.

    Folders that are missing are made.

    Args:
        path: The file.
        data: What goes into it.
        made: Whether a file that is there may be replaced; None: any may.

    Raises:
        SettingsError: A file is there that may not be replaced.
    """
    write_files({path: data}, made, sync=False)  # a folder has many files, and what is torn is made anew


def _walk(folder: Path, out: Path) -> Iterator[Path]:
    """Yield all files but results; of a hidden folder, its name alone."""
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [f for f in folders if (Path(place) / f).resolve() != out]
        yield from (Path(place) / name for name in folders if is_hidden(name))
        folders[:] = [f for f in folders if not is_hidden(f)]
        yield from (Path(place) / file for file in files)


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed is no empty one."""
    raise error

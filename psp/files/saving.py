"""Files that the studio writes: whole or not at all, and never over what somebody else has made."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from psp.codes.latents import recipe_of_codes
from psp.codes.recipe import SOFTWARE, Recipe, recipe_from_json, recipe_of_png
from psp.errors import PictureError, SettingsError
from psp.pictures.clips import CLIP_ENDINGS, comment_of
from psp.pictures.formats import ENDINGS
from psp.pictures.images import read_png_header
from psp.pictures.video.source import VIDEO_ENDINGS

Made = Callable[[Path], bool]
"""Whether a file that is there was made by who wants to replace it."""

_CODES = ".safetensors"
# How a JPEG begins, and its comment (ISO 10918-1, B.2.4.5): marker, length, text; it stands near the start.
_JPEG, _SHORT = b"\xff\xd8\xff", 4096
_COMMENT = b"\xff\xfe" + (len(SOFTWARE) + 2).to_bytes(2, "big") + SOFTWARE.encode()


def stem_of(name: str) -> str:
    """Return the name of a picture, a video or a file of codes, without its ending.

    Nothing else is cut off, for what follows a dot is mostly part of the name: "IMG.0001.jpg" gives
    "IMG.0001", and "Holiday, 10.15.30" stays as it is.
    """
    ending = Path(name).suffix
    return name.removesuffix(ending) if ending.lower() in (*ENDINGS, *VIDEO_ENDINGS, _CODES) else name


def write_files(files: Mapping[Path, bytes], made: Made | None = None, *, sync: bool = True) -> None:
    """Write files, all whole or none at all (as on a full disk); folders that are missing are made.

    Args:
        files: What goes where.
        made: Whether a file that is there may be replaced; None: any may.
        sync: Whether to wait for the disk, so that not even a power cut leaves a name on an empty file.

    Raises:
        SettingsError: A file is there that may not be replaced; nothing is written.
        OSError: A file cannot be written.
    """
    if made is not None:
        for path in files:
            require_own(path, made)
    drafts: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # A short name: that of ``path`` may be as long as names can be.
            drafts[path] = path.with_name(f".{uuid.uuid4().hex[:16]}.part")
            _write(drafts[path], data, sync)
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def require_own(path: Path, made: Made) -> None:
    """Refuse to write to ``path`` where a file is that somebody else has made; an empty one is nobody's.

    Raises:
        SettingsError: There is one.
    """
    if path.is_file() and path.stat().st_size > 0 and not made(path):
        raise SettingsError(
            f"{path} is there already, and it is no earlier result.",
            "Choose another folder or name, or move that file away; nothing was written over it.",
        )


def recipe_at(path: Path) -> Recipe | None:
    """Return the recipe in a PNG, a clip or a file of codes; None where there is none, or no such file."""
    try:
        if path.suffix.lower() in CLIP_ENDINGS:
            with path.open("rb") as file:
                return recipe_from_json(comment_of(file) or "")
        if path.suffix.lower() != _CODES:
            return recipe_of_png(read_png_header(path))
        with path.open("rb") as file:
            return recipe_of_codes(file)
    except (OSError, ValueError, PictureError):
        return None


def made_by(tasks: Collection[str] | None = None, given: Collection[Path] = ()) -> Made:
    """Return what knows results of the studio by their recipes.

    Args:
        tasks: Of which tasks; None: of any.
        given: Files that are read, so that they are no results, whatever is in them.
    """

    def made(path: Path) -> bool:
        if any(source.exists() and path.samefile(source) for source in given):
            return False
        recipe = recipe_at(path)
        return recipe is not None and (tasks is None or recipe.task in tasks)

    return made


def is_sheet(path: Path) -> bool:
    """Whether a picture, PNG or JPEG, has the mark of the studio's sheets and curves."""
    if begins_with(_JPEG)(path):
        with path.open("rb") as file:
            return _COMMENT in file.read(_SHORT)
    try:
        return read_png_header(path).info.get("Software") == SOFTWARE
    except PictureError:
        return False


def set_aside(path: Path) -> Path:
    """Give a file the first free name like its own, "report-1.csv", and return that."""
    number = 1
    while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return path.rename(free)


def begins_with(*starts: str | bytes) -> Made:
    """Return what knows a table or a text of the studio by how it begins."""
    wanted = tuple(start.encode() if isinstance(start, str) else start for start in starts)

    def made(path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return file.read(max(map(len, wanted))).startswith(wanted)
        except OSError:
            return False

    return made


def _write(path: Path, data: bytes, sync: bool) -> None:
    with path.open("xb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())

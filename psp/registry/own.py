"""The user's own models: families that a TOML file names, beside those that come with the studio.

Each table is a family::

    [my-portraits]
    path = "runs/mine/best"     # a folder or a file; relative to the TOML file
    title = "My portraits"      # optional, as is: licence = "…"

    [my-cats]
    hub = "me/psp-cats"         # what ``models push`` made; optional: revision = "…"
    tasks = ["encode"]          # optional

What is in the file is checked here, without looking at the models themselves.
"""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from psp.errors import SettingsError
from psp.registry.folder import WEIGHT_SUFFIXES
from psp.registry.hub_name import REPOSITORY, REVISION
from psp.tasks import MODEL_TASKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXTS = ("path", "hub", "revision", "title", "licence")
_KEYS = (*_TEXTS, "tasks")


@dataclass(frozen=True)
class OwnFamily:
    """One table of the file.

    Attributes:
        name: What requests call it.
        title: Its name for a person; may be empty.
        licence: What its use is bound to; may be empty.
        path: Its folder or file; None where it is on the Hub.
        hub: Its Hub repository; None where it has a path.
        revision: Branch, tag or commit of that repository.
        tasks: Which tasks it does; empty: not said.
    """

    name: str
    title: str = ""
    licence: str = ""
    path: Path | None = None
    hub: str | None = None
    revision: str = "main"
    tasks: tuple[str, ...] = ()


def own_families(path: Path | None, reserved: frozenset[str]) -> tuple[OwnFamily, ...]:
    """Return the families in the file ``path``, in its order; none where ``path`` is None.

    The file is parsed again when it has changed.

    Args:
        path: The TOML file.
        reserved: Names that a family must not have, in lower case.

    Raises:
        SettingsError: The file is missing, or something in it cannot be understood.
    """
    if path is None:
        return ()
    try:
        state = path.stat()
        return _parse(path, (state.st_mtime_ns, state.st_size), reserved)
    except OSError as error:
        raise SettingsError(
            f"The file of own models, {path.name}, cannot be read: {error.strerror or error}.",
            "Correct PSP_MODELS, or unset it.",
        ) from error


@functools.lru_cache(maxsize=8)
def _parse(path: Path, state: tuple[int, int], reserved: frozenset[str]) -> tuple[OwnFamily, ...]:
    """Read the file; ``state`` tells versions of it apart."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows writes a byte-order mark
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path.name} is not TOML: {error}.", "Correct that line.") from error
    return tuple(_family(path, name, table, reserved) for name, table in tables.items())


def _family(path: Path, name: str, table: object, reserved: frozenset[str]) -> OwnFamily:
    if not isinstance(table, dict):
        raise SettingsError(
            f"In {path.name}, {name[:80]!r} stands outside of a table.", "Write [name-of-the-model] above it."
        )
    refuse = functools.partial(_refuse, path, name)
    if not _NAME.fullmatch(name) or name.lower().endswith(WEIGHT_SUFFIXES):
        refuse("is no name for a model", "Use letters, digits, '-', '_' and '.', at most 64 of them.")
    if name.lower() in reserved:
        refuse("has a name that the studio uses itself", "Choose another name.")
    if unknown := sorted(set(table) - set(_KEYS)):
        refuse(f"has an unknown key {unknown[0][:80]!r}", f"Known: {', '.join(_KEYS)}.")
    for key in _TEXTS:
        if key in table and not (isinstance(table[key], str) and table[key].strip()):
            refuse(f"has a {key} that is no text", f'Write {key} = "…".')
    if ("path" in table) == ("hub" in table):
        refuse("needs either a path or a hub", 'Write path = "runs/mine/best", or hub = "me/psp-mine".')
    if "hub" in table and not REPOSITORY.fullmatch(table["hub"]):
        refuse(f"has the hub {table['hub'][:80]!r}, which is no repository", 'Write hub = "owner/name".')
    if "revision" in table and ("hub" not in table or not REVISION.fullmatch(table["revision"])):
        refuse("has a revision that cannot be used", "Give a branch, a tag or a commit, together with hub.")
    tasks = table.get("tasks", [])
    if not isinstance(tasks, list) or [task for task in tasks if task not in MODEL_TASKS]:
        refuse("has tasks that are not known", f"Known: {', '.join(MODEL_TASKS)}.")
    return OwnFamily(
        name,
        table.get("title", ""),
        table.get("licence", ""),
        _place(path, table["path"]) if "path" in table else None,
        table.get("hub"),
        table.get("revision", "main"),
        tuple(dict.fromkeys(tasks)),
    )


def _place(path: Path, text: str) -> Path:
    """Return the path that ``text`` in the file means: relative ones start at the file's folder."""
    try:
        if "\0" in text:
            raise ValueError("no system has such names")
        return path.parent / Path(text).expanduser()
    except (RuntimeError, ValueError) as error:  # the home of a user who is not there
        raise SettingsError(f"In {path.name}, {text[:80]!r} is no path.", "Write it in full.") from error


def _refuse(path: Path, name: str, problem: str, next_step: str) -> NoReturn:
    raise SettingsError(f"In {path.name}, [{name[:80]}] {problem}.", next_step)

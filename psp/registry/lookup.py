"""Which models there are, what a name means, and what is on this machine. No tensors, no network.

What comes with the studio stands in ``psp.registry.table``, the user's own in a TOML file
(``psp.registry.own``). What is here is told from file names alone (``list_models``); ``psp.checkpoints``
verifies and loads.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psp.config import Settings
from psp.errors import ModelNotFoundError
from psp.files.bundled import assets_dir
from psp.registry.folder import WEIGHT_SUFFIXES, model_file, model_files
from psp.registry.hub_name import HubName, hub_name
from psp.registry.own import OwnFamily, own_families
from psp.registry.table import AUXILIARY, BUNDLED, COMMON_NAMES, MODELS, OFFICIAL, OWN_FILE, ModelEntry
from psp.tasks import MODEL_TASKS, TASKS

__all__ = [
    "AUXILIARY",
    "BUNDLED",
    "MODELS",
    "OFFICIAL",
    "OWN_FILE",
    "RESERVED",
    "ModelEntry",
    "ModelStatus",
    "Where",
    "download_path",
    "families",
    "file_on_disk",
    "find_entry",
    "has_model",
    "is_commit",
    "known_models",
    "list_models",
    "pin_note",
    "pinned_revision",
    "tasks_of",
]

Where = Literal["bundled", "folder", "cache", "hub", "by hand"]

# Tasks that run on another task's model.
_MODEL_OF_TASK = {name: task.model for name, task in TASKS.items() if task.model not in ("", name)}
RESERVED = frozenset(
    name.lower()
    for name in ("auto", OWN_FILE, *(e.family for e in (*MODELS, *AUXILIARY.values())), *AUXILIARY)
)
"""Names that a family of the user's own must not have, in lower case."""


@dataclass(frozen=True)
class ModelStatus:
    """Whether one model can be used.

    Attributes:
        entry: The model.
        where: "bundled", "folder" (``PSP_WEIGHTS_DIR``) or "cache": it is on this machine. "hub": it is
            downloaded when it is first used. "by hand": a person has to put the file into the folder.
    """

    entry: ModelEntry
    where: Where

    @property
    def ready(self) -> bool:
        """Whether it works now, without network."""
        return self.where in ("bundled", "folder", "cache")


def known_models(settings: Settings) -> tuple[ModelEntry, ...]:
    """Return every model that a request can name by family: those of the studio, then the user's own.

    An own family that cannot be used is one entry with a ``problem``.

    Raises:
        SettingsError: The file of own models cannot be understood.
    """
    own = own_families(settings.models_file, RESERVED)
    return MODELS + tuple(entry for family in own for entry in _own_entries(family))


def families(settings: Settings) -> tuple[str, ...]:
    """Return the names of all families, the bundled one first, the user's own last.

    Raises:
        SettingsError: The file of own models cannot be understood.
    """
    return tuple(dict.fromkeys(entry.family for entry in known_models(settings)))


def tasks_of(family: str, settings: Settings) -> tuple[str, ...]:
    """Return the tasks that ``family`` has models for, those that share a model included.

    Raises:
        ModelNotFoundError: There is no such family.
        SettingsError: The file of own models cannot be understood.
    """
    entries = [entry for entry in known_models(settings) if entry.family == family]
    if not entries:
        raise _unknown(family, settings)
    own = tuple(entry.task for entry in entries if not entry.problem)
    return own + tuple(task for task, model in _MODEL_OF_TASK.items() if model in own)


def find_entry(
    model: str | Path, task: str, settings: Settings | None = None, *, allow_path: bool = True
) -> ModelEntry:
    """Return the entry that ``model`` means for ``task``.

    Args:
        model: "auto" (``settings.model``), the name of a family, of an auxiliary pSp file, the path of a
            file, of a folder with models (``psp.registry.folder``), or of a run; or a repository on the Hub,
            "owner/name" or "owner/name@revision".
        task: Name of the task in the API; "style_mix" uses the model of "encode".
        settings: The settings; by default those of the environment.
        allow_path: Whether ``model`` may be a path or a repository; pass False for requests from the web,
            which must not be able to probe the machine's files, or to have it download what they like. "auto"
            may mean either all the same.

    Raises:
        ModelNotFoundError: No model of that name is known, or its family or folder has none for the task.
        SettingsError: The file of own models cannot be understood.
    """
    settings = settings or Settings.from_env()
    if model == "auto":
        model, allow_path = settings.model, True
    task = _MODEL_OF_TASK.get(task, task)
    for entry in MODELS:  # first: these work whatever is in the file of own models
        if (entry.family, entry.task) == (model, task):
            return entry
    family = [entry for entry in known_models(settings) if entry.family == model]
    for entry in family:
        if entry.problem:
            raise ModelNotFoundError(f"The model {entry.family!r} is not here.", entry.by_hand)
        if entry.task == task:
            return entry
    if family:
        raise _without(str(model), task, settings)
    if model == "e4e-ffhq" and task == "encode":
        return AUXILIARY["e4e-ffhq"]
    if allow_path and (named := hub_name(model)):
        return _of_repository(named, task)
    if allow_path:
        path = Path(model).expanduser()
        if path.is_dir() and (_looks_like_path(model) or model_files(path)):
            path = model_file(path, task)
        elif not _looks_like_path(model):
            raise _unknown(str(model), settings, allow_path)
        return ModelEntry(OWN_FILE, task, path.name, "The licence of your own file.", path=path)
    raise _unknown(str(model), settings)


def has_model(model: str, task: str, settings: Settings) -> bool:
    """Return whether ``model`` has a model of its own for ``task``.

    A path to a single file has none for any task: nothing is known of what it was made for.
    """
    try:
        entry = find_entry(model, task, settings)
    except ModelNotFoundError:
        return False
    named = settings.model if model == "auto" else model
    return entry.family != OWN_FILE or Path(named).expanduser().is_dir()


def file_on_disk(
    entry: ModelEntry, settings: Settings, assets: Path | None = None
) -> tuple[Path, Where] | None:
    """Return where the file of ``entry`` is on this machine, unverified, or None.

    Args:
        entry: The model.
        settings: Names the local folder and the cache.
        assets: The folder of the bundled files; the repository's own by default.
    """
    places: list[tuple[Path, Where]] = []
    if entry.path is not None:
        places.append((entry.path, "folder"))
    if entry.bundled:
        places.append(((assets or assets_dir()) / entry.family / entry.file, "bundled"))
    if settings.weights_dir is not None and entry.path is None:
        places.append((settings.weights_dir / entry.family / entry.file, "folder"))
        if entry.file not in COMMON_NAMES:
            places.append((settings.weights_dir / entry.file, "folder"))
    if entry.source is not None:
        places.append((download_path(entry, settings), "cache"))
        places.append((_hub_cache_path(entry.source, entry.revision or "main", entry.file), "cache"))
    return next(((path, where) for path, where in places if path.is_file()), None)


def download_path(entry: ModelEntry, settings: Settings) -> Path:
    """Return where a download of ``entry`` is kept."""
    return _download_folder(entry, settings) / pinned_revision(entry, settings) / entry.file


def pinned_revision(entry: ModelEntry, settings: Settings) -> str:
    """Return the commit that the revision of ``entry`` was when it was first used, else the revision.

    A branch moves; what was downloaded of it stays together under the commit that it was then.
    """
    revision = entry.revision or "main"
    if is_commit(revision):
        return revision
    try:
        noted = pin_note(entry, settings).read_text(encoding="ascii")
    except (OSError, ValueError):
        return revision
    return noted if is_commit(noted) else revision


def pin_note(entry: ModelEntry, settings: Settings) -> Path:
    """Return the file that holds the commit of a branch, once it is known."""
    return _download_folder(entry, settings) / "refs" / (entry.revision or "main")


def is_commit(revision: str) -> bool:
    """Return whether ``revision`` is a commit, which never moves."""
    return re.fullmatch(r"[0-9a-f]{40}", revision) is not None


def list_models(settings: Settings, assets: Path | None = None) -> tuple[ModelStatus, ...]:
    """Return what can be used, in the registry's order: reads no file, asks no network.

    Args:
        settings: Names the local folder and the cache, and says whether the Hub may be asked.
        assets: The folder of the bundled files; the repository's own by default.

    Raises:
        SettingsError: The file of own models cannot be understood.
    """
    found = []
    for entry in known_models(settings):
        place = file_on_disk(entry, settings, assets)
        away: Where = "hub" if entry.source and not settings.offline else "by hand"
        found.append(ModelStatus(entry, place[1] if place else away))
    return tuple(found)


def _own_entries(family: OwnFamily) -> tuple[ModelEntry, ...]:
    """Return the models of one of the user's own families, or one entry that says why there are none."""
    licence = family.licence or "The licence of your own model."

    def entry(task: str, file: str, path: Path | None = None, problem: str = "") -> ModelEntry:
        source, revision = (family.hub, family.revision) if family.hub else (None, None)
        return ModelEntry(
            family.name, task, file, licence, source, revision, path=path, title=family.title, problem=problem
        )

    if family.path is None:
        return tuple(entry(task, f"{task}.safetensors") for task in family.tasks or ("encode",))
    path = family.path
    try:
        if path.is_file():
            by_name = (path.stem,) if path.stem in MODEL_TASKS else ("encode",)
            return tuple(entry(task, path.name, path) for task in family.tasks or by_name)
        found = model_files(path)
        here = path.is_dir()
    except OSError as error:
        return (entry("encode", path.name, path, f"{path.name} cannot be read: {error.strerror}."),)
    offered = {task: file for task, file in found.items() if task in (family.tasks or found)}
    if offered:
        return tuple(entry(task, file.name, file) for task, file in offered.items())
    wanted = ", ".join(f"{task}.safetensors" for task in family.tasks) or "<task>.safetensors"
    problem = f"The folder {path.name} has no {wanted}." if here else f"Nothing is at {path.name}."
    return (entry("encode", path.name, path, problem),)


def _of_repository(named: HubName, task: str) -> ModelEntry:
    """Return the model for ``task`` in a repository, which has the names that ``models push`` gives."""
    family = named.repo if named.revision == "main" else f"{named.repo}@{named.revision}"
    licence = "What its card on the Hub says."
    return ModelEntry(family, task, f"{task}.safetensors", licence, named.repo, named.revision)


def _download_folder(entry: ModelEntry, settings: Settings) -> Path:
    return settings.cache_dir / "hub" / (entry.source or entry.family).replace("/", "--")


def _hub_cache_path(repo: str, revision: str, file: str) -> Path:
    """Return where the Hub's own client keeps a file: filled by ``hf download`` or a Space's preloading."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    folder = cache / f"models--{repo.replace('/', '--')}"
    with contextlib.suppress(OSError, ValueError):
        revision = (folder / "refs" / revision).read_text(encoding="ascii").strip()  # a branch or a tag
    return folder / "snapshots" / revision / file


def _looks_like_path(model: str | Path) -> bool:
    return (
        isinstance(model, Path) or "/" in model or os.sep in model or model.lower().endswith(WEIGHT_SUFFIXES)
    )


def _without(model: str, task: str, settings: Settings) -> ModelNotFoundError:
    """Return the error for a family without a model for ``task``."""
    others = [name for name in families(settings) if task in tasks_of(name, settings)]
    hint = f"Models that do: {', '.join(others)}." if others else ""
    return ModelNotFoundError(
        f"The model {model!r} does not do {task!r}.",
        hint or f"It has: {', '.join(tasks_of(model, settings))}.",
    )


def _unknown(model: str, settings: Settings, allow_path: bool = False) -> ModelNotFoundError:
    known = ", ".join(families(settings))
    or_path = (
        ", or the path of a .pt or .safetensors file, or of a folder of them, or owner/name on the Hub"
        if allow_path
        else ""
    )
    return ModelNotFoundError(f"There is no model called {model[:100]!r}.", f"Known: {known}{or_path}.")

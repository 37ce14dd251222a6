"""A model of the user's own to a repository of the user's own on the Hub, with a card.

First :func:`plan_push` gathers and checks, without network; then :func:`push` uploads what was planned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from psp.checkpoints.card import CardFile, clean, holds_credential, holds_path, model_card
from psp.checkpoints.evaluations import REPORT, Evaluated, read_evaluations
from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.hub import CONFIG, answer_of, endpoint, network_errors
from psp.checkpoints.load import read_info
from psp.checkpoints.model_config import config_json
from psp.checkpoints.model_input import model_input
from psp.checkpoints.siblings import all_siblings
from psp.checkpoints.tensors import read_metadata
from psp.config import Settings
from psp.errors import PushError, SettingsError
from psp.models.architecture import config_from_json
from psp.registry.folder import model_file, model_files
from psp.registry.hub_name import REPOSITORY
from psp.registry.lookup import BUNDLED, OFFICIAL, known_models
from psp.tasks import MODEL_TASKS

_LARGEST = 50_000_000_000  # bytes; the Hub takes no larger file
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors")
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_NO_TOKEN = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write."


@dataclass(frozen=True)
class PushPlan:
    """What would be uploaded.

    Attributes:
        repo: The repository, "owner/name".
        files: Every file by its name there.
        tasks: The tasks that these are models for.
        card: The text of ``README.md``.
        config: The text of ``config.json``.
        notes: What the user should know before, one sentence each.
    """

    repo: str
    files: dict[str, Path]
    tasks: tuple[str, ...]
    card: str
    config: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Pushed:
    """What came of it.

    Attributes:
        url: The repository's page.
        commit: The commit that holds the files.
    """

    url: str
    commit: str


def plan_push(model: str, repo: str, settings: Settings, licence: str | None = None) -> PushPlan:
    """Gather the files of ``model`` with all that they need, check them, and write the card; no network.

    Args:
        model: A folder of models, a run, a file, or the name of a family of the user's own that has a path.
        repo: The repository to push to, "owner/name".
        settings: Name the user's own models and the cache.
        licence: The Hub's identifier of the licence, such as "cc-by-4.0"; None: not stated.

    Raises:
        PushError: There is nothing to push, or a file cannot be.
        SettingsError: The repository or the licence is no name that the Hub takes.
        CheckpointError: A file is missing, damaged, or not of the studio's format.
    """
    if not REPOSITORY.fullmatch(repo):
        raise SettingsError(f"{repo!r} is no repository.", "Write --repo owner/name.")
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise SettingsError(
            f"{licence!r} is no licence that the Hub knows.",
            "Give its identifier, such as cc-by-4.0, mit or apache-2.0.",
        )
    models = _models(model, settings)
    files = {f"{task}.safetensors": path for task, path in models.items()}
    for task, path in models.items():
        _require_task(path, task)
        for sibling in all_siblings(path, settings.cache_dir):
            if not _FILE.fullmatch(sibling.name):
                raise PushError(f"The name {clean(sibling.name)!r} is no good on the Hub.", "Save it anew.")
            if files.setdefault(sibling.name, sibling) != sibling:
                raise PushError(
                    f"{path.name} needs {sibling.name}, and another file would take that name.",
                    "Push the folder, in which each file has the name of its task.",
                )
    card_files = []
    for name, path in files.items():
        task = name.removesuffix(".safetensors")
        card_files.append(
            CardFile(name, path.stat().st_size, task if task in MODEL_TASKS else "", read_metadata(path))
        )
    evaluations, stale = _evaluations(models, settings)
    notes = (*_check(card_files), *stale)
    config = config_json({file.task: file.info for file in card_files if file.task})
    tasks = tuple(file.task for file in card_files if file.task)
    return PushPlan(repo, files, tasks, model_card(repo, card_files, licence, evaluations), config, notes)


def push(
    plan: PushPlan, settings: Settings, *, private: bool = False, message: str = "Upload a pSp model"
) -> Pushed:
    """Create the repository if it is not there, and upload the files and the card in one commit.

    ``HF_ENDPOINT`` and ``HF_TOKEN`` are honoured.

    Args:
        plan: What :func:`plan_push` made.
        settings: Say whether the Hub may be asked.
        private: Whether only its owner may see the repository.
        message: The commit's.

    Raises:
        PushError: There is no token or no network, or the Hub refuses.
    """
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    if settings.offline:
        raise PushError("The studio is offline.", "Unset PSP_OFFLINE and HF_HUB_OFFLINE.")
    token = huggingface_hub.get_token()
    if token is None:
        raise PushError("There is no token for the Hub on this machine.", _NO_TOKEN)
    api = huggingface_hub.HfApi(endpoint=endpoint(), token=token, library_name="psp-studio")
    add = huggingface_hub.CommitOperationAdd
    operations = [add(name, str(path)) for name, path in plan.files.items()]
    operations += [add("README.md", plan.card.encode()), add(CONFIG, plan.config.encode())]
    # ValueError and RuntimeError are what the library makes of a failed transfer.
    failures: tuple[type[Exception], ...] = (*network_errors(), OSError, ValueError, RuntimeError)
    try:
        page = api.create_repo(plan.repo, private=private or None, exist_ok=True)
        if private and not api.model_info(plan.repo).private:
            raise PushError(f"{plan.repo} is there already, and is public.", "Choose another name for it.")
        commit = api.create_commit(plan.repo, operations, commit_message=message)
    except failures as error:
        raise _told(error, plan.repo) from error
    return Pushed(str(page), str(commit.oid))


def _require_task(path: Path, task: str) -> None:
    """Refuse a file that is no model for ``task``.

    Raises:
        CheckpointError: It is damaged, not of the studio's format, or takes something else.
    """
    info = read_info(path)
    if "config" in info:
        channels = config_from_json(info["config"]).encoder.in_channels
        model_input(channels, info, path.name).require(task, path.name)


def _models(model: str, settings: Settings) -> dict[str, Path]:
    """Return the models that ``model`` means, by task."""
    family = [entry for entry in known_models(settings) if entry.family == model]
    if family:
        if model in (BUNDLED, OFFICIAL):
            raise PushError(
                f"{model} is not yours to push.", "Train a model of your own: python -m psp train."
            )
        if family[0].path is None:
            raise PushError(f"{model} is on the Hub already.", "Give a folder or a file.")
        if family[0].problem:
            raise PushError(family[0].problem, "Check its entry in the file of PSP_MODELS.")
        return {entry.task: entry.path for entry in family if entry.path is not None}
    path = Path(model).expanduser()
    if path.is_dir():
        return model_files(path) or {"encode": model_file(path, "encode")}
    task = read_info(path).get("task", path.stem)
    if task not in MODEL_TASKS:
        raise PushError(
            f"Nothing says what {path.name} is a model for.",
            f"Call it by its task: {', '.join(f'{name}.safetensors' for name in MODEL_TASKS)}.",
        )
    return {task: path}


def _evaluations(
    models: Mapping[str, Path], settings: Settings
) -> tuple[tuple[Evaluated, ...], tuple[str, ...]]:
    """Return what was measured of the ``models`` as they are now, and what to say of the rest."""
    fit: list[Evaluated] = []
    stale: list[str] = []
    for task, path in models.items():
        sha256 = file_sha256(path, settings.cache_dir)
        for each in read_evaluations(path.parent):
            if each.task == task and each.sha256 == sha256:
                fit.append(each)
            elif each.task == task:
                stale.append(
                    f"the figures in {REPORT} are of another version of {path.name} and are left out; "
                    "measure it again: evaluate --for-card."
                )
    return tuple(fit), tuple(dict.fromkeys(stale))


def _check(files: Iterable[CardFile]) -> Iterable[str]:
    """Refuse what must not be uploaded, and yield what should be known before it is."""
    for file in files:
        if file.size > _LARGEST:
            raise PushError(
                f"{file.name} has {file.size / 1e9:.0f} GB; the Hub takes {_LARGEST // 10**9} a file.",
                "Save it in fewer bits.",
            )
        if any(holds_credential(value) for value in file.info.values()):
            raise PushError(
                f"The metadata of {file.name} seems to hold a credential.", "Save the model again without it."
            )
        for key, value in file.info.items():
            if holds_path(value):
                yield f"{file.name} names a path of this machine in its metadata ({key}), for all to read."


def _told(error: Exception, repo: str) -> PushError:
    """Return the error for a person; of the server's own words no more than a line, without credentials."""
    answer = answer_of(error)
    if answer is None:
        if isinstance(error, network_errors()):
            reason = clean(str(error)) or type(error).__name__
            return PushError(f"The Hub cannot be reached ({reason}).", "Try again when there is a network.")
        return PushError(
            f"The upload failed: {clean(str(error))}", "Try again; what is there is not sent twice."
        )
    status, said = answer
    words = f" It says: {clean(said)[:200]}" if said else ""
    if status == 401:
        return PushError(f"The Hub does not accept the token (401).{words}", _NO_TOKEN)
    if status == 403:
        return PushError(
            f"The Hub refuses: the token may not write to {repo} (403).{words}",
            "Use a repository of your own and a token with the role 'write'.",
        )
    if status == 413:
        return PushError(f"The Hub refuses a file as too large (413).{words}", "Save it in fewer bits.")
    return PushError(f"The Hub answered {status}.{words}", "Try again later, or with another repository.")

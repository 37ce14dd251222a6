"""A Space on the Hub: created or brought up to date in one commit, with what was planned and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psp.checkpoints.hub import endpoint, network_errors
from psp.config import Settings
from psp.errors import DeployError
from psp.publish.space_errors import NO_TOKEN, told
from psp.publish.space_fields import SDK
from psp.publish.space_plan import ATTRIBUTES, CARD, SpacePlan

_OWN = "psp/__init__.py"
_AT_FIRST = frozenset({CARD, ATTRIBUTES})
"""What the Hub itself puts into a new Space."""


@dataclass(frozen=True)
class Deployed:
    """What came of it.

    Attributes:
        url: The Space's page.
        commit: The commit that holds the files.
        created: Whether the Space is new.
        deleted: Files of an earlier state that are gone.
    """

    url: str
    commit: str
    created: bool
    deleted: tuple[str, ...]


@dataclass(frozen=True)
class _There:
    """A Space as it is: its commit, where that is known, and its files."""

    commit: str | None
    files: frozenset[str]


@dataclass
class _State:
    """What is on the Hub by now, one sentence for who is told of an error; empty: nothing has changed."""

    after: str = ""


def read_secrets(plan: SpacePlan, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the plan's secrets. They go to the Hub alone: to no message, log or file.

    Raises:
        DeployError: One is not in the environment, or is empty.
    """
    for name in plan.secrets:
        if not environment.get(name):
            raise DeployError(f"{name} is not in the environment.", f"Set it, or leave out --secret {name}.")
    return {name: environment[name] for name in plan.secrets}


def deploy(
    plan: SpacePlan,
    settings: Settings,
    environment: Mapping[str, str],
    message: str = "Deploy pSp Studio",
) -> Deployed:
    """Create the Space if it is not there, set what it gets, and bring its files up to date in one commit.

    The token is that of the Hub's own client (``hf auth login``, ``HF_TOKEN``). What may be refused comes
    before the files, so that these change only if all else went well.

    Args:
        plan: What :func:`psp.publish.space_plan.plan_space` made.
        settings: Say whether the Hub may be asked.
        environment: Holds the values of the secrets.
        message: The commit's.

    Raises:
        DeployError: There is no token or no network, the Hub refuses, or another program is in that Space.
    """
    secrets = read_secrets(plan, environment)
    api = _log_in(settings)
    state = _State()
    # ValueError and RuntimeError are what the library makes of a failed transfer.
    failures: tuple[type[Exception], ...] = (*network_errors(), OSError, ValueError, RuntimeError)
    try:
        return _carry_out(api, plan, secrets, message, state)
    except failures as error:
        shown = told(error, plan.repo, state.after, [*secrets.values(), str(api.token)])
        raise shown from None  # the chain may hold values


def _log_in(settings: Settings) -> Any:  # noqa: ANN401  (the Hub's library leaves it open)
    """Return the Hub's interface for whoever is logged in.

    Raises:
        DeployError: Nobody is, or the studio is offline.
    """
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    if settings.offline:
        raise DeployError("The studio is offline.", "Unset PSP_OFFLINE and HF_HUB_OFFLINE.")
    token = huggingface_hub.get_token()
    if token is None:
        raise DeployError("There is no token for the Hub on this machine.", NO_TOKEN)
    return huggingface_hub.HfApi(endpoint=endpoint(), token=token, library_name="psp-studio")


def _carry_out(
    api: Any,  # noqa: ANN401  (the Hub's library leaves it open)
    plan: SpacePlan,
    secrets: Mapping[str, str],
    message: str,
    state: _State,
) -> Deployed:
    """Do what was planned, step by step; ``state`` says where it came to."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    there = _look(api, plan)
    created = there is None
    hardware = None if plan.hardware is None else huggingface_hub.SpaceHardware(plan.hardware)
    if there is None:
        private = True if plan.private else None
        api.create_repo(plan.repo, repo_type="space", space_sdk=SDK, space_hardware=hardware, private=private)
        state.after = "The Space was created, and is empty."
        there = _look(api, plan) or _There(None, frozenset())  # the Hub may take a moment to find it
    elif hardware is not None:
        api.request_space_hardware(plan.repo, hardware)
        state.after = f"The Space was given {plan.hardware}; its files are as they were."
    if secrets or plan.variables:
        state.after = f"{state.after} Secrets and variables may be set already.".strip()
    for name, value in secrets.items():
        api.add_space_secret(plan.repo, name, value)
    for name, value in plan.variables.items():
        api.add_space_variable(plan.repo, name, value)
    deleted = tuple(sorted(there.files - plan.sizes().keys()))
    commit = api.create_commit(
        plan.repo,
        _operations(plan, deleted),
        commit_message=message,
        repo_type="space",
        parent_commit=there.commit,  # another commit in between is not trodden on
    )
    return Deployed(f"{endpoint()}/spaces/{plan.repo}", str(commit.oid), created, deleted)


def _operations(plan: SpacePlan, deleted: tuple[str, ...]) -> list[Any]:
    """Return the one commit: every file as it should be, and those that are gone."""
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    add = huggingface_hub.CommitOperationAdd
    return [
        *(add(name, str(path)) for name, path in plan.files.items()),
        *(add(name, text.encode()) for name, text in plan.texts.items()),
        *(huggingface_hub.CommitOperationDelete(name) for name in deleted),
    ]


def _look(api: Any, plan: SpacePlan) -> _There | None:  # noqa: ANN401  (the Hub's library leaves it open)
    """Return the Space as it is; None: it is not there.

    Raises:
        DeployError: Something else is there, or everybody could see what should be private.
    """
    import huggingface_hub  # noqa: PLC0415  (slow to import, needed for the Hub only)

    try:
        info = api.space_info(plan.repo)
    except huggingface_hub.errors.HfHubHTTPError as error:
        if error.response.status_code == 404:
            return None
        raise
    files = frozenset(str(file.rfilename) for file in info.siblings or ())
    if info.sdk not in (None, SDK) or not (_OWN in files or files <= _AT_FIRST):
        raise DeployError(
            f"Something else is in the Space {plan.repo}.", "Choose another name, or delete that Space first."
        )
    if plan.private and not info.private:
        raise DeployError(
            f"{plan.repo} is there already, and is public.",
            "Make it private on the Hub, or leave out --private.",
        )
    return _There(info.sha, files)

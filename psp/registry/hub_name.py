"""Models named by where they are on the Hub: "owner/name", or "owner/name@revision"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from psp.errors import SettingsError
from psp.registry.folder import WEIGHT_SUFFIXES

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""The name of a Hub repository, with its owner."""

REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*")
"""A branch, a tag or a commit; it becomes the name of a folder."""


@dataclass(frozen=True)
class HubName:
    """A repository on the Hub.

    Attributes:
        repo: Its name, "owner/name".
        revision: Branch, tag or commit.
    """

    repo: str
    revision: str = "main"


def hub_name(model: str | Path) -> HubName | None:
    """Return the repository that ``model`` names; None where it can only be something else.

    What is on this machine goes before: a file or folder of that name is meant.
    """
    if not isinstance(model, str) or model.lower().endswith(WEIGHT_SUFFIXES):
        return None
    repo, at, revision = model.partition("@")
    if not REPOSITORY.fullmatch(repo) or (at and not REVISION.fullmatch(revision)):
        return None
    return None if Path(model).exists() else HubName(repo, revision or "main")


def at_revision(model: str | Path, revision: str) -> str:
    """Return the name of the repository ``model`` at ``revision``, whatever is on this machine.

    Raises:
        SettingsError: ``model`` is no repository, or has a revision itself, or this one cannot be used.
    """
    if not isinstance(model, str) or not REPOSITORY.fullmatch(model):
        raise SettingsError(
            f"A revision goes with a repository on the Hub, and {str(model)[:100]!r} is none.",
            "Name it as owner/name, or leave out the revision.",
        )
    if not REVISION.fullmatch(revision):
        raise SettingsError(
            f"{revision[:100]!r} is no revision that can be used.", "Give a branch, a tag or a commit."
        )
    return f"{model}@{revision}"

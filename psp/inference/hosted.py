"""A pipeline from the Hub, and its model to it: ``from_pretrained`` and ``push_to_hub``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psp.config import Settings
from psp.registry.hub_name import at_revision

if TYPE_CHECKING:
    from typing_extensions import Self

    from psp.checkpoints.push import Pushed


class Hosted:
    """What a pipeline has that is made of settings alone.

    Args:
        settings: Where models are found and where they run; from the environment by default.
    """

    settings: Settings

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_env()

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, settings: Settings | None = None, *, revision: str | None = None
    ) -> Self:
        """Return a pipeline whose "auto" model is ``model``; its files are loaded with the first request.

        Args:
            model: A family's name, a file or folder, or a repository on the Hub, "owner/name" (a file or
                folder of that name goes before it).
            settings: As for the class.
            revision: Branch, tag or commit of the repository; "main" by default. A branch is looked up once
                and stays at that commit.

        Raises:
            SettingsError: There is a revision and ``model`` is no repository, or it cannot be used.
        """
        settings = settings or Settings.from_env()
        if revision is not None:
            model = at_revision("" if model is None else model, revision)
        return cls(settings if model is None else settings.with_model(str(model)))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = False,
        licence: str | None = None,
        commit_message: str = "Upload a pSp model",
    ) -> Pushed:
        """Upload the "auto" model, one of your own, with all that it needs, a card and a ``config.json``.

        Args:
            repo_id: The repository, "owner/name"; made if it is not there.
            private: Whether only its owner may see it.
            licence: The Hub's identifier of the licence, such as "cc-by-4.0"; None: not stated.
            commit_message: Of the commit.

        Returns:
            The repository's page (``url``) and the ``commit``.

        Raises:
            PushError: There is nothing to push, no token or no network, or the Hub refuses.
            SettingsError: The repository or the licence is no name that the Hub takes.
            CheckpointError: A file is missing, damaged, or not of the studio's format.
        """
        from psp.checkpoints.push import plan_push, push  # noqa: PLC0415  (torch comes after the page)

        plan = plan_push(self.settings.model, repo_id, self.settings, licence)
        return push(plan, self.settings, private=private, message=commit_message)

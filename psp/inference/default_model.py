"""Whether the default model can be loaded, as far as that was tried: who watches over the studio asks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from psp.config import Settings
from psp.errors import CheckpointError, PspError
from psp.files.stamps import Stamp, stamp
from psp.registry.lookup import file_on_disk, find_entry


class DefaultModel:
    """What is known of the default model; loads nothing itself.

    Args:
        settings: Say which it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failed: Stamp | None = None  # of its file, when it could not be loaded

    def failed(self) -> bool:
        """Return whether it could not be loaded when that was last tried.

        If another file is in its place since, nobody knows, and the answer is no.
        """
        return self._failed is not None and self._failed == self._stamp()

    @contextmanager
    def watched(self, model: str, task: str) -> Iterator[None]:
        """Note how the block ends that loads the model of ``task``, if that is the default one."""
        try:
            yield
        except Exception as error:
            given_up = isinstance(error, PspError) and not isinstance(error, CheckpointError)
            if not given_up and self._is(model, task):
                self._failed = self._stamp()
            raise
        if self._failed is not None and self._is(model, task):
            self._failed = None

    def _is(self, model: str, task: str) -> bool:
        try:
            return find_entry(model, task, self._settings) == find_entry("auto", "encode", self._settings)
        except PspError:
            return model == "auto" and task == "encode"

    def _stamp(self) -> Stamp:
        with contextlib.suppress(PspError):
            place = file_on_disk(find_entry("auto", "encode", self._settings), self._settings)
            return stamp((place[0],)) if place else ()
        return ()

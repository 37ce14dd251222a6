"""Where a weight file is (bundled, local folder, cache, Hub), and whether it is the right one."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.hub import CONFIG, Progress, download, pin
from psp.checkpoints.siblings import bring_siblings
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.files.bundled import assets_dir
from psp.files.pins import SUMS, require_pinned
from psp.registry.lookup import ModelEntry, download_path, file_on_disk, pinned_revision
from psp.tasks import MODEL_TASKS


def find_file(
    entry: ModelEntry, settings: Settings, progress: Progress | None = None, assets: Path | None = None
) -> Path:
    """Return the file of ``entry``, verified: bundled, else in the local folder, else from the Hub.

    With a file from the Hub come the files that it needs beside it.

    Args:
        entry: The model.
        settings: Names the local folder and the cache, and says whether the Hub may be asked.
        progress: Called during a download with the bytes that are there and the bytes in all (or None).
        assets: The folder of the bundled files; the repository's own by default.

    Raises:
        ModelNotFoundError: It is not on this machine and cannot be downloaded; says where to put it.
        CheckpointError: The file that was found, or downloaded, has another hash than it should.
    """
    place = file_on_disk(entry, settings, assets)
    if place is None:
        if entry.source is None or settings.offline:
            raise _missing(entry, "the studio is offline" if entry.source else "")
        pinned = pin(entry, settings)  # first: where it is kept depends on it
        path = download(pinned, download_path(pinned, settings), progress)
        _bring_config(pinned, path)
    else:
        path = place[0]
    if place is not None and place[1] == "bundled" and (assets is None or (assets / SUMS).is_file()):
        require_pinned(path, assets or assets_dir())
    if entry.sha256 is not None:
        actual = file_sha256(path, settings.cache_dir)
        if actual != entry.sha256:
            raise CheckpointError(
                f"{path.name} is not the file that it should be: its sha256 is {actual}, not {entry.sha256}.",
                "Delete it and download it again.",
            )
    if entry.source is not None and path == download_path(entry, settings):
        same = dataclasses.replace(entry, revision=pinned_revision(entry, settings))
        bring_siblings(same, path, settings, progress)
    return path


def _bring_config(entry: ModelEntry, path: Path) -> None:
    """Download ``config.json`` beside a model that ``models push`` made: the Hub counts downloads by that.

    Nobody reads it here, and repositories that were made before may have none.
    """
    if entry.task in MODEL_TASKS and entry.sha256 is None:
        config = dataclasses.replace(entry, file=CONFIG)
        with contextlib.suppress(ModelNotFoundError, CheckpointError):
            download(config, path.with_name(CONFIG))


def _missing(entry: ModelEntry, why: str) -> ModelNotFoundError:
    problem = (
        f"{entry.file} ({entry.family}, {entry.task}) is not on this machine{', and ' + why if why else ''}."
    )
    if entry.path is not None:
        return ModelNotFoundError(f"There is no file {entry.file}.", "Check the path.")
    return ModelNotFoundError(problem, entry.by_hand)

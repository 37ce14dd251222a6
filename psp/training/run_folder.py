"""The folder of a run: whether what lies there is the run's own, before anything is written into it."""

from __future__ import annotations

from pathlib import Path

from psp.errors import TrainingError
from psp.files.saving import Made, begins_with, is_sheet

CONFIG_FILE = "config.toml"
CONFIG_MARK = "# Settings of a run of pSp Studio\n"
"""First line of a run's config."""

SYNTHETIC = "synthetic"
"""Folder of the synthetic pictures of a run, in the run's folder."""

_STATES = ("last.safetensors", "gan.safetensors")
# What a run writes besides. Some of it comes before the config and the first state, and is known by itself.
_FOLDERS = ("best", "training", "model")  # synthetic pictures have names of their own
_FILES = {
    CONFIG_FILE: begins_with(CONFIG_MARK, 'name = "'),  # the second: before there was a mark
    "data-check.csv": begins_with("file,problem,detail"),
    "data-check.json": begins_with('"'),
    "maps.npz": begins_with("PK"),
    "scalars.csv": begins_with("train,", "held_out,", "samples,"),
    "curves.png": is_sheet,
}


def require_run_folder(out: Path) -> None:
    """Refuse a folder in which a run would write over files that no run has made.

    Raises:
        TrainingError: There are such files; says which.
    """
    if any((out / name).is_file() for name in _STATES) or _FILES[CONFIG_FILE](out / CONFIG_FILE):
        return  # a run has been here
    foreign = [name for name in _FOLDERS if (out / name).exists()]
    sheets = {path.name: is_sheet for path in out.glob("sheet-*.png")}
    foreign += [name for name, own in (_FILES | sheets).items() if _is_foreign(out / name, own)]
    if foreign:
        raise TrainingError(
            f"{out} holds {foreign[0]}, which no run has made and this one would write over.",
            "Give a new folder with --out.",
        )


def _is_foreign(path: Path, own: Made) -> bool:
    return path.exists() and path.stat().st_size > 0 and not own(path)

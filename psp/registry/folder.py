"""A folder of model files, as training writes it: which tasks it has, and the file for one of them."""

from __future__ import annotations

from pathlib import Path

from psp.errors import ModelNotFoundError
from psp.tasks import MODEL_TASKS

WEIGHT_SUFFIXES = (".pt", ".pth", ".safetensors")
"""How the names of weight files end."""

_BEST = "best"  # where a run keeps its usable model
_FINISHED = "model"  # where earlier runs kept it


def model_files(folder: Path) -> dict[str, Path]:
    """Return the models in ``folder``, ``<task>.safetensors`` each, by task in the page's order.

    Where ``folder`` is that of a run, those of its ``best/``. Empty where there are none, or no such folder.

    Raises:
        OSError: The folder may not be read.
    """
    for place in (folder / _BEST, folder, folder / _FINISHED):
        files = {task: place / f"{task}.safetensors" for task in MODEL_TASKS}
        if found := {task: path for task, path in files.items() if path.is_file()}:
            return found
    return {}


def model_file(folder: Path, task: str) -> Path:
    """Return the model for ``task`` in ``folder``, which must be there.

    Raises:
        ModelNotFoundError: It has none; tells what it has instead.
        OSError: The folder may not be read.
    """
    found = model_files(folder)
    if task in found:
        return found[task]
    if found:
        raise ModelNotFoundError(
            f"The folder {folder.name} has no model for {task!r}: there is no {task}.safetensors in it.",
            f"It has: {', '.join(found)}.",
        )
    other = sorted(path.name for path in folder.iterdir() if path.name.endswith(WEIGHT_SUFFIXES))
    has = f"It has: {', '.join(other[:5])}. " if other else "It has no weight files. "
    raise ModelNotFoundError(
        f"The folder {folder.name} has no model: there is no {task}.safetensors in it.",
        has + "Give the folder that training wrote (runs/mine/best), or the file itself.",
    )

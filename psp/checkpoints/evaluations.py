"""``evaluation.json`` beside models: what ``evaluate`` measured of them, kept for the card.

Each entry names the model's file by its sha256, so that figures never end up under a model that was trained
on, or replaced, since.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psp.errors import CheckpointError
from psp.files.saving import begins_with, write_files
from psp.version import __version__

REPORT = "evaluation.json"
"""Its name."""

_BEGINS = '{\n  "psp_studio_evaluation": 1,'


@dataclass(frozen=True)
class Evaluated:
    """What was measured of one model on one set of pictures.

    Attributes:
        task: The model's.
        sha256: Of its file; that names the hashes of the files that it needs.
        data: Name of the set.
        split: "val": held out in it; "all": all its pictures.
        pictures: How many.
        size: At how many pixels.
        figures: Means over the pictures, by the names of ``psp.evaluation``'s columns.
        variant: What sets these results of a picture apart from others of it; may be empty.
    """

    task: str
    sha256: str
    data: str
    split: str
    pictures: int
    size: int
    figures: Mapping[str, float]
    variant: str = ""


def read_evaluations(folder: Path) -> tuple[Evaluated, ...]:
    """Return what was kept in ``folder``; nothing where nothing was.

    Raises:
        CheckpointError: The file is damaged.
    """
    path = folder / REPORT
    if not path.is_file():
        return ()
    try:
        return tuple(_entry(each) for each in json.loads(path.read_text(encoding="utf-8"))["results"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            f"{REPORT} in {folder.name} cannot be understood.",
            "Delete it; evaluate --for-card makes it anew.",
        ) from error


def keep_evaluations(folder: Path, fresh: tuple[Evaluated, ...]) -> Path:
    """Keep ``fresh`` results in ``folder``, and return the file.

    Earlier ones of the same task on the same sets, or of another model, are replaced.

    Raises:
        CheckpointError: The file that is there is damaged.
        SettingsError: A file is there that is no such report.
        OSError: It cannot be written.
    """
    path = folder / REPORT
    models = {each.task: each.sha256 for each in fresh}
    sets = {(each.task, each.data) for each in fresh}
    old = read_evaluations(folder) if is_report(path) else ()
    kept = [
        each
        for each in old
        if models.get(each.task, each.sha256) == each.sha256 and (each.task, each.data) not in sets
    ]
    told = {
        "psp_studio_evaluation": 1,
        "psp_version": __version__,
        "results": [dataclasses.asdict(each) for each in (*kept, *fresh)],
    }
    write_files({path: (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()}, is_report)
    return path


is_report = begins_with(_BEGINS)
"""Whether a file is such a report."""


def _entry(told: Mapping[str, Any]) -> Evaluated:
    """Return an entry of the file, each value of its kind.

    Raises:
        ValueError: One is not; so do TypeError and KeyError.
    """
    texts = {name: told[name] for name in ("task", "sha256", "data", "split", "variant")}
    numbers = {name: told[name] for name in ("pictures", "size")}
    figures = {str(name): _number(value) for name, value in told["figures"].items()}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    if not all(isinstance(number, int) and number > 0 for number in numbers.values()):
        raise TypeError
    return Evaluated(**texts, **numbers, figures=figures)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)

"""From a trained model to a file that the studio loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from psp.checkpoints.mobile_wheel import LICENCE
from psp.checkpoints.model_config import write_config
from psp.checkpoints.save import save_psp
from psp.maps.palette import FACE_CLASSES
from psp.models.mobile import MobileConfig
from psp.models.psp import PSP
from psp.training.config import DataConfig, TrainConfig
from psp.training.data.pictures import draw_shares
from psp.training.data.sources import Source

BEST = "best"
"""Folder of the best model of a run, in the run's folder."""


def export(
    model: PSP,
    config: TrainConfig,
    sources: tuple[Source, ...],
    folder: Path,
    *,
    pictures: int = 0,
    figures: Mapping[str, float] | None = None,
) -> Path:
    """Write ``model``, its generator with it, and return the file, ``folder/<task>.safetensors``.

    A ``config.json`` beside it says what is in the folder.

    Args:
        model: The model.
        config: The run that made it.
        sources: What it was trained on.
        folder: Where to; what is there is replaced.
        pictures: How many pictures were drawn in training.
        figures: What was measured on held-out pictures.
    """
    path = folder / f"{config.task}.safetensors"
    info = {
        "preset": config.name,
        "task": config.task,
        "pictures": str(pictures),
        "figures": json.dumps({name: round(value, 4) for name, value in (figures or {}).items()}),
        "data": _data_words(sources, config.data),
    }
    if isinstance(model.config.generator, MobileConfig):  # the one there is; its terms go with it
        info["licence"] = LICENCE
    if (classes := config.map_classes) not in (None, FACE_CLASSES):
        info["classes"] = classes.to_json()
    save_psp(model, path, precision=config.precision, info=info)
    write_config(folder)
    return path


def _data_words(sources: tuple[Source, ...], data: DataConfig) -> str:
    """Return in words which sources were drawn from, and how many pictures they have."""
    drawn = zip(sources, draw_shares(sources, data), strict=True)
    return ", ".join(f"{source.name}: {len(source.train)} pictures" for source, share in drawn if share > 0)

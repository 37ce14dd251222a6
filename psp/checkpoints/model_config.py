"""``config.json`` beside models: what they are, for people, for the Hub and its counts of downloads.

It says again what the files say themselves. Nothing is ever loaded by it: the architecture is read from the
tensors' own file, so that one which disagrees misleads nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psp.checkpoints.hub import CONFIG
from psp.checkpoints.load import read_info
from psp.checkpoints.model_input import model_input
from psp.files.saving import write_files
from psp.models.architecture import config_from_json
from psp.tasks import MODEL_TASKS
from psp.version import __version__

LIBRARY = "psp-studio"
"""How the Hub calls what a model is used with."""


def config_json(models: Mapping[str, Mapping[str, str]]) -> str:
    """Return the text for models that lie together; the same models give the same text.

    Args:
        models: What the file of each says of itself, by its task.

    Raises:
        CheckpointError: The metadata of a model holds no config that can be read.
    """
    told = {
        "library_name": LIBRARY,
        "psp_version": __version__,
        "model_type": "psp",
        "architectures": ["PSP"],
        "tasks": {task: _model(task, info) for task, info in models.items()},
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def write_config(folder: Path) -> None:
    """Write ``config.json`` into a folder of models, ``<task>.safetensors`` each, over what is there.

    Raises:
        CheckpointError: A model is damaged, or not of the studio's format.
        OSError: The file cannot be written.
    """
    files = {task: folder / f"{task}.safetensors" for task in MODEL_TASKS}
    models = {task: read_info(path) for task, path in files.items() if path.is_file()}
    write_files({folder / CONFIG: config_json(models).encode()})


def _model(task: str, info: Mapping[str, str]) -> dict[str, Any]:
    config = config_from_json(info.get("config", ""))
    encoder, generator = config.encoder, config.generator
    file = f"{task}.safetensors"
    takes = model_input(encoder.in_channels, info, file)
    given: dict[str, Any] = {
        "kind": takes.kind,
        "channels": encoder.in_channels,
        "size": encoder.in_size,
    }
    if takes.classes is not None:
        given["classes"] = json.loads(takes.classes.to_json())
    return {
        "file": file,
        "input": given,
        "codes": [generator.n_codes, generator.style_dim],
        "size": generator.size,
        "architecture": json.loads(info["config"]),
    }

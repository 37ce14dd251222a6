"""What a run needs to go on where it stopped, in one safetensors file: weights, average, optimizer, place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from psp.checkpoints import load_tensors, save_tensors
from psp.errors import TrainingError


@dataclass(frozen=True)
class Position:
    """How far a run is.

    Attributes:
        step: Optimizer steps done.
        pictures: Pictures drawn.
        seconds: Time spent in training, all stretches together.
    """

    step: int = 0
    pictures: int = 0
    seconds: float = 0.0


def save_state(
    path: Path,
    position: Position,
    preset_name: str,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write the state of a run to ``path``, atomically: a file that is there is whole."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("model", model), ("average", average)):
        tensors |= {f"{prefix}.{key}": value.detach() for key, value in module.state_dict().items()}
    tensors |= optimizer_tensors("optimizer", optimizer)
    meta = {
        "format": "psp-studio-run/1",
        "preset": preset_name,
        "position": json.dumps([position.step, position.pictures, position.seconds]),
    }
    save_tensors(path, {key: value.contiguous().cpu() for key, value in tensors.items()}, meta)


def load_state(
    path: Path,
    preset_name: str,
    model: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> Position:
    """Restore a run from ``path`` into ``model``, ``average`` and ``optimizer``.

    Raises:
        TrainingError: The file belongs to another preset or another architecture.
    """
    tensors, meta = load_tensors(path)
    if meta.get("preset") != preset_name:
        raise TrainingError(
            f"{path.name} is a run of {meta.get('preset', 'something else')!r}, not of {preset_name!r}.",
            "Give another output folder.",
        )
    try:
        for prefix, module in (("model.", model), ("average.", average)):
            module.load_state_dict(part_of(tensors, prefix), strict=True)
    except RuntimeError as error:
        raise TrainingError(
            f"{path.name} has another architecture than the preset.", "Give another output folder."
        ) from error
    restore_optimizer(optimizer, part_of(tensors, "optimizer."))
    step, pictures, seconds = json.loads(meta["position"])
    return Position(int(step), int(pictures), float(seconds))


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what ``optimizer`` remembers, as tensors called ``prefix.<parameter>.<name>``."""
    return {
        f"{prefix}.{index}.{key}": torch.as_tensor(value)
        for index, entry in optimizer.state_dict()["state"].items()
        for key, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give ``optimizer`` back what ``optimizer_tensors`` told, named without the prefix."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value.clone()  # the optimizer writes into it
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

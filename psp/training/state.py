"""What a run needs to go on where it stopped, in one safetensors file: weights, average, optimizer, place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from psp.checkpoints.hashes import check_seal
from psp.checkpoints.tensors import load_tensors, save_tensors
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


@dataclass(frozen=True, eq=False)
class RunState:
    """What a run changes, beside its position.

    Attributes:
        preset: Name of its preset.
        model: The model that learns.
        average: Its moving average; None: none is taken.
        optimizer: The optimizer.
    """

    preset: str
    model: nn.Module
    average: nn.Module | None
    optimizer: torch.optim.Optimizer


def _modules(state: RunState) -> dict[str, nn.Module]:
    return {"model": state.model} | ({"average": state.average} if state.average is not None else {})


def save_state(
    path: Path,
    state: RunState,
    position: Position,
    best: float = math.inf,
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """Write the state of a run to ``path``, atomically: a file that is there is whole.

    Args:
        path: The file.
        state: The run.
        position: How far it is.
        best: The best held-out figure so far.
        scaler: What scales the losses, in half precision.

    Raises:
        OSError: It cannot be written; the file that is there stays.
    """
    tensors: dict[str, Tensor] = {}
    for prefix, module in _modules(state).items():
        tensors |= {f"{prefix}.{key}": value.detach() for key, value in module.state_dict().items()}
    tensors |= optimizer_tensors("optimizer", state.optimizer)
    meta = {
        "format": "psp-studio-run/1",
        "preset": state.preset,
        "position": json.dumps([position.step, position.pictures, position.seconds]),
        "best": json.dumps(best),
        "scaler": json.dumps(scaler.state_dict() if scaler else {}),
    }
    save_tensors(path, {key: value.contiguous().cpu() for key, value in tensors.items()}, meta, sealed=True)


def load_state(
    path: Path, state: RunState, scaler: torch.amp.GradScaler | None = None
) -> tuple[Position, float]:
    """Restore a run from ``path`` into ``state`` and ``scaler``; return its position and best figure.

    Raises:
        TrainingError: The file belongs to another preset or another architecture.
        CheckpointError: The file is damaged.
    """
    check_seal(path)
    tensors, meta = load_tensors(path)
    if meta.get("preset") != state.preset:
        raise TrainingError(
            f"{path.name} is a run of {meta.get('preset', 'something else')!r}, not of {state.preset!r}.",
            "Give another output folder.",
        )
    try:
        for prefix, module in _modules(state).items():
            module.load_state_dict(part_of(tensors, f"{prefix}."), strict=True)
        restore_optimizer(state.optimizer, part_of(tensors, "optimizer."))
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"{path.name} has another architecture than the run.", "Give another output folder."
        ) from error
    if scaler and (scaled := json.loads(meta.get("scaler", "{}"))):
        scaler.load_state_dict(scaled)
    step, pictures, seconds = json.loads(meta["position"])
    return Position(int(step), int(pictures), float(seconds)), float(json.loads(meta.get("best", "Infinity")))


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

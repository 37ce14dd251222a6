"""Files of a generator's training: the exact state of a run, and what later trainings start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from psp.checkpoints.load import DECODER_FORMAT
from psp.checkpoints.quantize import to_half
from psp.checkpoints.tensors import load_tensors, save_tensors
from psp.errors import TrainingError
from psp.models.architecture import config_to_json
from psp.models.discriminator import Discriminator
from psp.models.generator import Generator
from psp.training.gan.augment import AdaptiveProbability
from psp.training.state import Position, optimizer_tensors, part_of, restore_optimizer

STATE_FORMAT = "psp-studio-gan/1"
DISCRIMINATOR_FORMAT = "psp-studio-discriminator/1"
GENERATOR_FILE = "generator.safetensors"
DISCRIMINATOR_FILE = "discriminator.safetensors"


@dataclass
class GanState:
    """Everything that a run changes. All chance is a function of (seed, step), so no random state is in it.

    Attributes:
        generator: The generator that learns.
        average: Its moving average: the one to use.
        discriminator: Its opponent.
        generator_optimizer: Adam of the generator.
        discriminator_optimizer: Adam of the discriminator.
        w_avg: [style_dim], moving average of w under the averaged mapping network.
        path_mean: [], moving average of the path lengths; 0 where they are not regularised.
        ada: The probability of augmentation.
        position: How far the run is.
    """

    generator: Generator
    average: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    w_avg: Tensor
    path_mean: Tensor
    ada: AdaptiveProbability
    position: Position


def _modules(state: GanState) -> dict[str, nn.Module]:
    return {
        "generator": state.generator,
        "average": state.average,
        "discriminator": state.discriminator,
    }


def _optimizers(state: GanState) -> dict[str, torch.optim.Adam]:
    return {
        "generator_optimizer": state.generator_optimizer,
        "discriminator_optimizer": state.discriminator_optimizer,
    }


def save_gan_state(path: Path, preset_name: str, state: GanState) -> None:
    """Write ``state`` to ``path``, atomically: a file that is there is whole.

    Raises:
        TrainingError: A weight is NaN or infinite; the file that is there stays.
    """
    tensors: dict[str, Tensor] = {"w_avg": state.w_avg, "path_mean": state.path_mean}
    for prefix, module in _modules(state).items():
        tensors |= {f"{prefix}.{key}": value.detach() for key, value in module.state_dict().items()}
    for key, value in tensors.items():
        if not torch.isfinite(value).all():
            raise TrainingError(
                f"{key} holds NaN or infinity at step {state.position.step}.",
                f"Lower the learning rates and start again: {path.name} holds the last good state.",
            )
    for prefix, optimizer in _optimizers(state).items():
        tensors |= optimizer_tensors(prefix, optimizer)
    place, ada = state.position, state.ada
    metadata = {
        "format": STATE_FORMAT,
        "preset": preset_name,
        "position": json.dumps([place.step, place.pictures, place.seconds]),
        "ada": json.dumps([ada.p, ada.total, ada.count, ada.batches]),
    }
    save_tensors(path, {key: value.contiguous().cpu() for key, value in tensors.items()}, metadata)


def load_gan_state(path: Path, preset_name: str, state: GanState) -> None:
    """Restore ``state`` from ``path``.

    Raises:
        TrainingError: The file belongs to another preset or another architecture.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("format") != STATE_FORMAT or metadata.get("preset") != preset_name:
        raise TrainingError(
            f"{path.name} is a run of {metadata.get('preset', 'something else')!r}, not of {preset_name!r}.",
            "Give another output folder.",
        )
    for prefix, module in _modules(state).items():
        _fill(path.name, module, part_of(tensors, prefix + "."))
    for prefix, optimizer in _optimizers(state).items():
        restore_optimizer(optimizer, part_of(tensors, prefix + "."))
    state.w_avg.copy_(tensors["w_avg"])
    state.path_mean.copy_(tensors["path_mean"])
    step, pictures, seconds = json.loads(metadata["position"])
    state.position = Position(int(step), int(pictures), float(seconds))
    ada = state.ada
    ada.p, ada.total, ada.count, ada.batches = json.loads(metadata["ada"])


def load_generator(path: Path, generator: Generator) -> tuple[Tensor, dict[str, str]]:
    """Fill ``generator`` from a file of ``save_generator``; return w_avg [style_dim] and the metadata.

    Raises:
        TrainingError: The file holds something else, or a generator of another shape.
    """
    tensors, metadata = _read(path, DECODER_FORMAT, config_to_json(generator.config))
    _fill(path.name, generator, part_of(tensors, "decoder."))
    return tensors["latent_avg"][0].float(), metadata


def save_discriminator(path: Path, discriminator: Discriminator, info: Mapping[str, str]) -> None:
    """Write ``discriminator`` in half precision; the metadata has its config."""
    tensors = {key: to_half(value) for key, value in discriminator.state_dict().items()}
    metadata = {**info, "format": DISCRIMINATOR_FORMAT, "config": config_to_json(discriminator.config)}
    save_tensors(path, tensors, metadata)


def load_discriminator(path: Path, discriminator: Discriminator) -> dict[str, str]:
    """Fill ``discriminator`` from a file of ``save_discriminator``; return the metadata.

    Raises:
        TrainingError: The file holds something else, or a discriminator of another shape.
    """
    tensors, metadata = _read(path, DISCRIMINATOR_FORMAT, config_to_json(discriminator.config))
    _fill(path.name, discriminator, tensors)
    return metadata


def _read(path: Path, wanted: str, config: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors, metadata = load_tensors(path)
    if metadata.get("format") != wanted or "config" not in metadata:
        raise TrainingError(
            f"{path.name} is no {wanted} file with a config.",
            "Give a folder that a generator's training wrote.",
        )
    if metadata["config"] != config:
        raise TrainingError(
            f"{path.name} has another architecture than the preset: {metadata['config']}.",
            "Give a folder that the same preset wrote.",
        )
    return tensors, metadata


def _fill(name: str, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise TrainingError(
            f"{name} has another architecture than the preset.", "Give another folder."
        ) from error

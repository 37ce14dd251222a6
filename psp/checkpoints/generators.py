"""Generators in files: rosinality's ``.pt``, the studio's own, and those in pSp checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from psp.checkpoints.average import average_code
from psp.checkpoints.find import find_file
from psp.checkpoints.load import DECODER_FORMAT, load_psp
from psp.checkpoints.official import clean_names, is_pickle, load_pickle
from psp.checkpoints.quantize import to_half, to_int8
from psp.checkpoints.sound import require_sound
from psp.checkpoints.split import load_in_parts, save_in_parts
from psp.checkpoints.tensors import read_metadata
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import (
    config_to_json,
    generator_config_from_json,
    infer_generator,
)
from psp.models.generator import Generator
from psp.models.generators import AnyGenerator, build_generator
from psp.registry.folder import model_files
from psp.registry.lookup import AUXILIARY, families

_PIECE = 16  # numbers that share a scale, where 8 bits do
_WANTED = (
    "Give a StyleGAN2 in rosinality's format: a .pt with 'g_ema'. TensorFlow's networks are converted by "
    "convert_weight.py of rosinality/stylegan2-pytorch, those of stylegan2-ada-pytorch by export_weights.py "
    "of dvschultz/stylegan2-ada-pytorch."
)


@dataclass(frozen=True, eq=False)
class OpenedGenerator:
    """A generator with its average code.

    Attributes:
        generator: The network, in evaluation mode.
        w_avg: [n_codes,style_dim].
    """

    generator: AnyGenerator
    w_avg: Tensor


def open_generator(source: str | Path, settings: Settings | None = None) -> OpenedGenerator:
    """Return the generator that ``source`` names, of whatever shape, in float32 on the CPU.

    Args:
        source: A file of the registry ("stylegan2-ffhq"), a family, or a path: a ``.pt`` of rosinality's, a
            ``.safetensors`` of ``train-generator``, or a whole pSp model.
        settings: The settings; by default those of the environment.

    Raises:
        ModelNotFoundError: It is nowhere to be found.
        CheckpointError: It is no StyleGAN2 that can be read.
    """
    settings = settings or Settings.from_env()
    if str(source) in families(settings):
        return _of_model(str(source), settings)
    entry = AUXILIARY.get(str(source))
    path = Path(source) if entry is None else find_file(entry, settings)
    if path.is_dir():  # all models of a folder share one, but for toonify's
        return _of_model(next(iter(model_files(path).values()), path), settings)
    if is_pickle(path):
        content = _load(path)
        return _of_model(path, settings) if "state_dict" in content else _rosinality(path.name, content)
    metadata = read_metadata(path)
    if metadata.get("format") != DECODER_FORMAT:
        return _of_model(path, settings)
    if "config" not in metadata:
        raise CheckpointError(
            f"{path.name} is the generator of a model and does not tell its shape.",
            "Give the model's own file, such as encode.safetensors, which lies beside it.",
        )
    tensors = load_in_parts(path, metadata, settings.cache_dir)
    generator = build_generator(generator_config_from_json(metadata["config"]))
    return _filled(path.name, generator, tensors, tensors["latent_avg"].float())


def save_generator(
    path: Path,
    generator: AnyGenerator,
    w_avg: Tensor,
    info: Mapping[str, str],
    *,
    eight_bits: re.Pattern[str] | None = None,
    largest: int | None = None,
) -> None:
    """Write ``generator`` and its average code in half precision, named as in a pSp model.

    Args:
        path: The file.
        generator: The network.
        w_avg: [style_dim] or [n_codes,style_dim].
        info: What else the metadata say; they have the generator's config. Keys of the tensors are
            ``decoder.*`` and ``latent_avg`` [n_codes,style_dim].
        eight_bits: Matches the names of the generator's tensors that 8 bits do for; None: none.
        largest: Bytes a file; what is beyond goes to parts beside it. None: one file.
    """
    tensors: dict[str, Tensor] = {}
    for key, value in generator.state_dict().items():
        few = eight_bits is not None and eight_bits.search(key) is not None
        tensors |= to_int8({f"decoder.{key}": value}, _PIECE) if few else {f"decoder.{key}": to_half(value)}
    tensors["latent_avg"] = to_half(w_avg.expand(generator.config.n_codes, -1))
    config = config_to_json(generator.config)
    save_in_parts(path, tensors, {**info, "format": DECODER_FORMAT, "config": config}, largest)


def _of_model(source: str | Path, settings: Settings) -> OpenedGenerator:
    model = load_psp(source, settings=settings)
    return OpenedGenerator(model.decoder, model.w_avg.clone())


def _load(path: Path) -> dict[str, object]:
    try:
        return load_pickle(path)
    except CheckpointError as error:
        if path.suffix == ".pkl" or "dnnlib" in error.problem or "torch_utils" in error.problem:
            raise CheckpointError(
                f"{path.name} is a pickle of NVIDIA's code, which only that code can open.", _WANTED
            ) from error
        raise


def _rosinality(name: str, content: Mapping[str, object]) -> OpenedGenerator:
    state = content.get("g_ema", content)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{name} holds no 'g_ema': {_kind_of(content)}.", _WANTED)
    tensors = clean_names(name, state)
    if "input.input" not in tensors:
        raise CheckpointError(f"{name} is no StyleGAN2 of rosinality's: {_kind_of(tensors)}.", _WANTED)
    tensors = {f"decoder.{key}": value for key, value in (tensors | _noises(tensors)).items()}
    config = infer_generator({key: tuple(value.shape) for key, value in tensors.items()})
    if config.n_mlp == 0:
        raise CheckpointError(f"{name} has no mapping network (style.*).", _WANTED)
    opened = _filled(name, Generator(config), tensors, torch.zeros(config.n_codes, config.style_dim))
    given = content.get("latent_avg")
    average = given if isinstance(given, Tensor) else average_code(opened.generator)
    if average.numel() % config.style_dim or not average.numel():
        raise CheckpointError(
            f"'latent_avg' of {name} is {list(average.shape)}, which fits no codes of {config.style_dim}.",
            "Leave it out: it is computed then.",
        )
    require_sound(name, {"latent_avg": average})
    rows = average.reshape(-1, config.style_dim).float()
    return OpenedGenerator(opened.generator, rows[:1].expand(config.n_codes, -1).clone())


def _noises(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return noise planes for a file without any: early ones drew them anew for every picture."""
    if any(key.startswith("noises.") for key in tensors):
        return {}
    count = 1 + len({key.split(".")[1] for key in tensors if key.startswith("convs.")})
    draw = torch.Generator().manual_seed(0)
    sides = (4 * 2 ** ((index + 1) // 2) for index in range(count))
    return {
        f"noises.noise_{index}": torch.randn(1, 1, side, side, generator=draw)
        for index, side in enumerate(sides)
    }


def _filled(
    name: str, generator: AnyGenerator, tensors: Mapping[str, Tensor], w_avg: Tensor
) -> OpenedGenerator:
    state = {
        key.removeprefix("decoder."): value.float()
        for key, value in tensors.items()
        if key.startswith("decoder.")
    }
    require_sound(name, state)
    try:
        generator.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"{name} is no StyleGAN2 as it was published: {first_misfit(error)}", _WANTED
        ) from error
    return OpenedGenerator(generator.eval(), w_avg.expand(generator.config.n_codes, -1))


def first_misfit(error: RuntimeError) -> str:
    """Return the first thing that PyTorch says of tensors that do not fit a module."""
    return str(error).split("\n")[1].strip() if "\n" in str(error) else str(error)


def _kind_of(content: Mapping[str, object]) -> str:
    """Return in a few words what a file holds instead."""
    keys = [str(key) for key in content]
    known = {
        "synthesis.b4.": "a state dict of stylegan2-ada-pytorch",
        "synthesis.L0_": "a StyleGAN3, whose layers take no W+ codes of StyleGAN2",
        "synthesis.input.": "a StyleGAN3, whose layers take no W+ codes of StyleGAN2",
        "generator.progression": "a StyleGAN (1)",
        "g_mapping": "a StyleGAN (1)",
    }
    for start, words in known.items():
        if any(key.startswith(start) for key in keys):
            return words
    return f"it holds {', '.join(keys[:4]) or 'nothing'}{' …' if len(keys) > 4 else ''}"

"""From a trained model to files that the studio loads."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from psp.checkpoints.load import read_info
from psp.checkpoints.official import is_pickle
from psp.checkpoints.save import save_psp
from psp.files.drafts import writing
from psp.maps.palette import FACE_CLASSES
from psp.models.encoder import GradualStyleEncoder, MapToStyle
from psp.models.generator import Generator
from psp.models.psp import PSP
from psp.training.config import DataConfig, TrainConfig
from psp.training.data.pictures import Pictures, draw_shares
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source
from psp.training.data.vary import Pixels
from psp.training.gan.state import GENERATOR_FILE

BEST = "best"
"""Folder of the best model of a run, in the run's folder."""

_AVERAGED_AT_ONCE = 32


def export(
    model: PSP,
    config: TrainConfig,
    sources: tuple[Source, ...],
    folder: Path,
    *,
    base: Path | None = None,
    maps: Mapping[tuple[str, str], Pixels] | None = None,
    averaged: int = 2048,
    pictures: int = 0,
    figures: Mapping[str, float] | None = None,
) -> Path:
    """Write ``model`` as the studio loads it and return the file, ``folder/<task>.safetensors``.

    A jointly trained model gets its average code back first (see ``recentre``). Where a family shares its
    generator, that has a file of its own; what is equal in the base's files, copied beside, is left there.

    Args:
        model: The model; it stays as it is.
        config: The run that made it.
        sources: What it was trained on.
        folder: Where to; what is there is replaced.
        base: The file that it started from.
        maps: The pictures' maps, for the task that needs them.
        averaged: How many pictures the average code is taken over.
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
    if (classes := config.map_classes) not in (None, FACE_CLASSES):
        info["classes"] = classes.to_json()
    if base is not None and _can_be_base(base, path, config):
        folder.mkdir(parents=True, exist_ok=True)
        decoder = read_info(base).get("decoder")
        for file in (base, base.with_name(decoder)) if decoder else (base,):
            _copy(file, folder / file.name)
        save_psp(model, path, precision=config.precision, base=base.name, info=info)
        return path
    if config.train_generator:
        images = _some_inputs(sources, config, averaged, maps)
        model = recentre(copy.deepcopy(model), images)
        if model.config.generator.prior_rank:
            fit_prior(model, images)
    decoder = GENERATOR_FILE if config.shares_generator else None
    if decoder:
        (folder / decoder).unlink(missing_ok=True)  # an earlier export of this run
    save_psp(model, path, precision=config.precision, decoder_file=decoder, info=info)
    return path


def _copy(file: Path, target: Path) -> None:
    """Copy a file, whole or not at all, unless it is there already."""
    if target.exists() and target.samefile(file):
        return
    with file.open("rb") as given, writing(target) as out:
        shutil.copyfileobj(given, out)


def _data_words(sources: tuple[Source, ...], data: DataConfig) -> str:
    """Return in words which sources were drawn from, and how many pictures they have."""
    drawn = zip(sources, draw_shares(sources, data), strict=True)
    return ", ".join(f"{source.name}: {len(source.train)} pictures" for source, share in drawn if share > 0)


def _can_be_base(base: Path, path: Path, config: TrainConfig) -> bool:
    """Whether the file that a run started from can hold what the new one shares with it."""
    if not config.shares_generator or (config.train_generator and config.task == "encode"):
        return False  # a model of its own
    return base.name != path.name and not is_pickle(base) and "base" not in read_info(base)


def _some_inputs(
    sources: tuple[Source, ...],
    config: TrainConfig,
    count: int,
    maps: Mapping[tuple[str, str], Pixels] | None,
) -> Tensor:
    """Return what the encoder sees of about ``count`` training pictures [N,C,S,S], drawn by the run's shares.

    They are not varied.
    """
    plan = DataConfig(shares=config.data.shares)
    size = config.model.encoder.in_size
    pictures = Pictures(sources, plan, size, config.seed + 1, Preparation.of(config), maps)
    count = min(count, sum(len(source.train) for source in sources))
    part = min(count, _AVERAGED_AT_ONCE)
    return torch.cat([pictures.batch(step, part).inputs for step in range(max(1, count // part))])


@torch.no_grad()
def recentre(model: PSP, images: Tensor, batch: int = 32) -> PSP:
    """Move the mean code of ``images`` [N,C,S,S] into ``w_avg``; what the model computes stays the same.

    After joint training the average code is part of the encoder's biases; this gives it back its meaning.
    """
    codes = torch.cat([model.encode(part) for part in images.to(model.device).split(batch)])
    mean = codes.mean(dim=0)
    shift = mean - model.w_avg
    assert isinstance(model.encoder, GradualStyleEncoder) and model.config.encoder.kind == "gradual"
    for to_style, delta in zip(model.encoder.styles, shift, strict=True):
        assert isinstance(to_style, MapToStyle)
        to_style.linear.bias.sub_(delta)
    model.latent_avg.copy_(mean)
    return model


@torch.no_grad()
def fit_prior(model: PSP, images: Tensor, batch: int = 32) -> PSP:
    """Fit the Gaussian over codes to those of ``images`` [N,C,S,S]: their principal directions."""
    assert isinstance(model.decoder, Generator), "only a StyleGAN2 may have no mapping network"
    rank = model.config.generator.prior_rank
    codes = torch.cat([model.encode(part) for part in images.to(model.device).split(batch)])
    centred = (codes - codes.mean(dim=0)).flatten(1).double()
    _, lengths, directions = torch.linalg.svd(centred, full_matrices=False)
    count = min(rank, len(lengths))
    deviations = lengths[:count] / max(len(codes) - 1, 1) ** 0.5
    basis = (directions[:count] * deviations[:, None]).float().view(count, *codes.shape[1:])
    model.decoder.prior.basis.zero_()
    model.decoder.prior.basis[:count] = basis
    return model

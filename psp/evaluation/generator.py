"""Random faces of a generator beside real pictures: a table of one line, and sheets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.errors import TrainingError
from psp.evaluation.picture_batches import Named, read_batches
from psp.evaluation.table import Row
from psp.evaluation.tasks import random_figures
from psp.evaluation.translate import Translator
from psp.losses.lpips import LPIPS
from psp.training import galleries
from psp.training.config import DataConfig
from psp.training.data.pictures import draw_shares, held_out
from psp.training.data.sources import Source

GENERATOR_HEADERS = ("pictures", "Fréchet", "encoded", "real", "variety", "real")

_RANDOM = 2000
_FACES, _STEPS, _MIXED = "random.jpg", "interpolation.jpg", "mixing.jpg"
SHEETS = (_FACES, _STEPS, _MIXED)
"""The names of the sheets."""


def generator_row(
    translate: Translator, sources: tuple[Source, ...], count: int | None, batch: int, lpips: LPIPS
) -> Row:
    """Measure ``count`` random faces (None: 2000) and as many real pictures, trained on or not.

    Raises:
        TrainingError: There are too few pictures.
    """
    real, others = _real_halves(sources, DataConfig(), count or _RANDOM)
    codes = galleries.random_codes(translate.model, len(real))
    f = random_figures(
        (galleries.decode_at(translate.model, part, translate.size) for part in codes.split(batch)),
        (part.images for part in read_batches(real, translate.size, batch)),
        (part.images for part in read_batches(others, translate.size, batch)),
        (translate(part.images).images for part in read_batches(others, translate.size, batch)),
        lpips,
    )
    return "random", f.pictures, f.frechet, f.encoded, f.real, f.variety, f.real_variety


def save_generator_sheets(folder: Path, translate: Translator, sources: tuple[Source, ...]) -> None:
    """Write sheets of random faces, and of interpolations and mixtures of held-out pictures."""
    model, size = translate.model, translate.size
    faces = galleries.decode_at(model, galleries.random_codes(model, 64), size)
    galleries.save_gallery(folder / _FACES, faces, columns=8)
    held = _interleaved(sources, DataConfig(), size)
    if len(held) < 4:
        return
    pairs = len(held) // 2
    codes = galleries.encode_all(model, held)
    steps = galleries.interpolate(model, codes[0 : 2 * pairs : 2], codes[1 : 2 * pairs : 2], 8, size)
    galleries.save_gallery(folder / _STEPS, steps, columns=8)
    some = min(5, pairs)
    table = galleries.mix_styles(model, held[1 : 2 * some : 2], held[0 : 2 * some : 2])
    galleries.save_gallery(folder / _MIXED, table, columns=1 + some)


def _real_halves(
    sources: Sequence[Source], config: DataConfig, count: int
) -> tuple[list[Named], list[Named]]:
    """Return two sets of up to ``count`` real pictures each, trained on or not, no picture twice.

    The sources have the shares that training draws them with, since the generator learned that mixture.
    """
    all_of = tuple(dataclasses.replace(s, train=s.all, val=()) for s in sources)
    rng = np.random.default_rng(0)
    real: list[Named] = []
    others: list[Named] = []
    for source, share in zip(all_of, draw_shares(all_of, config), strict=True):
        each = min(round(share * count), len(source.train) // 2)
        drawn = [(source, source.train[i]) for i in rng.permutation(len(source.train))[: 2 * each]]
        real += drawn[:each]
        others += drawn[each:]
    if len(real) < 2:
        raise TrainingError("There are too few pictures to compare with.", "Give at least four.")
    order = rng.permutation(len(real))
    return [real[i] for i in order], [others[i] for i in order]


def _interleaved(sources: Sequence[Source], config: DataConfig, size: int, count: int = 16) -> Tensor:
    """Return up to ``count`` held-out pictures, of each source that is trained on in turn."""
    unused = {name for name, share in config.shares if share == 0}
    held = [source for source in sources if source.val and source.name not in unused]
    if not held:
        return torch.empty(0, 3, size, size)
    each: Iterator[list[Tensor]] = (list(held_out(source, size, -(-count // len(held)))) for source in held)
    return torch.stack([picture for turn in zip(*each, strict=False) for picture in turn])

"""Training pictures drawn by shares, as batches that depend on (seed, step) alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from psp.errors import TrainingError
from psp.images import to_pictures
from psp.parsing import photo_to_map
from psp.training.config import DataConfig
from psp.training.maps import mirror_map
from psp.training.prepare import Prepare
from psp.training.sources import Source, decode_picture
from psp.training.vary import Pixels, vary


def draw_shares(sources: tuple[Source, ...], config: DataConfig) -> NDArray[np.float64]:
    """Return the share of draws of each source; they sum to 1.

    Raises:
        TrainingError: No picture would ever be drawn, or the named shares exceed 1.
    """
    named = dict(config.shares)
    present = {s.name: named[s.name] for s in sources if s.name in named and s.train}
    free = {s.name: len(s.train) for s in sources if s.name not in named}
    left = 1.0 - sum(present.values())
    if left < -1e-9:
        raise TrainingError(f"The shares of the sources sum to {1 - left:.2f}.", "They must not exceed 1.")
    total = sum(free.values())
    shares = np.array([present.get(s.name, left * free.get(s.name, 0) / max(total, 1)) for s in sources])
    if shares.sum() <= 0:
        raise TrainingError("No source has training pictures with a share above 0.", "Check the shares.")
    return shares / shares.sum()


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures for one step.

    Attributes:
        inputs: What the encoder sees, [B,C,s,s]: colour in [−1,1], sketches and maps in [0,1].
        targets: What it should give, [B,3,S,S] in [−1,1].
    """

    inputs: Tensor
    targets: Tensor


class Batches:
    """An endless sequence of batches; batch ``step`` is a function of the seed and the step alone.

    So a run that is resumed at a step sees what the unbroken run would have seen.

    Args:
        sources: The pictures.
        config: Shares and variations.
        size: Height and width of the targets.
        batch: Pictures a batch.
        seed: Seed of draws and variations.
        prepare: Makes input and target of a picture; both are the picture itself by default.
        maps: The 19-class map [S,S] of each training picture, by source and name; only mirrored and
            recoloured pictures keep their maps.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        config: DataConfig,
        size: int,
        batch: int,
        seed: int,
        prepare: Prepare | None = None,
        maps: Mapping[tuple[str, str], Pixels] | None = None,
    ) -> None:
        self._sources, self._config, self._size, self._batch, self._seed = sources, config, size, batch, seed
        self._shares = draw_shares(sources, config)
        self._readers = [source.reader() for source in sources]
        self._prepare, self._maps = prepare, maps

    def batch(self, step: int) -> Batch:
        """Return batch ``step``."""
        rng = np.random.default_rng([self._seed, step])
        drawn = [self._draw(int(which), rng) for which in self._choose(rng)]
        others = [picture for picture, _ in drawn]
        varied = [
            vary(picture, self._config.vary, rng, others[index - 1], labels)
            for index, (picture, labels) in enumerate(drawn)
        ]
        if self._prepare is None:
            images = to_batch(varied)
            return Batch(images, images)
        pairs = [self._prepare(p, labels, rng) for p, (_, labels) in zip(varied, drawn, strict=True)]
        inputs = torch.from_numpy(np.stack([pair[0] for pair in pairs]))
        return Batch(inputs, to_batch([pair[1] for pair in pairs]))

    def _choose(self, rng: np.random.Generator) -> NDArray[np.int64]:
        return rng.choice(len(self._sources), size=self._batch, p=self._shares)

    def _draw(self, which: int, rng: np.random.Generator) -> tuple[Pixels, Pixels | None]:
        """Return a picture, mirrored or not, and its map if there is one."""
        source = self._sources[which]
        name = source.train[int(rng.integers(len(source.train)))]
        picture = np.asarray(decode_picture(self._readers[which](name), name, self._size))
        labels = None if self._maps is None else self._maps[source.name, name]
        if self._config.flip and rng.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
            labels = None if labels is None else mirror_map(labels)
        return picture, labels

    def from_step(self, step: int) -> Iterator[Batch]:
        """Yield the batches from ``step`` on; the next one is made while the caller works on the last."""
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self.batch, step)
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(self.batch, step)
                yield ready


def held_out(source: Source, size: int, count: int | None = None) -> Tensor:
    """Return the first ``count`` held-out pictures of ``source`` (default: all), [N,3,S,S] in [−1,1]."""
    read = source.reader()
    names = source.val[:count]
    return to_batch([np.asarray(decode_picture(read(name), name, size)) for name in names])


def prepare_all(images: Tensor, prepare: Prepare | None, seed: int = 0) -> Batch:
    """Return held-out ``images`` [N,3,S,S] as the task's inputs and targets; maps are made in passing."""
    if prepare is None:
        return Batch(images, images)
    rng = np.random.default_rng(seed)
    pairs = []
    for picture in to_pictures(images):
        pairs.append(prepare(np.asarray(picture), photo_to_map(picture), rng))
    return Batch(torch.from_numpy(np.stack([pair[0] for pair in pairs])), to_batch([p[1] for p in pairs]))


def to_batch(pictures: list[Pixels]) -> Tensor:
    """Return pictures [S,S,3] as a tensor [N,3,S,S] in [−1,1]."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32).div_(127.5).sub_(1.0).contiguous()

"""Training pictures drawn by shares: picture number i of a run is a function of the seed and i alone."""

from __future__ import annotations

import dataclasses
import itertools
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler

from psp.errors import PspError, TrainingError
from psp.inference.compact_parser import map_face
from psp.training.config import DataConfig, DegradeConfig
from psp.training.data.maps import mirror_map
from psp.training.data.prepare import Floats, Preparation
from psp.training.data.sources import Source, decode_picture, read_picture
from psp.training.data.vary import Pixels, vary

Item = tuple[Tensor, Tensor]


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


class Pictures(Dataset[Item | PspError]):
    """An endless row of training pictures; number i depends on the seed and i alone.

    So a run that is resumed sees what the unbroken run would have seen, and it makes no difference how many
    processes share a batch.

    Args:
        sources: The pictures.
        config: Shares and variations; pictures with inputs of their own are only mirrored.
        size: Height and width of the targets.
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
        seed: int,
        prepare: Preparation | None = None,
        maps: Mapping[tuple[str, str], Pixels] | None = None,
    ) -> None:
        self._sources, self._config, self._size, self._seed = sources, config, size, seed
        self._shares = draw_shares(sources, config)
        self._prepare, self._maps = prepare or Preparation(size=size), maps
        self._readers: dict[tuple[str, bool], Callable[[str], bytes]] = {}

    def __getstate__(self) -> dict[str, object]:
        """Leave out open files: each process opens its own."""
        return self.__dict__ | {"_readers": {}}

    def __getitem__(self, index: int) -> Item | PspError:
        """Return input [C,s,s] and target [3,S,S] of picture ``index``, or the error that tells why not.

        An error that another process raised would reach the user with that process's traceback as its text.
        """
        try:
            return self.item(index)
        except PspError as error:
            return error

    def item(self, index: int) -> Item:
        """Return input [C,s,s] and target [3,S,S] of picture ``index``.

        Raises:
            TrainingError: The picture that was drawn cannot be used; says which.
        """
        rng = np.random.default_rng([self._seed, index])
        source, name = self._choose(rng)
        mirrored = bool(self._config.flip and rng.random() < 0.5)
        picture = self._read(source, name, mirrored)
        if source.inputs is not None:
            return _to_item(self._given(source, name, mirrored), picture)
        labels = None if self._maps is None else self._maps[source.name, name]
        labels = mirror_map(labels) if labels is not None and mirrored else labels
        varied = vary(picture, self._config.vary, rng, partial(self._other, index), labels)
        return _to_item(*self._prepare(varied, labels, rng))

    def batch(self, step: int, count: int) -> Batch:
        """Return the pictures of step ``step`` of ``count`` pictures each, all of them.

        Raises:
            TrainingError: As for ``item``.
        """
        items = [self.item(step * count + position) for position in range(count)]
        return Batch(torch.stack([item[0] for item in items]), torch.stack([item[1] for item in items]))

    def loader(self, start: int, end: int, batch: int, workers: int = 0) -> DataLoader[Item | PspError]:
        """Return batches of ``batch`` pictures, from number ``start`` to before ``end``, whole batches only.

        Args:
            start: First picture.
            end: Picture after the last.
            batch: Pictures a batch.
            workers: Processes that read and vary pictures ahead; 0: none, the training waits.
        """
        return DataLoader(
            self,
            batch_sampler=BatchSampler(_Span(start, end), batch, drop_last=True),
            num_workers=workers,
            # A fork would copy locks that OpenCV's and torch's threads hold, and hang.
            multiprocessing_context="spawn" if workers else None,
            collate_fn=_collate,
            worker_init_fn=_start_worker,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(0),  # asked for by workers alone; spares the global one
        )

    def held_out(self, count: int) -> Batch | None:
        """Return up to ``count`` held-out pictures as inputs and targets, those of all sources in turn.

        Sources that are never drawn are left out; None: there is nothing held out.
        """
        used = [s for s, share in zip(self._sources, self._shares, strict=True) if s.val and share > 0]
        turns = itertools.zip_longest(*[[(source, name) for name in source.val] for source in used])
        places = [place for turn in turns for place in turn if place is not None][:count]
        if not places:
            return None
        items = [self._held_out_item(index, *place) for index, place in enumerate(places)]
        return Batch(torch.stack([item[0] for item in items]), torch.stack([item[1] for item in items]))

    def _held_out_item(self, index: int, source: Source, name: str) -> Item:
        picture = self._read(source, name, mirrored=False)
        if source.inputs is not None:
            return _to_item(self._given(source, name, mirrored=False), picture)
        labels = map_face(Image.fromarray(picture)) if self._prepare.needs_maps else None
        clean = dataclasses.replace(self._prepare, degrade=DegradeConfig())
        return _to_item(*clean(picture, labels, np.random.default_rng(index)))

    def _choose(self, rng: np.random.Generator) -> tuple[Source, str]:
        source = self._sources[int(rng.choice(len(self._sources), p=self._shares))]
        return source, source.train[int(rng.integers(len(source.train)))]

    def _other(self, index: int) -> Pixels:
        """Return another picture [S,S,3], for variations that need one."""
        source, name = self._choose(np.random.default_rng([self._seed, index, 1]))
        return self._read(source, name, mirrored=False)

    def _read(self, source: Source, name: str, mirrored: bool) -> Pixels:
        picture = np.asarray(decode_picture(self._reader(source, False)(name), name, self._size))
        return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture

    def _given(self, source: Source, name: str, mirrored: bool) -> Floats:
        """Return the input that lies ready for a picture."""
        own = source.input_names[name]
        return read_given(self._reader(source, True)(own), own, self._prepare, mirrored)

    def _reader(self, source: Source, inputs: bool) -> Callable[[str], bytes]:
        key = source.name, inputs
        if key not in self._readers:
            where = source.inputs if inputs and source.inputs is not None else source
            self._readers[key] = where.reader()
        return self._readers[key]


def read_given(data: bytes, name: str, prepare: Preparation, mirrored: bool = False) -> Floats:
    """Return the input [C,s,s] in the file ``data``, which was made ahead for the encoder.

    Raises:
        TrainingError: It cannot be used; ``name`` says which.
    """
    flat = prepare.map_classes is None  # of a map the numbers count
    return prepare.given(name, read_picture(data, name, flat=flat), mirrored)


class _Span(Sampler[int]):
    """The numbers from ``start`` to before ``end``."""

    def __init__(self, start: int, end: int) -> None:
        self._numbers = range(start, end)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _to_item(inputs: Floats, target: Pixels) -> Item:
    return torch.from_numpy(np.ascontiguousarray(inputs)), to_batch([target])[0]


def _collate(items: list[Item | PspError]) -> Item | PspError:
    """Stack pictures; an error among them stands for all."""
    whole: list[Item] = []
    for item in items:
        if isinstance(item, PspError):
            return item
        whole.append(item)
    return torch.stack([item[0] for item in whole]), torch.stack([item[1] for item in whole])


def _start_worker(worker: int) -> None:
    """Set up a process that reads pictures: one thread, and deaf to Ctrl-C.

    That reaches all processes of a terminal, and without its readers the run could not finish its step.
    """
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def held_out(source: Source, size: int, count: int | None = None) -> Tensor:
    """Return the first ``count`` held-out pictures of ``source`` (default: all), [N,3,S,S] in [−1,1]."""
    read = source.reader()
    names = source.val[:count]
    return to_batch([np.asarray(decode_picture(read(name), name, size)) for name in names])


def to_batch(pictures: list[Pixels]) -> Tensor:
    """Return pictures [S,S,3] as a tensor [N,3,S,S] in [−1,1]."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32).div_(127.5).sub_(1.0).contiguous()

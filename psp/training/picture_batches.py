"""Pictures to measure: which of a source, read a batch at a time at the size of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from psp.errors import TrainingError
from psp.images import to_tensor
from psp.training.sources import Source, read_square

Named = tuple[Source, str]
"""A picture: where it is, and its name there."""


@dataclass(frozen=True, eq=False)
class PictureBatch:
    """Some pictures.

    Attributes:
        names: Their names in their sources.
        images: [B,3,S,S] in [−1,1].
    """

    names: tuple[str, ...]
    images: Tensor


def choose(sources: Sequence[Source], everything: bool, count: int | None) -> list[list[Named]]:
    """Return the pictures to measure, one list for each source that has any.

    Args:
        sources: Where pictures are.
        everything: Whether all pictures count, or those alone that are held out (in a folder ``val``).
        count: At most so many of a source; None: all.

    Raises:
        TrainingError: There are none.
    """
    chosen = [
        [(source, name) for name in (source.all if everything else source.val)[:count]] for source in sources
    ]
    if not any(chosen):
        raise TrainingError(
            "There are no held-out pictures.",
            "Put some into a folder called val, or measure all pictures with --all.",
        )
    return [pictures for pictures in chosen if pictures]


def read_batches(pictures: Sequence[Named], size: int, batch: int) -> Iterator[PictureBatch]:
    """Yield ``pictures`` in order, ``batch`` at a time, brought to ``size``×``size``.

    As the paper's code does it: antialiased bilinear, where they are not of that size already.

    Raises:
        TrainingError: A picture is broken or not square; says which.
    """
    readers: dict[Path, Callable[[str], bytes]] = {}
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        images = []
        for source, name in part:
            if source.path not in readers:
                readers[source.path] = source.reader()
            images.append(to_tensor(read_square(readers[source.path](name), name), size))
        yield PictureBatch(tuple(name for _, name in part), torch.cat(images))

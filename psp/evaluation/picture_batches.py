"""Pictures to measure: which of a source, read a batch at a time at the size of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from psp.errors import TrainingError
from psp.pictures.images import to_tensor
from psp.training.data.pictures import read_given
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source, read_square

Named = tuple[Source, str]
"""A picture: where it is, and its name there."""


@dataclass(frozen=True, eq=False)
class PictureBatch:
    """Some pictures.

    Attributes:
        names: Their names in their sources.
        images: [B,3,S,S] in [−1,1].
        inputs: What the encoder sees, [B,C,s,s], where that lies ready.
    """

    names: tuple[str, ...]
    images: Tensor
    inputs: Tensor | None = None


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


def read_batches(
    pictures: Sequence[Named], size: int, batch: int, prepare: Preparation | None = None
) -> Iterator[PictureBatch]:
    """Yield ``pictures`` in order, ``batch`` at a time, brought to ``size``×``size``.

    As the paper's code does it: antialiased bilinear, where they are not of that size already.

    Args:
        pictures: The pictures.
        size: Their side in pixels.
        batch: How many at a time.
        prepare: Reads the inputs that lie ready beside the pictures; None: there are none.

    Raises:
        TrainingError: A picture is broken or not square, or an input cannot be used; says which.
    """
    readers: dict[Path, Callable[[str], bytes]] = {}
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        images, inputs = [], []
        for source, name in part:
            for place in (source, source.inputs):
                if place is not None and place.path not in readers:
                    readers[place.path] = place.reader()
            images.append(to_tensor(read_square(readers[source.path](name), name), size))
            if prepare is not None and source.inputs is not None:
                own = source.input_names[name]
                given = read_given(readers[source.inputs.path](own), own, prepare)
                inputs.append(torch.from_numpy(given))
        names = tuple(name for _, name in part)
        yield PictureBatch(names, torch.cat(images), torch.stack(inputs) if inputs else None)

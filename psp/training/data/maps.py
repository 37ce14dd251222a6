"""The 19-class maps of training pictures, made ahead: in passing they would take longer than the training."""

from __future__ import annotations

import functools
import io
import itertools
import os
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from psp.errors import TrainingError
from psp.files.drafts import writing
from psp.inference.compact_parser import map_face
from psp.maps.classes import MapClasses
from psp.maps.palette import FACE_CLASSES
from psp.pictures.images import load_picture
from psp.training.data.sources import Source, read_square

Labels = NDArray[np.uint8]


@functools.lru_cache(maxsize=8)
def _mirrored(classes: MapClasses) -> Labels:
    """Return what each class is in a mirror: "left eye" and "right eye", the person's, change places."""
    table = np.arange(256, dtype=np.uint8)
    for index, name in enumerate(classes.names):
        if name.startswith("left ") and (other := f"right {name[5:]}") in classes.names:
            table[index], table[classes.names.index(other)] = classes.names.index(other), index
    return table


def mirror_map(labels: Labels, classes: MapClasses = FACE_CLASSES) -> Labels:
    """Return the map [H,W] of the mirrored picture."""
    return np.ascontiguousarray(_mirrored(classes)[labels[:, ::-1]])


@dataclass(frozen=True, eq=False)
class MapStore(Mapping[tuple[str, str], Labels]):
    """Maps of one size, by source and name, packed as PNG so that tens of thousands fit into memory.

    Attributes:
        packed: The PNG file of each map.
    """

    packed: dict[tuple[str, str], bytes]

    def __getitem__(self, key: tuple[str, str]) -> Labels:
        return np.asarray(load_picture(self.packed[key], flat=False, smallest=1))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)


def open_maps(sources: tuple[Source, ...], file: Path, size: int) -> MapStore:
    """Return the maps of all training pictures, read from ``file`` or made now and kept there.

    Args:
        sources: The pictures.
        file: An ``.npz`` file.
        size: Height and width of the maps.

    Raises:
        TrainingError: ``file`` is there and holds something else.
    """
    packed = _read(file)
    if all((source.name, name) in packed for source in sources for name in source.train):
        return MapStore(packed)
    packed = {}
    workers = max(1, os.cpu_count() or 1)
    # A fork would copy locks that other threads hold, and hang. One thread each: there are as many as cores.
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for source in sources:
            read = source.reader()
            pictures = (read(name) for name in source.train)
            made = pool.map(_make_map, pictures, source.train, [size] * len(source.train), chunksize=32)
            packed |= {(source.name, name): png for name, png in zip(source.train, made, strict=True)}
    _write(file, packed)
    return MapStore(packed)


def _read(file: Path) -> dict[tuple[str, str], bytes]:
    if not file.exists():
        return {}
    try:
        with np.load(file) as stored:
            keys = zip(stored["sources"].tolist(), stored["names"].tolist(), strict=True)
            data, ends = stored["data"].tobytes(), stored["ends"].tolist()
    except (OSError, EOFError, ValueError, TypeError, LookupError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{file.name} is no file of maps that a run has made.", "Give another name with --maps."
        ) from error
    return {key: data[start:end] for key, (start, end) in zip(keys, itertools.pairwise(ends), strict=True)}


def _make_map(picture: bytes, name: str, size: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(map_face(read_square(picture, name), size)).save(out, "PNG")
    return out.getvalue()


def _write(file: Path, packed: dict[tuple[str, str], bytes]) -> None:
    with writing(file) as out:
        np.savez(
            out,
            sources=np.array([source for source, _ in packed]),
            names=np.array([name for _, name in packed]),
            ends=np.cumsum([0, *map(len, packed.values())]),
            data=np.frombuffer(b"".join(packed.values()), np.uint8),
        )

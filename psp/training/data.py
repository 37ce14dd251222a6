"""Training pictures: folders and zip files, drawn by shares, as batches that depend on (seed, step) alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, UnidentifiedImageError
from torch import Tensor

from psp.errors import TrainingError
from psp.training.config import DataConfig

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True)
class Source:
    """The pictures of one zip file or folder.

    Attributes:
        name: Stem of the file or folder.
        path: Where it is.
        train: Names inside, for training, sorted.
        val: Names inside with a folder called ``val``, never trained on, sorted.
    """

    name: str
    path: Path
    train: tuple[str, ...]
    val: tuple[str, ...]

    def reader(self) -> Callable[[str], bytes]:
        """Return a function from a name to the file's bytes; one thread may use it."""
        if self.path.is_dir():
            return lambda name: (self.path / name).read_bytes()
        archive = zipfile.ZipFile(self.path)
        return archive.read


def open_sources(data: Path) -> tuple[Source, ...]:
    """List the pictures under ``data``: each zip file and each folder in it is a source, or ``data`` itself.

    Raises:
        TrainingError: There is no such folder, or no picture in it.
    """
    if not data.exists():
        raise TrainingError(f"There is no data at {data}.", "Give a folder of pictures or of zip files.")
    parts = (
        [p for p in sorted(data.iterdir()) if p.suffix == ".zip" or p.is_dir()] if data.is_dir() else [data]
    )
    names = {p.name for p in parts}
    if (
        not parts
        or names <= {"train", "val"}
        or any(_is_picture(p.name) for p in data.iterdir() if p.is_file())
    ):
        parts = [data]
    sources = tuple(source for source in map(_source, parts) if source.train or source.val)
    if not sources:
        raise TrainingError(f"No picture was found under {data}.", f"Known endings: {', '.join(_ENDINGS)}.")
    return sources


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _source(path: Path) -> Source:
    if path.is_dir():
        names = [str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()]
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError) as error:
            raise TrainingError(f"{path.name} is not a readable zip file.", "Copy it again.") from error
    names = sorted(name for name in names if _is_picture(name))
    held_out = tuple(name for name in names if "val" in Path(name).parts)
    train = tuple(name for name in names if "val" not in Path(name).parts)
    return Source(path.stem, path, train, held_out)


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


def decode_picture(data: bytes, name: str, size: int) -> Image.Image:
    """Decode a training picture to RGB, ``size``×``size``.

    Raises:
        TrainingError: The picture is broken or not square; says which.
    """
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise TrainingError(f"{name} cannot be read as a picture.", "Remove it or replace it.") from error
    if picture.width != picture.height:
        raise TrainingError(
            f"{name} is {picture.width}×{picture.height}, not square.", "Align the faces first."
        )
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return picture


class Batches:
    """An endless sequence of batches; batch ``step`` is a function of the seed and the step alone.

    So a run that is resumed at a step sees what the unbroken run would have seen.

    Args:
        sources: The pictures.
        config: Shares and variations.
        size: Height and width of the batch.
        batch: Pictures a batch.
        seed: Seed of draws and variations.
    """

    def __init__(
        self, sources: tuple[Source, ...], config: DataConfig, size: int, batch: int, seed: int
    ) -> None:
        self._sources, self._config, self._size, self._batch, self._seed = sources, config, size, batch, seed
        self._shares = draw_shares(sources, config)
        self._readers = [source.reader() for source in sources]

    def batch(self, step: int) -> Tensor:
        """Return batch ``step``, [B,3,size,size] in [−1,1]."""
        rng = np.random.default_rng([self._seed, step])
        pictures = []
        for which in rng.choice(len(self._sources), size=self._batch, p=self._shares):
            names = self._sources[which].train
            name = names[int(rng.integers(len(names)))]
            picture = decode_picture(self._readers[which](name), name, self._size)
            pictures.append(np.asarray(_vary(picture, self._config, rng)))
        return _to_batch(pictures)

    def from_step(self, step: int) -> Iterator[Tensor]:
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
    return _to_batch([np.asarray(decode_picture(read(name), name, size)) for name in names])


def _to_batch(pictures: list[NDArray[np.uint8]]) -> Tensor:
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32).div_(127.5).sub_(1.0).contiguous()


def _vary(picture: Image.Image, config: DataConfig, rng: np.random.Generator) -> Image.Image:
    """Mirror and recolour ``picture`` at random; the draws are made whether or not they are used."""
    mirror = rng.random() < 0.5
    factors = 1.0 + config.jitter * rng.uniform(-1.0, 1.0, 3)
    if config.flip and mirror:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if config.jitter:
        for enhance, factor in zip(
            (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), factors, strict=True
        ):
            picture = enhance(picture).enhance(float(factor))
    return picture

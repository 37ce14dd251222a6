"""The measures of each task: results for batches of photos, beside the photos, and a table of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from psp.evaluation import tasks
from psp.evaluation.drawings import Drawing, Drawings, line_agreement, lines_of
from psp.evaluation.measures import Compared, Figures, Numbers, Ruler, Seen
from psp.evaluation.picture_batches import PictureBatch
from psp.evaluation.table import Row, Scored
from psp.evaluation.translate import Made, Translator
from psp.inference.compact_parser import map_face
from psp.maps.palette import map_agreement, map_to_tensor
from psp.pictures.images import to_pictures
from psp.pictures.sketches import photo_to_sketch, sketch_to_tensor
from psp.training.galleries import Firsts, show_inputs

FIGURES = ("pictures", "LPIPS", "MSE", "identity", "wrong", "own nearest")
"""What the table of plain results says."""


def figures_row(f: Figures) -> Row:
    """Return the values under ``FIGURES``."""
    return f.pictures, f.lpips, f.mse, f.identity, f.wrong_pairs, _percent(f.nearest)


@dataclass(frozen=True, eq=False)
class Bench:
    """What measuring takes.

    Attributes:
        translate: The model of the task.
        ruler: What results are compared with.
        load_encode: Loads the model of "encode", for tasks that are measured beside it; results of one size.
    """

    translate: Translator
    ruler: Ruler
    load_encode: Callable[[], Translator]


class Measure(ABC):
    """The measures of a task on one source, batch by batch.

    Args:
        bench: What measuring takes.
        firsts: Keeps the first pictures for a sheet.
    """

    headers: ClassVar[tuple[str, ...]] = FIGURES
    shown: ClassVar[int] = 36
    """How many pictures a sheet shows."""

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        self.bench, self.firsts = bench, firsts
        self._compared: list[Compared] = []
        self._numbers: list[Numbers] = []

    def measure(self, part: PictureBatch) -> list[Scored]:
        """Translate and measure a batch; return the figures of every result."""
        return self.add(part.images)

    @abstractmethod
    def add(self, photos: Tensor) -> list[Scored]:
        """Translate and measure ``photos`` [N,3,S,S] in [−1,1]; return the figures of every result."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield the lines of the table under ``headers``."""

    def compare(self, photos: Tensor, made: Made, given: Seen | None = None, variant: str = "") -> Scored:
        """Measure what was ``made`` of ``photos``, and keep it for the table."""
        compared = self.bench.ruler.compare(photos, made.images, given)
        self._compared.append(compared)
        return Scored(compared, made.seconds, variant)

    @property
    def compared(self) -> Compared:
        """All that was compared."""
        return Compared.join(self._compared)

    @property
    def numbers(self) -> Numbers:
        """What else was kept of every picture, [N,K]."""
        return np.concatenate(self._numbers)


class Encode(Measure):
    """How close results are to their photos."""

    def add(self, photos: Tensor) -> list[Scored]:
        """Encode and decode ``photos``."""
        made = self.bench.translate(photos)
        self.firsts.add(photos, made.images)
        return [self.compare(photos, made)]

    def rows(self) -> Iterator[Row]:
        """Yield one line."""
        yield figures_row(self.compared.figures())


class Frontalize(Measure):
    """Whether faces look ahead and stay who they are, beside what "encode" makes of them."""

    headers = (
        *("pictures", "identity", "wrong", "yaw in", "out", "encode", "turned in", "out", "encode"),
        *("mirror LPIPS", "encode"),
    )

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        super().__init__(bench, firsts)
        self._encode = bench.load_encode()

    def add(self, photos: Tensor) -> list[Scored]:
        """Turn ``photos`` and their mirror images to the front."""
        mirrored, translate = photos.flip(-1), self.bench.translate
        made, turned = translate(photos), translate(mirrored)
        encoded = (self._encode(photos).images, self._encode(mirrored).images)
        self.firsts.add(photos, made.images)
        self._numbers.append(
            tasks.turns(photos, (made.images, turned.images), encoded, self.bench.ruler.lpips)
        )
        return [self.compare(photos, made)]

    def rows(self) -> Iterator[Row]:
        """Yield one line."""
        f = tasks.frontalized(self.compared, self.numbers)
        own = f.figures
        yield own.pictures, own.identity, own.wrong_pairs, *f.yaw, *f.turned_yaw, *f.mirror_lpips


class _Drawn(Measure):
    """Faces from drawings of photos."""

    def __init__(self, bench: Bench, firsts: Firsts, agreement: Callable[[Drawing, Drawing], float]) -> None:
        super().__init__(bench, firsts)
        self._drawings = Drawings(agreement)

    @abstractmethod
    def draw(self, picture: Image.Image) -> Drawing:
        """Return the drawing [S,S] of a picture as the agreement takes it."""

    def follow(self, given: Sequence[Drawing], photos: Tensor, inputs: Tensor, shown: Tensor) -> list[Scored]:
        """Make faces from ``inputs`` [N,C,S,S], which are the drawings ``given`` of ``photos``."""
        made = self.bench.translate(inputs)
        self.firsts.add(show_inputs(shown), made.images)
        out = [self.draw(picture) for picture in to_pictures(made.images)]
        self._drawings.add(given, out, photos, made.images)
        return [self.compare(photos, made)]

    def rows(self) -> Iterator[Row]:
        """Yield one line."""
        f = self._drawings.followed(self.compared, self.bench.ruler.lpips)
        own = f.figures
        drawn = (f.agreement, f.by_chance, f.variety, f.real_variety)
        yield own.pictures, *drawn, own.lpips, own.identity, own.wrong_pairs


class SketchToFace(_Drawn):
    """Whether faces follow the lines that they were made from."""

    headers = ("pictures", "line F1", "chance", "variety", "photos'", "LPIPS", "identity", "wrong")

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        super().__init__(bench, firsts, line_agreement)

    def draw(self, picture: Image.Image) -> Drawing:
        """Return where the sketch of a picture has lines, bool [S,S]."""
        return lines_of(photo_to_sketch(picture))

    def add(self, photos: Tensor) -> list[Scored]:
        """Sketch ``photos`` and make faces of the sketches."""
        sketches = [photo_to_sketch(picture) for picture in to_pictures(photos)]
        side = self.bench.translate.model.config.encoder.in_size
        inputs, shown = (
            torch.cat([sketch_to_tensor(s, n) for s in sketches]) for n in (side, photos.shape[-1])
        )
        return self.follow([lines_of(sketch) for sketch in sketches], photos, inputs, shown)


class SegmentationToFace(_Drawn):
    """Whether faces follow the maps that they were made from."""

    headers = ("pictures", "IoU", "chance", "variety", "photos'", "LPIPS", "identity", "wrong")

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        super().__init__(bench, firsts, map_agreement)

    def draw(self, picture: Image.Image) -> Drawing:
        """Return the map of a picture, uint8 [S,S]."""
        return map_face(picture)

    def add(self, photos: Tensor) -> list[Scored]:
        """Map ``photos`` and make faces of the maps."""
        maps = [self.draw(picture) for picture in to_pictures(photos)]
        side = self.bench.translate.model.config.encoder.in_size
        inputs, shown = (torch.cat([map_to_tensor(m, n) for m in maps]) for n in (side, photos.shape[-1]))
        return self.follow(maps, photos, inputs, shown)


class SuperResolution(Measure):
    """How close faces from few pixels are to the photos, beside bicubic enlargements."""

    headers = (
        *("factor", "pictures", "LPIPS", "bicubic", "MSE", "bicubic", "identity", "bicubic"),
        *("wrong", "bicubic"),
    )
    shown = 12

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        super().__init__(bench, firsts)
        self._pairs: dict[int, list[tuple[Compared, Compared]]] = {factor: [] for factor in tasks.FACTORS}

    def add(self, photos: Tensor) -> list[Scored]:
        """Shrink ``photos`` by each factor and restore them."""
        given, out, shown = self.bench.ruler.look(photos), [], []
        for factor in tasks.FACTORS:
            inputs = tasks.degraded(photos, factor)
            made = self.bench.translate(inputs, factor)
            shown += [inputs, made.images]
            out.append(self.compare(photos, made, given, f"1/{factor}"))
            plain = self.bench.ruler.compare(photos, tasks.enlarged(photos, factor), given)
            self._pairs[factor].append((out[-1].compared, plain))
        self.firsts.add(*shown, photos)
        return out

    def rows(self) -> Iterator[Row]:
        """Yield a line a factor."""
        for factor, pairs in self._pairs.items():
            own, plain = (Compared.join(part).figures() for part in zip(*pairs, strict=True))
            beside = [
                (getattr(own, n), getattr(plain, n)) for n in ("lpips", "mse", "identity", "wrong_pairs")
            ]
            yield f"1/{factor}", own.pictures, *(value for pair in beside for value in pair)


class Toonify(Measure):
    """Whether results are cartoons, and still the person."""

    headers = (
        *("pictures", "LPIPS", "identity", "wrong", "own nearest", "to cartoon", "encode"),
        *("toons", "encode"),
    )

    def __init__(self, bench: Bench, firsts: Firsts) -> None:
        super().__init__(bench, firsts)
        self._encode = bench.load_encode()

    def add(self, photos: Tensor) -> list[Scored]:
        """Make cartoons of ``photos``."""
        made, encoded = self.bench.translate(photos), self._encode(photos)
        self.firsts.add(photos, made.images)
        distances = tasks.toon_distances(photos, made.images, encoded.images, self.bench.ruler.lpips)
        self._numbers.append(distances)
        return [self.compare(photos, made)]

    def rows(self) -> Iterator[Row]:
        """Yield one line."""
        f = tasks.tooned(self.compared, self.numbers)
        own = f.figures
        yield (
            own.pictures,
            own.lpips,
            own.identity,
            own.wrong_pairs,
            _percent(own.nearest),
            *((f.to_cartoon, f.encode_to_cartoon, _percent(f.toons), _percent(f.encode_toons))),
        )


MEASURES: dict[str, type[Measure]] = {
    "encode": Encode,
    "frontalize": Frontalize,
    "sketch_to_face": SketchToFace,
    "segmentation_to_face": SegmentationToFace,
    "super_resolution": SuperResolution,
    "toonify": Toonify,
}
"""By task."""


def _percent(share: float) -> str:
    return f"{share:.0%}"

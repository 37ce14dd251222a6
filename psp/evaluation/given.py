"""Faces made of inputs that lie ready (drawings, maps of a model's own classes), beside their pictures."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from psp.checkpoints.model_input import ModelInput
from psp.errors import SettingsError
from psp.evaluation.measures import variety
from psp.evaluation.picture_batches import PictureBatch
from psp.evaluation.pictures import FIGURES, Bench, Measure, figures_row
from psp.evaluation.table import Row, Scored
from psp.maps.palette import FACE_CLASSES
from psp.models.encoders import AnyEncoderConfig
from psp.training.data.prepare import Preparation
from psp.training.galleries import Firsts, resized, show_inputs

_VARIED = 400  # pictures that variety is told from, the first: they have to be kept


def preparation(task: str, encoder: AnyEncoderConfig, takes: ModelInput, ready: bool) -> Preparation | None:
    """Return what reads inputs that lie ready; None: they are made of the pictures.

    Raises:
        SettingsError: None are ready, and none can be made: maps of other classes than faces have.
    """
    if ready:
        return Preparation(task, encoder.in_size, encoder.in_channels, classes=takes.classes)
    if takes.classes not in (None, FACE_CLASSES):
        raise SettingsError(
            f"The model takes {takes.words()}, which cannot be made of pictures.",
            "Give their maps with --inputs: a folder with the same names.",
        )
    return None


class Given(Measure):
    """How close faces are to the pictures of their inputs, and how they differ among themselves."""

    headers = (*FIGURES, "variety", "photos'")

    def __init__(self, bench: Bench, firsts: Firsts, prepare: Preparation) -> None:
        super().__init__(bench, firsts)
        self._prepare = prepare
        self._kept: list[tuple[Tensor, Tensor]] = []

    def measure(self, part: PictureBatch) -> list[Scored]:
        """Translate the inputs of a batch and compare what comes out with its pictures."""
        assert part.inputs is not None, "the inputs of each picture lie ready"
        made = self.bench.translate(part.inputs)
        side = part.images.shape[-1]
        self.firsts.add(
            resized(show_inputs(part.inputs, self._prepare.map_classes), side), made.images, part.images
        )
        left = max(0, _VARIED - sum(len(photos) for photos, _ in self._kept))
        self._kept.append((part.images[:left].half(), made.images[:left].half()))
        return [self.compare(part.images, made)]

    def add(self, photos: Tensor) -> list[Scored]:
        """Refuse pictures alone: nothing is made of them here."""
        raise NotImplementedError("inputs lie ready: use measure")

    def rows(self) -> Iterator[Row]:
        """Yield one line."""
        photos, made = (torch.cat(list(part)).float() for part in zip(*self._kept, strict=True))
        lpips = self.bench.ruler.lpips
        yield *figures_row(self.compared.figures()), variety(made, lpips), variety(photos, lpips)

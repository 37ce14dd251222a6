"""What each task's encoder sees of a training picture, made by the code that prepares a user's picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PictureError, TrainingError
from psp.maps.classes import MapClasses, numbered_classes
from psp.maps.palette import CLASSES, FACE_CLASSES, PHOTO_FOR_MAP, map_to_tensor, picture_to_map
from psp.pictures import images
from psp.pictures.index_maps import class_numbers
from psp.pictures.sketches import photo_to_sketch, sketch_to_tensor
from psp.tasks import MODEL_TASKS
from psp.training.config import DegradeConfig, TrainConfig
from psp.training.data.cartoon import cartoonize
from psp.training.data.degrade import degrade
from psp.training.data.maps import mirror_map
from psp.training.data.vary import Pixels, Rng

Floats = NDArray[np.float32]

_GREY, _COLOUR = 1, 3
_IGNORED = 255  # what annotation tools give to pixels that count for nothing


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes what the encoder sees and what the model should make of it.

    Attributes:
        task: Name of the task.
        size: Side of the encoder's input in pixels.
        channels: Channels of the encoder's input: 3 colour, 1 sketch, else classes of a map.
        factors: Super-resolution: how many times fewer pixels a side.
        factor_shares: How often each factor is drawn; empty: all alike.
        degrade: What happens to photos before the encoder sees them.
        classes: The classes of the maps; None: the 19 of faces, or as many numbers as there are channels.
    """

    task: str = "encode"
    size: int = 256
    channels: int = 3
    factors: tuple[int, ...] = (1,)
    factor_shares: tuple[float, ...] = ()
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    classes: MapClasses | None = None

    def __post_init__(self) -> None:
        if self.task not in MODEL_TASKS:
            raise TrainingError(f"There is no training for the task {self.task!r}.", "Use a preset's task.")
        if self.factor_shares and len(self.factor_shares) != len(self.factors):
            raise TrainingError(
                f"{len(self.factors)} resize factors have {len(self.factor_shares)} shares.",
                "Give a share for each, or none.",
            )

    @classmethod
    def of(cls, config: TrainConfig) -> Preparation:
        """Return how the pictures of a run are prepared."""
        return cls(
            config.prepared_as or config.task,
            config.model.encoder.in_size,
            config.model.encoder.in_channels,
            config.data.resize_factors,
            config.data.factor_shares,
            config.data.degrade,
            config.map_classes,
        )

    @property
    def needs_maps(self) -> bool:
        """Whether the pictures' maps must be made ahead: that takes too long in passing."""
        return self.task == "segmentation_to_face"

    @property
    def map_classes(self) -> MapClasses | None:
        """The classes of the maps that the encoder sees; None: it sees colour or sketches."""
        if self.classes is not None:
            return self.classes
        if not self.needs_maps and self.channels in (_GREY, _COLOUR):
            return None
        return FACE_CLASSES if self.channels == len(CLASSES) else numbered_classes(self.channels)

    def __call__(self, picture: Pixels, labels: Pixels | None, rng: Rng) -> tuple[Floats, Pixels]:
        """Return input [C,s,s] and target [S,S,3] of a picture [S,S,3], its map [S,S] where there is one."""
        if self.task == "sketch_to_face":
            return sketch_to_tensor(photo_to_sketch(Image.fromarray(picture)), self.size)[0].numpy(), picture
        if self.task == "segmentation_to_face":
            assert labels is not None, "maps are made ahead"
            return self._one_hot(labels), picture
        seen = degrade(picture, self.degrade, rng)
        if self.task == "frontalize":
            # Every second target is mirrored, so that turning to the front costs least (paper, section 4.2).
            mirrored = rng.random() < 0.5
            return self._colour(seen), np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture
        if self.task == "toonify":
            return self._colour(seen), cartoonize(picture)
        if self.task == "super_resolution":
            factor = int(rng.choice(self.factors, p=self.factor_shares or None))
            return self._colour(np.asarray(images.degrade(Image.fromarray(seen), factor))), picture
        return self._colour(seen), picture

    def given(self, name: str, picture: Image.Image, mirrored: bool) -> Floats:
        """Return the input [C,s,s] from a ``picture`` that was made ahead for the encoder, mirrored or not.

        Raises:
            TrainingError: It is no map of the encoder's classes; ``name`` says which.
        """
        classes = self.map_classes
        if classes is not None:
            labels = read_map(name, picture, classes)
            return self._one_hot(mirror_map(labels, classes) if mirrored else labels)
        if self.channels == _COLOUR:
            pixels = np.asarray(picture.convert("RGB"))
            return self._colour(np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels)
        turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture
        return sketch_to_tensor(turned.convert("L"), self.size)[0].numpy()

    def _colour(self, picture: Pixels) -> Floats:
        if picture.shape[0] != self.size:
            resized = Image.fromarray(picture).resize((self.size, self.size), Image.Resampling.LANCZOS)
            picture = np.asarray(resized)
        return (picture.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)

    def _one_hot(self, labels: Pixels) -> Floats:
        return map_to_tensor(labels, self.size, self.channels)[0].numpy()


def read_map(name: str, picture: Image.Image, classes: MapClasses) -> Pixels:
    """Return the map [H,W] in a ``picture`` that was made for training, read as a user's is.

    Raises:
        TrainingError: It has other classes, or cannot be read; ``name`` says which it is.
    """
    grey = picture.mode in ("L", "F") or picture.mode.startswith("I")
    if grey and class_numbers(picture, len(classes)) is None:
        values = np.asarray(picture)
        raise TrainingError(
            f"{name} has the class {values[values != _IGNORED].max():g}, but the encoder takes "
            f"{len(classes)} classes, 0 to {len(classes) - 1}.",
            "Give maps whose grey values are the classes, and their number with --label-nc.",
        )
    try:
        labels, warnings = picture_to_map(picture, classes)
    except PictureError as error:
        raise TrainingError(f"{name}: {error.problem}", error.next_step) from error
    if warnings and (classes != FACE_CLASSES or warnings[0].startswith(PHOTO_FOR_MAP)):
        raise TrainingError(
            f"{name}: {warnings[0]}",
            "Give maps whose grey values are the classes, or in the colours of the classes "
            f"({classes.listed()}).",
        )
    return labels

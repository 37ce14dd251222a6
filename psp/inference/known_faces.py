"""Faces whose codes are known, for what follows somebody's sliders: encoding takes longest, and is done once.

Whoever asks keeps what is known, and hands it in again with the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image

from psp.codes.details import Details
from psp.codes.latents import Codes
from psp.inference.inputs import Prepared
from psp.inference.job import Job
from psp.inference.network import Network, Step, Work

PREVIEW_SIZE = 256
"""Side in pixels of a preview: a size that the preview heads have."""

# Side in pixels of the picture that the network makes of a face that is only encoded; nobody sees it.
_UNSEEN = 128


@dataclass(frozen=True)
class FaceIn:
    """A face in a picture.

    Attributes:
        path: The picture's file, which never changes.
        align: Whether to find and crop the face.
        face: Which one; 0 is the largest.
    """

    path: str
    align: bool = True
    face: int = 0


@dataclass(frozen=True, eq=False)
class KnownFace:
    """What is known of a face.

    Attributes:
        codes: [1,n,dim].
        details: What codes cannot say of it, where that was asked for.
    """

    codes: Codes
    details: Details | None = None


Known: TypeAlias = Mapping[tuple[FaceIn, str], KnownFace]
"""By face and hash of the model."""

Prepare: TypeAlias = Callable[[Image.Image, bool, int, int], Prepared]
"""Prepares a picture for an encoder: the picture, whether to align, which face, the encoder's size."""


@dataclass(frozen=True)
class Encoding:
    """How faces that are not known yet are encoded.

    Attributes:
        job: The request, its model loaded.
        network: Runs the model.
        read: Opens a picture.
        step: Told what happens; may raise to stop the work.
        exact: Whether what codes cannot say is wanted too.
    """

    job: Job
    network: Network
    read: Callable[[str], Image.Image]
    step: Step | None = None
    exact: bool = False

    def encode(self, face: FaceIn, known: Known, prepare: Prepare) -> tuple[Known, KnownFace]:
        """Return what is known with ``face`` as the latest, and what is known of it.

        Raises:
            PspError: The picture cannot be used, or has no such face.
        """
        job, key = self.job, (face, self.job.loaded.sha256)
        found = known.get(key)
        if found is None or (self.exact and found.details is None):
            job.tell("Looking for the face")
            prepared = prepare(self.read(face.path), face.align, face.face, job.loaded.in_size)
            job.tell("Reading the face")
            size = min(PREVIEW_SIZE if self.exact else _UNSEEN, job.loaded.psp.config.generator.size)
            work = Work(
                job.model, job.task, prepared.inputs, size=size, likeness="exact" if self.exact else "quick"
            )
            made = self.network.run(work, self.step, job.loaded)
            found = KnownFace(made.codes, made.details)
        return {**{each: kept for each, kept in known.items() if each != key}, key: found}, found

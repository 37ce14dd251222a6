"""The new face in each frame: codes found and steadied over time, pictures made of them and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.codes.latents import Codes
from psp.faces.alignment import crop_quad
from psp.faces.steady import steadied
from psp.inference.inputs import CROP_SIZE
from psp.inference.job import Job
from psp.inference.network import Floats, Network, Work
from psp.inference.paste import Mask, paste_back
from psp.inference.video.asked import Asked
from psp.inference.video.cost import ENCODED
from psp.inference.video.places import Places
from psp.pictures.images import to_pictures, to_tensor
from psp.pictures.video.frames import frames_in
from psp.pictures.video.source import Video

if TYPE_CHECKING:
    import torch

SIGMA_SHAPE, SIGMA_COLOUR = 0.08, 0.3
"""Seconds: how far the neighbours of a moment count for its codes: those of pose and features, which move as
somebody speaks or blinks, and those of colours (64 px and up), which stay. By a line through them."""

# Frames that go to the network at once: one by one on a device of this process, so that Stop is heard; a GPU
# that is lent is asked for seconds, and takes a while to come.
_AT_ONCE, _LENT = 1, 24
# Side in pixels of pictures: what a face in a video has, mostly; larger only for those that have more.
_SMALL = 512
_UNSEEN = 128  # of a picture that is made beside codes; nobody sees it
_COLOURS = 64  # pixels: the layers that act there and above say colours


Frames = Callable[[int], None]
"""Told of a frame, by its number from 0; may raise to stop the work."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """How the face of one video is made anew.

    Attributes:
        network: Runs the model.
        job: The request, its model loaded.
        video: The video.
        places: Where the face is.
        asked: What is made of it.
        shift: What is added to the codes, [n,dim]; None: nothing.
    """

    network: Network
    job: Job
    video: Video
    places: Places
    asked: Asked
    shift: Codes | None = None

    @property
    def at_once(self) -> int:
        """How many frames go to the network together."""
        return _LENT if self.network.lent else _AT_ONCE

    def encoded(self) -> NDArray[np.int64]:
        """Return which frames are encoded: of those with a face evenly some, in each shot."""
        every = max(1, round(float(self.video.rate) / ENCODED))
        chosen: set[int] = set()
        for shot in np.unique(self.places.shots):
            shown = np.flatnonzero((self.places.shots == shot) & (self.places.shares > 0))
            chosen |= {*shown[::every].tolist(), *shown[-1:].tolist()}
        return np.array(sorted(chosen), dtype=np.int64)

    def read(self, step: Frames) -> Floats:
        """Return the codes of all frames, [f,n,dim], steadied over time; of those without a face they are 0.

        Args:
            step: Told of each frame before it is read; may raise to stop the work.
        """
        chosen = self.encoded()
        wanted, waiting, found = set(chosen.tolist()), [], []
        for index, frame in enumerate(frames_in(self.video)):
            if index not in wanted:
                continue
            step(index)
            waiting.append(self._input(frame, index))
            if len(waiting) == self.at_once or index == chosen[-1]:
                inputs = np.concatenate(waiting)
                size = min(_UNSEEN, self._largest)
                work = Work(self.job.model, self.job.model_task, inputs, strength=self.asked.strength)
                found.append(self.network.run(replace(work, size=size), None, self.job.loaded).codes)
                waiting = []
            if index == chosen[-1]:
                break
        return self._steadied(chosen, np.concatenate(found))

    def pictures(self, codes: Floats, step: Frames) -> Iterator[Image.Image]:
        """Yield all frames of the video with the new face in them.

        Args:
            codes: Of all frames, [f,n,dim].
            step: Told of each frame before it is drawn; may raise to stop the work.
        """
        waiting: list[tuple[int, Image.Image]] = []
        for index, frame in enumerate(frames_in(self.video)):
            if index == len(codes):
                break
            step(index)
            waiting.append((index, frame))
            if len(waiting) == self.at_once:
                yield from self._drawn(waiting, codes)
                waiting = []
        yield from self._drawn(waiting, codes)

    def _drawn(self, frames: list[tuple[int, Image.Image]], codes: Floats) -> Iterator[Image.Image]:
        """Yield some frames with the new face in those that show one."""
        shown = [(index, frame) for index, frame in frames if self.places.shares[index] > 0]
        faces = self._faces(shown, codes) if shown else []
        made = {index: face for (index, _), face in zip(shown, faces, strict=True)}
        for index, frame in frames:
            yield self._pasted(frame, made[index], index) if index in made else frame

    def _faces(self, frames: list[tuple[int, Image.Image]], codes: Floats) -> list[Image.Image]:
        """Return the new faces of some frames."""
        work = Work(
            self.job.model, self.job.model_task, strength=self.asked.strength, shift=self.shift,
            size=self._size,
        )  # fmt: skip
        if not self.asked.exact:
            works = [replace(work, codes=codes[[index for index, _ in frames]])]
        else:
            works = [
                replace(
                    work, inputs=self._input(frame, index), codes=codes[index : index + 1], likeness="exact"
                )
                for index, frame in frames
            ]
        made = self.network.run_all(works, self.job.loaded)
        return to_pictures(_tensor(np.concatenate([each.images for each in made])))

    def _pasted(self, frame: Image.Image, face: Image.Image, index: int) -> Image.Image:
        """Return a frame with its new face."""
        share, quad = float(self.places.shares[index]), self.places.quads[index]
        # Exact colours are those of the frame, and all of the crop fits; but around an edited face the
        # details of what was there fade, which shows.
        mask: Mask = "crop" if self.asked.beyond_face else "face"
        made = paste_back(frame, face, quad, mask=mask, match=not self.asked.exact)
        return made if share == 1 else Image.blend(frame, made, share)

    def _input(self, frame: Image.Image, index: int) -> Floats:
        """Return what the encoder takes of a frame, [1,3,S,S]."""
        crop = crop_quad(frame, self.places.quads[index], CROP_SIZE)
        inputs: Floats = to_tensor(crop, self.job.loaded.in_size).numpy()
        return inputs

    def _steadied(self, chosen: NDArray[np.int64], codes: Floats) -> Floats:
        """Return codes at all frames from those of some; nothing is averaged over a cut."""
        places, layers = self.places, self.job.loaded.resolutions
        made = np.zeros((len(places.times), *codes.shape[1:]), dtype=np.float32)
        for shot in np.unique(places.shots[chosen]):
            there, of_shot = np.flatnonzero(places.shots == shot), places.shots[chosen] == shot
            known, at = places.times[chosen[of_shot]], places.times[there]
            for low, sigma in ((True, SIGMA_SHAPE), (False, SIGMA_COLOUR)):
                some = np.array([(size < _COLOURS) == low for size in layers])
                values = codes[of_shot][:, some].astype(np.float64)
                made[np.ix_(there, np.flatnonzero(some))] = steadied(known, values, at, sigma, 1)
        return made

    @property
    def _largest(self) -> int:
        return int(self.job.loaded.psp.config.generator.size)

    @property
    def _size(self) -> int | None:
        """Side of the pictures in pixels; None: the model's."""
        return _SMALL if self.places.side <= _SMALL * 1.2 and self._largest > _SMALL else None


def _tensor(images: Floats) -> torch.Tensor:
    import torch  # noqa: PLC0415  (torch comes after the page)

    return torch.from_numpy(images)

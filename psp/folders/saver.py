"""The files of a folder's results: the picture, what the model saw beside it, the codes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from psp.codes.latents import codes_to_bytes
from psp.codes.recipe import Recipe, picture_to_png
from psp.errors import PspError
from psp.files.saving import made_by, require_own
from psp.folders.files import made_already, write_file
from psp.folders.plan import Inference
from psp.inference.errands import Made
from psp.pictures.images import to_pictures
from psp.tasks import TASKS

COUPLES, LATENTS = "couples", "latents"
"""Folders below that of the results."""


class Saver:
    """Writes the files of a result; safe to call from several threads.

    Args:
        out: Folder of the results.
        inference: Which files.
        recipe: What reproduces a result.
    """

    def __init__(self, out: Path, inference: Inference, recipe: Recipe) -> None:
        self.inference = inference
        self._out = out
        self._recipe = recipe
        self._own = made_by(TASKS)

    def refused(self, target: Path) -> PspError | None:
        """Return why a result cannot be written: a file of another's is in its place; None: it can."""
        try:
            for place in (self._out / target, self._couple(target), self._latents(target)):
                if place is not None:
                    require_own(place, self._own)
        except PspError as error:
            return error
        return None

    def has(self, target: Path) -> bool:
        """Whether all files of a result are there."""
        more = [place for place in (self._couple(target), self._latents(target)) if place is not None]
        return made_already(self._out / target, self._recipe) and all(place.is_file() for place in more)

    def save(self, target: Path, made: Made, seen: Image.Image) -> None:
        """Write the files of one result.

        Args:
            target: The picture, below the folder of results.
            made: One picture, its codes and what is beside them.
            seen: What the model saw.
        """
        import torch  # noqa: PLC0415  (torch comes after the page)

        (picture,) = to_pictures(torch.from_numpy(made.images))
        couple, latents = self._couple(target), self._latents(target)
        if couple is not None:
            beside = _couple(seen, picture, TASKS[self.inference.task].kind == "mask")
            write_file(couple, picture_to_png(beside, self._recipe), self._own)
        if latents is not None:
            write_file(latents, codes_to_bytes(made.codes[0], self._recipe, details=made.details), self._own)
        # Last: where it is, the others are.
        write_file(self._out / target, picture_to_png(picture, self._recipe), self._own)

    def _couple(self, target: Path) -> Path | None:
        return self._out / COUPLES / target if self.inference.couples else None

    def _latents(self, target: Path) -> Path | None:
        return self._out / LATENTS / target.with_suffix(".safetensors") if self.inference.latents else None


def _couple(seen: Image.Image, made: Image.Image, is_map: bool) -> Image.Image:
    """Return what the model saw and the result side by side, both of the result's size."""
    way = Image.Resampling.NEAREST if is_map else Image.Resampling.BICUBIC
    both = Image.new("RGB", (2 * made.width, made.height))
    both.paste(seen.resize(made.size, way), (0, 0))
    both.paste(made, (made.width, 0))
    return both

"""One request on its way: its model, its clock, and the result with all that is said about it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from psp.codes.details import Details
from psp.codes.latents import Codes, CodesFile
from psp.codes.recipe import Recipe
from psp.codes.variants import Variation
from psp.errors import InputError
from psp.faces.alignment import NO_FACE, Alignment
from psp.faces.suitability import photo_warnings
from psp.inference.errands import Made
from psp.inference.inputs import Prepared
from psp.inference.network import Loaded, Network, Step, Work
from psp.inference.result import Result
from psp.parameters import Setting
from psp.pictures.images import to_pictures

if TYPE_CHECKING:
    from PIL import Image

_STOPPED = "Stopped after {steps} of {of} steps: this is the closest by then."
_ONE_AT_A_TIME = "What codes cannot say of the photo goes into one mixture at a time: ask for one variant."
_CODES_ALONE = "This model knows no exact likeness: the details of the photo were left out."


class Clock:
    """Seconds spent in each part of a request."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Book the time since the last lap under ``name``."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 4)
        self._last = now


class Job:
    """A request that uses a model.

    Args:
        task: Name of the task, for the recipe.
        network: Loads and runs models.
        model: A family's name, a path, or "auto".
        step: Told what happens; may raise to stop the work.
        model_task: The task whose model is used, where it is another one.
        encodes: Whether a picture is encoded, so that the model must take what the task gives.

    Raises:
        CheckpointError: The model cannot be found or loaded, or takes something else; says which task fits.
    """

    def __init__(
        self,
        task: str,
        network: Network,
        model: str,
        step: Step | None,
        model_task: str | None = None,
        *,
        encodes: bool = True,
    ) -> None:
        self.task = task
        self.model = model
        self.model_task = model_task or task
        self.clock = Clock()
        self._network = network
        self._step = step
        # The model first: a wrong name is told before a search for a face, which may take long.
        self.loaded: Loaded = network.load(model, self.model_task, step)
        if encodes:
            self.loaded.takes.require(task, self.loaded.name)
        self.clock.lap("load_model")

    def tell(self, words: str) -> None:
        """Tell what happens now, and give the caller a chance to stop."""
        if self._step:
            self._step(words, None)

    def check_codes(self, codes: Codes, made_by: str = "") -> Codes:
        """Return codes [n,dim] or [v,n,dim] as [v,n,dim]; ``made_by`` is the model that the file names.

        Raises:
            InputError: They do not fit the model.
        """
        needed = (self.loaded.n_codes, self.loaded.code_dim)
        if codes.shape[-2:] != needed:
            step = "Choose the model that they were made with."
            if made_by and not self._network.knows(made_by):
                step = f"This studio does not have {made_by[:80]!r}, which made them: encode the photo anew."
            raise InputError(
                f"These codes have {codes.shape[-2]} layers of {codes.shape[-1]}; the model "
                f"{self.loaded.name} takes {needed[0]} of {needed[1]}.",
                step,
            )
        codes = np.asarray(codes, dtype=np.float32)
        return codes if codes.ndim == 3 else codes[None]

    def details_to_mix(self, file: CodesFile, variants: int) -> tuple[Details | None, tuple[str, ...]]:
        """Return the details in a file of codes as far as a mixture can have them, and what is to be told."""
        from psp.inference import likeness  # noqa: PLC0415  (torch comes after the page)

        if file.details is None:
            return None, ()
        if not likeness.is_known(self.loaded.psp):
            return None, (_CODES_ALONE,)
        return (file.details, ()) if variants == 1 else (None, (_ONE_AT_A_TIME,))

    def run(
        self,
        prepared: Prepared,
        recipe: Recipe,
        variation: Variation | None = None,
        style: Prepared | None = None,
        strength: float = 1.0,
        *,
        likeness: str = "quick",
        details: Details | None = None,
        shift: Codes | None = None,
        refines: bool = False,
    ) -> Result:
        """Run the network and tell the story.

        Args:
            prepared: The input.
            recipe: What reproduces the result.
            variation: How it is mixed; None: not at all.
            style: The second picture of a mixture.
            strength: For toonify, 0 to 1.
            likeness: Of a photo: "quick", "close" or "exact".
            details: What they cannot say, where that is known; a mixture keeps of it what still fits.
            shift: What is added to the codes.
            refines: Whether it is told how much closer they came to the photo.
        """
        self.tell("Drawing the face")
        work = Work(self.model, self.model_task, prepared.inputs, prepared.codes, strength=strength)
        work = replace(work, detail=prepared.detail, likeness=likeness, details=details, shift=shift)
        work = replace(work, refines=refines)
        if variation is not None:
            work = replace(work, z=variation.z, layers=variation.layers, alphas=variation.alphas)
            if details is not None and prepared.codes is not None:
                work = replace(work, details=None, anchors=((prepared.codes, details),))
        if style is not None:
            work = replace(work, style_inputs=style.inputs)
        made = self._network.run(work, self._step, self.loaded)
        self.clock.lap("network")
        return self.tell_of(made, prepared, recipe, style)

    def tell_of(
        self, work: Made, prepared: Prepared, recipe: Recipe, style: Prepared | None = None
    ) -> Result:
        """Return a result of what the network made, with all that is said about it.

        Args:
            work: What it made.
            prepared: The input.
            recipe: What reproduces the result.
            style: The second picture.
        """
        codes, images, kept, moved = work
        made = tuple(to_pictures(images))
        quality, warnings = None, [*prepared.warnings, *(style.warnings if style else ())]
        gained: dict[str, Any] = {}
        place = prepared.place
        if prepared.given is not None:
            quality = _compare(prepared.given, made[0])
        if prepared.given is not None and moved is not None:
            before = _compare(prepared.given, to_pictures(moved.start)[0])
            gained["refined"] = {"before": before, "after": quality, "steps": moved.steps, "of": moved.of}
        if place is not None and place.face != NO_FACE:
            warnings += photo_warnings(place.crop, place.side, place.sure, task=self.task)
        if moved is not None and moved.steps < moved.of:
            recipe = replace(recipe, settings={**recipe.settings, "steps": moved.steps})
            warnings.append(_STOPPED.format(steps=moved.steps, of=moved.of))
        self.clock.lap("quality")
        told = {
            "recipe": recipe.to_dict(),
            "model": self.loaded.name,
            "passes": self.loaded.passes,
            "size": made[0].width,
            "device": self._network.device,
            "alignment": None if place is None else describe(place),
            "quality": quality,
            **gained,
            "timings": self.clock.seconds,
            "warnings": warnings,
        }
        return Result(made, codes[0] if len(codes) == 1 else codes, recipe, told, prepared.seen, kept=kept)

    def recipe(self, settings: dict[str, Setting]) -> Recipe:
        """Return the recipe of this request."""
        return Recipe(self.task, self.loaded.name, self.loaded.sha256, settings, self._network.made_with)


def picture_result(
    task: str, picture: Image.Image, place: Alignment, settings: dict[str, Setting], clock: Clock
) -> Result:
    """Return the result of a task that makes a picture from a photo without a model."""
    recipe = Recipe(task, "", "", settings)
    details = {
        "recipe": recipe.to_dict(),
        "model": None,
        "passes": None,
        "size": picture.width,
        "device": "cpu",
        "alignment": describe(place),
        "quality": None,
        "timings": clock.seconds,
        "warnings": [] if place.face == NO_FACE else list(photo_warnings(place.crop, place.side, place.sure)),
    }
    return Result((picture,), None, recipe, details, place.crop)


def describe(place: Alignment) -> dict[str, Any]:
    """Return an alignment as plain data; ``faces`` and ``face`` are None where no face was looked for.

    ``side`` is the crop's side in pixels of the photo: how much there really was to see.
    """
    looked = place.face != NO_FACE
    return {
        "faces": place.faces if looked else None,
        "face": int(place.face) if looked else None,
        "quad": np.round(place.quad, 2).tolist(),
        "side": round(place.side, 1),
    }


def _compare(given: Image.Image, made: Image.Image) -> dict[str, float]:
    from psp.inference.quality import compare  # noqa: PLC0415  (torch comes after the page)

    return compare(given, made).to_dict()

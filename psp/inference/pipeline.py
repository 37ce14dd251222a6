"""Pictures in, results out: the tasks of the studio without its page. Knows no Gradio and no tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from psp.codes.details import Details
from psp.codes.latents import CodesFile
from psp.codes.variants import Variation, plan_even_steps, plan_random_styles
from psp.config import Settings
from psp.inference.approach import Start, check_refining, refine
from psp.inference.calls import task_calls
from psp.inference.clip_tasks import ClipTasks
from psp.inference.decoding import decode
from psp.inference.editing import edit
from psp.inference.face_parser import FaceParser
from psp.inference.inputs import (
    Prepared,
    prepare_map,
    prepare_photo,
    prepare_sketch,
    prepare_small_photo,
    prepare_style,
)
from psp.inference.job import Job
from psp.inference.network import Accelerate, Step
from psp.inference.photos import Photo
from psp.inference.result import Result
from psp.inference.tracing import crop_face, trace_map, trace_sketch
from psp.parameters import Setting
from psp.ranges import check_number, check_word

__all__ = ["PspPipeline", "Result"]


@task_calls
class PspPipeline(ClipTasks):
    """The tasks of the studio as methods; safe to call from several threads.

    Every task takes ``model``: a family's name, a path, a repository on the Hub, or "auto" for the default;
    and ``step``: told what happens now, in words, and how much of it is done; it may raise to stop the work.
    Tasks on photos take ``align``, whether to find the face and crop it as FFHQ does (else the picture is
    taken as it is, its centred square where it is not square), and ``face``, which one; 0 is the largest.
    They raise

    * ``PictureError``: the picture cannot be used,
    * ``FaceNotFoundError``, ``FaceIndexError``: no face was found, or fewer than ``face`` asks for,
    * ``InputError``: a setting cannot be used,
    * ``CheckpointError``: the model cannot be found or loaded, or takes something else.

    Args:
        settings: Where models are found and where they run; from the environment by default.
        accelerate: Wraps the function that runs the network (``psp.zerogpu.on_gpu`` on a Space).
    """

    def __init__(self, settings: Settings | None = None, accelerate: Accelerate | None = None) -> None:
        super().__init__(settings, accelerate)
        self.parser = FaceParser(self.settings)

    def load(self, model: str = "auto", task: str = "encode", step: Step | None = None) -> None:
        """Load a model now rather than with the first request that needs it; raises ``CheckpointError``."""
        self.network.load(model, task, step)

    def encode(
        self,
        photo: Photo,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        likeness: str = "quick",
        step: Step | None = None,
    ) -> Result:
        """Encode the face in ``photo`` and decode it again.

        Args:
            photo: The photo.
            model: See the class.
            align: See the class.
            face: See the class.
            likeness: "quick": as the encoder answers; "close": codes moved towards the photo in forty steps
                (``psp.inference.refine``); "exact": also what codes cannot say, hats, curls and what is
                behind (``psp.models.residual``), where the generator is that of mobile-1024.
            step: See the class.
        """
        likeness = check_word("likeness", likeness)
        own: dict[str, Setting] = {"likeness": likeness}
        close = likeness == "close"
        return self._translate_photo(
            "encode", photo, model, align, face, step, own, likeness=likeness, refines=close
        )

    def refine(
        self,
        photo: Photo,
        latents: Start | None = None,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        likeness: str = "close",
        step: Step | None = None,
    ) -> Result:
        """Bring codes closer to the face in ``photo``; ``details["refined"]`` tells what that gained.

        Args:
            photo: The photo.
            latents: Codes to start from, the first of several; None: the encoder's answer, so that the result
                is that of ``encode``, byte for byte.
            model: See the class; with ``latents``, "auto" takes the one that their file names.
            align: See the class.
            face: See the class.
            likeness: "close": the codes are moved; "exact": they stay, and what they cannot say of the photo
                is added. Both as for ``encode``.
            step: See the class. If it raises ``EnoughError`` while codes are moved, the closest by then are
                handed out, with a warning; so they are by ``encode``.
        """
        likeness = check_refining(likeness)
        if latents is not None:
            return refine(self.network, self._seen(photo), latents, model, align, face, likeness, step)
        own: dict[str, Setting] = {"likeness": likeness}
        return self._translate_photo(
            "encode", photo, model, align, face, step, own, likeness=likeness, refines=True
        )

    def edit(
        self,
        photo: Photo | CodesFile,
        directions: bytes | Path | str | None = None,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        edits: str = "",
        likeness: str = "quick",
        step: Step | None = None,
    ) -> Result:
        """Change things about a face by moving its codes along directions.

        Args:
            photo: The photo, or codes to start from (``psp.codes.latents.codes_from_bytes``), the first of
                several.
            directions: A file of further directions (``psp.codes.directions``).
            model: See the class.
            align: See the class.
            face: See the class.
            edits: Which, and how much: "smile:0.5,age:-1". From -1 to 1 was measured to leave the person who
                they are. The names that a model has: ``psp.inference.directions.directions_of``.
            likeness: As for ``encode``; "exact" fades where the picture changes.
            step: See the class.
        """
        seen = photo if isinstance(photo, CodesFile) else self._seen(photo)
        return edit(self.network, seen, directions, model, align, face, edits, likeness, step)

    def frontalize(
        self, photo: Photo, model: str = "auto", align: bool = True, face: int = 0, step: Step | None = None
    ) -> Result:
        """Turn the face in ``photo`` to the front."""
        return self._translate_photo("frontalize", photo, model, align, face, step)

    def toonify(
        self,
        photo: Photo,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        strength: float = 1.0,
        step: Step | None = None,
    ) -> Result:
        """Turn the face in ``photo`` into an illustration.

        Args:
            photo: The photo.
            model: See the class.
            align: See the class.
            face: See the class.
            strength: From 0, the face as "encode" makes it, to 1, fully drawn; between, both are blended.
            step: See the class.
        """
        strength = float(check_number("strength", strength))
        return self._translate_photo(
            "toonify", photo, model, align, face, step, {"strength": strength}, strength=strength
        )

    def super_resolution(
        self,
        photo: Photo,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        factor: int = 0,
        variants: int = 1,
        seed: int = 0,
        step: Step | None = None,
    ) -> Result:
        """Make a larger, sharp face from a small or blurred one.

        A picture of at most 128 px in which no face can be found is taken as it is, with a warning.

        Args:
            photo: The photo.
            model: See the class.
            align: See the class.
            face: See the class.
            factor: 0 takes the picture as it is; 4, 8, 16 or 32 shrinks the face first, to demonstrate.
            variants: How many plausible faces; the first is the likeliest, the others have random detail.
            seed: Of the random detail; negative: chosen by chance, and told in the recipe.
            step: See the class.
        """
        factor = int(check_number("factor", factor))
        job = Job("super_resolution", self.network, model, step)
        variation = plan_random_styles(
            variants, seed, "features", 0.5, job.loaded.resolutions, job.loaded.code_dim, plain_first=True
        )
        job.tell("Looking for the face")
        prepared = prepare_small_photo(self._seen(photo), align, face, factor, job.loaded.in_size)
        job.clock.lap("align")
        told = {name: value for name, value in variation.settings().items() if name in ("variants", "seed")}
        recipe = job.recipe({"align": align, "face": face, "factor": factor, **told})
        return job.run(prepared, recipe, variation)

    def sketch_to_face(
        self,
        sketch: Photo,
        model: str = "auto",
        variants: int = 1,
        seed: int = 0,
        layers: str = "auto",
        alpha: float = 1.0,
        step: Step | None = None,
    ) -> Result:
        """Make faces that follow a drawing.

        Args:
            sketch: Any drawing of a face: dark or coloured lines on paper, thin or thick; it is brought to
                the style that the model knows.
            model: See the class.
            variants: How many faces, with random styles of the seeds ``seed``, ``seed + 1``, …
            seed: Negative: chosen by chance, and told in the recipe.
            layers: Which layers take the random style; see ``psp.codes.latents.parse_layers``.
            alpha: Share of the random style in these layers, 0 to 1.
            step: See the class.
        """
        job = Job("sketch_to_face", self.network, model, step)
        variation = _random_styles(job, variants, seed, layers, alpha)
        prepared = prepare_sketch(self._drawing(sketch), job.loaded.in_size)
        job.clock.lap("read")
        return _finish(job, prepared, variation)

    def segmentation_to_face(
        self,
        mask: Photo,
        model: str = "auto",
        variants: int = 1,
        seed: int = 0,
        layers: str = "auto",
        alpha: float = 1.0,
        step: Step | None = None,
    ) -> Result:
        """Make faces that follow a segmentation map.

        Args:
            mask: A square map of the model's classes (``network.map_classes``), in their colours or numbers.
            model: See the class.
            variants: As for ``sketch_to_face``.
            seed: As for ``sketch_to_face``.
            layers: As for ``sketch_to_face``.
            alpha: As for ``sketch_to_face``.
            step: See the class.
        """
        job = Job("segmentation_to_face", self.network, model, step)
        variation = _random_styles(job, variants, seed, layers, alpha)
        prepared = prepare_map(self.read(mask, flat=False), job.loaded.in_size, job.loaded.classes)
        job.clock.lap("read")
        return _finish(job, prepared, variation)

    def style_mix(
        self,
        photo: Photo | CodesFile,
        style: Photo | None = None,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        layers: str = "auto",
        alpha: float = 1.0,
        variants: int = 1,
        seed: int = 0,
        step: Step | None = None,
    ) -> Result:
        """Blend the codes of a face with those of another picture, or with random styles.

        Args:
            photo: The photo, or codes to start from (``psp.codes.latents.codes_from_bytes``), the first of
                several. Of details beside them (``likeness="exact"``), a single mixture keeps what still fits
                it; near the other face, what codes cannot say of that.
            style: A picture with another face, its largest; None for random styles.
            model: See the class.
            align: Whether to find and crop the faces of both pictures.
            face: Which face of ``photo``.
            layers: Which layers are blended; see ``psp.codes.latents.parse_layers``.
            alpha: Share of the style in these layers, 0 to 1.
            variants: With a style picture, so many even steps up to ``alpha``; without, so many random
                styles, of the seeds ``seed``, ``seed + 1``, …
            seed: Negative: chosen by chance, and told in the recipe.
            step: See the class.
        """
        encodes = style is not None or not isinstance(photo, CodesFile)
        job = Job("style_mix", self.network, model, step, encodes=encodes)
        size, kind = job.loaded.in_size, "random" if style is None else "picture"
        if style is None:
            variation, other = _random_styles(job, variants, seed, layers, alpha), None
        else:
            variation = plan_even_steps(variants, layers, alpha, job.loaded.resolutions)
            other = prepare_style(self._seen(style), align, size)
        if isinstance(photo, CodesFile):
            details, warnings = job.details_to_mix(photo, len(variation.alphas))
            prepared = Prepared(codes=job.check_codes(photo.codes)[:1], warnings=warnings)
            return _finish(job, prepared, variation, {"style": kind}, other, details)
        job.tell("Looking for the face")
        prepared = prepare_photo(self._seen(photo), align, face, size)
        job.clock.lap("align")
        return _finish(job, prepared, variation, {"align": align, "face": face, "style": kind}, other)

    def decode(
        self,
        latents: bytes | Path | str | CodesFile,
        model: str = "auto",
        step: Step | None = None,
        variant: int | None = None,
    ) -> Result:
        """Decode a file of codes, every variant in it, exactly as when it was made.

        Args:
            latents: The ``.safetensors`` file, as a path or its bytes, or what ``codes_from_bytes`` read.
            model: The model; "auto" takes the one that the file names, else the default.
            step: See the class.
            variant: The only one to decode, from 0; None: all.

        Raises:
            InputError: The file cannot be used, has no such variant, or its codes do not fit the model.
        """
        return decode(self.network, latents, model, step, variant)

    def align(self, photo: Photo, face: int = 0) -> Result:
        """Find face number ``face`` in ``photo`` and return its FFHQ crop of 256 px."""
        return crop_face(self._seen(photo), face)

    def photo_to_sketch(self, photo: Photo, align: bool = True, face: int = 0) -> Result:
        """Draw the face in ``photo`` in the style that the sketch model knows."""
        return trace_sketch(self._seen(photo), align, face)

    def photo_to_mask(self, photo: Photo, align: bool = True, face: int = 0) -> Result:
        """Map the face in ``photo`` by the 19 classes; the picture has the colours of ``psp.maps.palette``.

        The recipe says who did it: "compact", the network that comes along, or "segformer" where that is
        installed, or "landmarks" where the settings ask for it (``psp.inference.face_parser``).
        """
        return trace_map(self._seen(photo), self.parser, align, face)

    def _translate_photo(
        self,
        task: str,
        photo: Photo,
        model: str,
        aligned: bool,
        face: int,
        step: Step | None,
        own: Mapping[str, Setting] | None = None,
        *,
        strength: float = 1.0,
        likeness: str = "quick",
        refines: bool = False,
    ) -> Result:
        """Run a task on a photo that gives one picture."""
        job = Job(task, self.network, model, step)
        job.tell("Looking for the face")
        prepared = prepare_photo(self._seen(photo), aligned, face, job.loaded.in_size)
        job.clock.lap("align")
        recipe = job.recipe({"align": aligned, "face": face, **(own or {})})
        return job.run(prepared, recipe, strength=strength, likeness=likeness, refines=refines)


def _random_styles(job: Job, variants: int, seed: int, layers: str, alpha: float) -> Variation:
    return plan_random_styles(variants, seed, layers, alpha, job.loaded.resolutions, job.loaded.code_dim)


def _finish(
    job: Job,
    prepared: Prepared,
    variation: Variation,
    settings: dict[str, Setting] | None = None,
    style: Prepared | None = None,
    details: Details | None = None,
) -> Result:
    """Run a job with mixing."""
    recipe = job.recipe({**(settings or {}), **variation.settings()})
    return job.run(prepared, recipe, variation, style, details=details)

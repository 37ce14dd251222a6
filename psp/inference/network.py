"""What runs on the accelerator: loaded models, and jobs as plain arrays. No pictures, no page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from psp.checkpoints.model_input import model_input
from psp.codes.made_with import MadeWith
from psp.config import Settings
from psp.errors import CheckpointError, InputError, ModelNotFoundError
from psp.inference.default_model import DefaultModel
from psp.inference.devices import made_with, pick_device
from psp.inference.errands import Errand, Floats, Made, Work, crossing, seconds_of
from psp.inference.loaded import APPROACHING, DOWNLOADING, Loaded, Models, Step
from psp.inference.parts import current_part
from psp.inference.short_memory import told as told_of_memory
from psp.maps.classes import MapClasses
from psp.registry.lookup import OWN_FILE, families, file_on_disk, find_entry, has_model

if TYPE_CHECKING:
    import torch

    from psp.models.psp import PSP, PSPConfig

__all__ = [
    "APPROACHING",
    "DOWNLOADING",
    "Accelerate",
    "Floats",
    "Loaded",
    "Network",
    "Step",
    "Work",
    "require_picture",
]

Accelerate = Callable[[Callable[..., Any], Callable[..., int]], Callable[..., Any]]
"""Wraps the function that needs a GPU; told for how many seconds, by a function of the same arguments."""

_MAPS = "segmentation_to_face"
_ABSURD = 100.0  # mean size of a picture's values
# A number of a code: random ones of StyleGAN2-FFHQ stay within 15 of the average, encoded ones within 20.
_FAR = 1000.0
_UNUSUAL = 25.0  # from here on it is they that are to blame where there is no picture


class Network:
    """Loads models, keeps the latest few, runs jobs; safe to call from several threads.

    Args:
        settings: Where models are found and where they run.
        accelerate: Wraps the function that needs a GPU, where that runs in a process of its own.
    """

    def __init__(self, settings: Settings, accelerate: Accelerate | None = None) -> None:
        self.settings = settings
        self._models = Models(settings, lent=accelerate is not None)
        self._accelerated = accelerate(self._run_there, seconds_of) if accelerate else None
        self.default = DefaultModel(settings)

    @property
    def device(self) -> str:
        """Where models run: the setting, or the best there is of CUDA, MPS and CPU."""
        return pick_device(self.settings.device)

    @property
    def made_with(self) -> MadeWith:
        """What decides the bytes of what is made here, beside the request; of the thread that asks."""
        return made_with(self.device, lent=self.lent)

    @property
    def lent(self) -> bool:
        """Whether a GPU is lent call by call, so that many jobs at once are better than one by one."""
        return self._accelerated is not None

    @property
    def loaded_count(self) -> int:
        """How many models are in memory."""
        return len(self._models)

    @told_of_memory
    def load(self, model: str, task: str, step: Step | None = None) -> Loaded:
        """Return the model of ``task``, from memory or from disk; the least recently used one makes room.

        One whose file was replaced since is loaded anew; one whose file is gone stays.

        Raises:
            CheckpointError: The model cannot be found or loaded.
            DeviceMemoryError: The device has no room for it.
        """
        with self.default.watched(model, task):
            return self._models.get(model, task, step)

    def load_all(self) -> None:
        """Load every model on this machine, for a GPU that is lent later; in the main thread, at start.

        Raises:
            CheckpointError: The default model cannot be found or loaded.
        """
        self._models.load_all()

    def map_classes(self, model: str = "auto") -> MapClasses:
        """Return the classes of the maps that ``model`` takes: their names and colours, by number.

        Raises:
            CheckpointError: The model cannot be found or loaded, or takes no maps.
        """
        classes = self.told_classes(model)
        if classes is None:
            loaded = self.load(model, _MAPS)
            loaded.takes.require(_MAPS, loaded.name)
            classes = loaded.classes
        return classes

    def told_classes(self, model: str = "auto") -> MapClasses | None:
        """Return what ``map_classes`` does, if a file's header tells it; None where the model must be loaded.

        Raises:
            CheckpointError: There is no such model, its file is damaged, or it takes no maps.
        """
        told = self._told(model, _MAPS)
        if told is None:
            return None
        config, info, name = told
        takes = model_input(config.encoder.in_channels, info, name)
        takes.require(_MAPS, name)
        return takes.classes

    def told_resolutions(self, model: str, task: str) -> tuple[int, ...] | None:
        """Return the size in pixels at which each layer of a model acts, if a file's header tells it.

        Raises:
            CheckpointError: There is no such model, or its file is damaged.
        """
        told = self._told(model, task)
        return None if told is None else told[0].generator.resolutions

    def _told(self, model: str, task: str) -> tuple[PSPConfig, dict[str, str], str] | None:
        """Return the shape of a model, its header and its name; None where it must be loaded for that."""
        from psp.checkpoints.load import read_info  # noqa: PLC0415  (torch comes after the page)
        from psp.checkpoints.official import is_pickle  # noqa: PLC0415  (torch comes after the page)
        from psp.models.architecture import config_from_json  # noqa: PLC0415  (torch comes after the page)

        entry = find_entry(model, task, self.settings)
        place = file_on_disk(entry, self.settings)
        if place is None or is_pickle(place[0]):
            return None
        info = read_info(place[0])
        name = entry.file if entry.family == OWN_FILE else entry.family
        return config_from_json(info.get("config", "")), info, name

    def knows(self, model: str) -> bool:
        """Return whether there is a family of this name."""
        return model in families(self.settings)

    def file_hash(self, model: str, task: str) -> str | None:
        """Return the sha256 of the file of ``model`` for ``task``; None where it is not on this machine."""
        from psp.checkpoints.hashes import file_sha256  # noqa: PLC0415  (torch comes after the page)

        try:
            place = file_on_disk(find_entry(model, task, self.settings), self.settings)
        except ModelNotFoundError:
            return None
        return file_sha256(place[0], self.settings.cache_dir) if place else None

    def can_be_exact(self, model: str) -> bool:
        """Return whether ``model`` can show of a photo what codes cannot say.

        Raises:
            CheckpointError: The model cannot be found or loaded.
        """
        from psp.inference import likeness  # noqa: PLC0415  (torch comes after the page)

        return likeness.is_known(self.load(model, "encode").psp)

    def run(self, work: Work, step: Step | None = None, loaded: Loaded | None = None) -> Made:
        """Encode, mix and decode.

        Args:
            work: The job.
            step: Told which variant is decoded; may raise to stop the work.
            loaded: The model, where it is here already: the same to the end, even if its file is replaced.

        Returns:
            Codes, images and what is beside them. A variant's values do not depend on how many
            others there are, unless they are decoded together.

        Raises:
            DeviceMemoryError: The device has too little memory.
        """
        if self._accelerated is None:
            return self._run(work, step, loaded)
        errand = self._errand(work, step, loaded)
        part = current_part()
        made: Made = part.ask(errand) if part else self.run_together([errand])[0]
        return made

    def run_all(self, works: Sequence[Work], loaded: Loaded) -> list[Made]:
        """Do :meth:`run` for several jobs of one model; a GPU that is lent is asked for once."""
        if self._accelerated is None:
            return [self._run(work, None, loaded) for work in works]
        return self.run_together([self._errand(work, None, loaded) for work in works])

    def run_together(self, errands: Sequence[Errand]) -> list[Made]:
        """Run several jobs on a GPU that is lent once for all of them.

        Returns:
            What :meth:`run` returns, of each.
        """
        assert self._accelerated is not None, "for a GPU that is lent"
        made: list[Made] = self._accelerated(tuple(errands))
        return made

    def _errand(self, work: Work, step: Step | None, loaded: Loaded | None) -> Errand:
        """Return a job that can cross; its models are loaded here, so that the other process finds them."""
        loaded = loaded or self.load(work.model, work.task)
        plain = self._plain(work) if work.strength < 1.0 else loaded
        size = work.size or loaded.psp.config.generator.size
        waits = loaded.waits and plain.waits
        decodes = max(loaded.psp.config.decodes, plain.psp.config.decodes)
        return Errand(work, loaded.sha256, size, waits, crossing(step), decodes)

    def _run_there(self, errands: tuple[Errand, ...]) -> list[Made]:
        """Run jobs in the process that has the GPU."""
        self._models.arrive()
        return [
            self._run(one.work, one.step, self._models.get(one.work.model, one.work.task, None, one.sha256))
            for one in errands
        ]

    @told_of_memory
    def _run(self, work: Work, step: Step | None = None, loaded: Loaded | None = None) -> Made:
        import torch  # noqa: PLC0415  (torch comes after the page)

        from psp.inference import decoders  # noqa: PLC0415  (torch comes after the page)

        psp = (loaded or self.load(work.model, work.task)).psp
        with torch.inference_mode():
            codes, decode = self._start(psp, work, step)
            if work.codes is not None and work.refines:  # before forty steps are taken from there
                _require_known(psp, work.codes)
            codes, moved = decoders.refined(psp, work, codes, step)
            if work.task == "frontalize" and work.inputs is not None:
                codes = decoders.looking_ahead(psp, codes)
            details, before = work.details, codes
            if work.shift is not None:
                codes = codes + torch.from_numpy(work.shift).to(psp.device)
            if work.likeness == "exact" or details is not None:
                details, decode = decoders.exactly(psp, work, before, codes)
            style = _style(psp, work, step)
            variants = _mix(psp, codes, style, work)
            if work.anchors and work.mixes:
                details, decode = decoders.mixed(psp, work, style, variants)
            elif work.anchors:
                decode = decoders.near_anchors(psp, work)
            elif decode == psp.decode:
                decode = decoders.sharing(psp, variants)
            images = []
            group = len(variants) if work.together else 1
            for index in range(0, len(variants), group):
                if step and len(variants) > group:
                    step(f"Face {index + 1} of {len(variants)}", index / len(variants))
                images.append(decode(variants[index : index + group]).float().cpu())
            made = torch.cat(images)
            if work.codes is not None or work.shift is not None:
                _require_known(psp, codes.float().cpu().numpy(), made)
            require_picture(made)
            return Made(variants.float().cpu().numpy(), made.numpy(), details, moved)

    def _start(
        self, psp: PSP, work: Work, step: Step | None
    ) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
        """Return the codes [v,n,dim] to start from, and what decodes them."""
        import torch  # noqa: PLC0415  (torch comes after the page)

        from psp.inference import decoders  # noqa: PLC0415  (torch comes after the page)

        if work.codes is not None:
            codes = torch.from_numpy(work.codes).to(psp.device)
        else:
            codes = psp.encode(_fitting(psp, work.inputs), work.detail, _looks(step))
        if work.strength == 1.0:
            return codes, decoders.decoder(psp, work.size)
        plain = self._plain(work).psp
        if work.codes is None:
            other = plain.encode(_fitting(plain, work.inputs), look=_looks(step))
            codes = torch.lerp(other, codes, work.strength)
        if work.strength == 0.0:
            return codes, decoders.decoder(plain, work.size)
        return codes, decoders.between(plain, psp, work.strength, work.size)

    def _plain(self, work: Work) -> Loaded:
        """Return the family's "encode" model, the end of the scale where the strength is 0."""
        if not has_model(work.model, "encode", self.settings):
            raise InputError(
                "This model has no 'encode' model beside it, so that there is nothing between 0 and 1.",
                "Use strength=1.",
            )
        return self.load(work.model, "encode")


def _require_known(psp: PSP, codes: Floats, made: torch.Tensor | None = None) -> None:
    """Refuse codes that no picture was ever made of.

    Raises:
        InputError: They lie further from the average than any that a mapping network or an encoder gives, or
            what was ``made`` of them is no picture though they are not near it.
    """
    apart = float(np.abs(codes - psp.w_avg.float().cpu().numpy()).max())
    if apart > _FAR or (apart > _UNUSUAL and made is not None and not _is_picture(made)):
        raise InputError(
            f"These codes lie far outside of what the model knows: up to {apart:.3g} from the average code.",
            "Use codes as the studio made them, and move them less.",
        )


def require_picture(images: torch.Tensor) -> None:
    """Refuse what a model gave [B,3,H,W] where it is no picture.

    A trained generator stays within a few units of [−1,1]; a damaged one gives NaN, or noise far beyond.

    Raises:
        CheckpointError: It holds NaN or infinity, or its values are out of all proportion.
    """
    if not _is_picture(images):
        typical = float(images.abs().mean())
        told = f"values about {typical:.3g}" if math.isfinite(typical) else "values that are no numbers"
        raise CheckpointError(
            f"The model gave no picture: {told}, where those of a picture lie in −1 to 1.",
            "Its file is damaged or its training broke down: get it again, or choose another model.",
        )


def _is_picture(images: torch.Tensor) -> bool:
    return bool(images.isfinite().all()) and float(images.abs().mean()) <= _ABSURD


def _fitting(psp: PSP, inputs: Floats | None) -> torch.Tensor:
    """Return ``inputs`` [B,C,S,S] where the model is, if it takes such.

    Raises:
        InputError: Its encoder takes others.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    assert inputs is not None, "a job has inputs or codes"
    shape = psp.config.encoder
    wanted = (shape.in_channels, shape.in_size, shape.in_size)
    if inputs.shape[1:] != wanted:
        raise InputError(
            f"The model takes {wanted[0]} channels of {wanted[1]} px, but it was given {inputs.shape[1]} "
            f"channels of {inputs.shape[2]} px.",
            "Choose a model that was made for this task; for toonify with a strength under 1, its 'encode' "
            "model must take the same pictures.",
        )
    return torch.from_numpy(inputs).to(psp.device)


def _looks(step: Step | None) -> Callable[[int, int], None] | None:
    """Return what tells a step which look of an encoder comes, and lets it stop the work between two."""
    if step is None:
        return None
    return lambda number, count: step(f"Look {number} of {count}", (number - 1) / count)


def _style(psp: PSP, work: Work, step: Step | None) -> torch.Tensor | None:
    """Return the codes [1,n,dim] of the second picture that is mixed in; None where there is none."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    if work.style_codes is not None:
        return torch.from_numpy(work.style_codes).to(psp.device)
    if work.style_inputs is not None:
        return psp.encode(_fitting(psp, work.style_inputs), look=_looks(step))
    return None


def _mix(psp: PSP, codes: torch.Tensor, style: torch.Tensor | None, work: Work) -> torch.Tensor:
    """Return the codes [v,n,dim] of all variants: ``codes`` [1,n,dim] mixed with their styles."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    if not work.mixes:
        return codes
    mixed = []
    rows = work.z if style is None and work.z is not None else [None] * len(work.alphas)
    for row, alpha in zip(rows, work.alphas, strict=True):
        shares = [alpha * share for share in work.layers.values()]
        of_variant = style
        if row is not None:
            # A model may have no random styles to ask for.
            plain = np.isnan(row).any() or not any(shares)
            of_variant = None if plain else psp.map(torch.from_numpy(row[None]).to(psp.device))
        mixed.append(codes if of_variant is None else psp.mix(codes, of_variant, [*work.layers], shares))
    return torch.cat(mixed)

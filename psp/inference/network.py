"""What runs on the accelerator: loaded models, and jobs as plain arrays. No pictures, no page."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from psp.checkpoints.model_input import ModelInput, model_input
from psp.config import Settings
from psp.errors import CheckpointError, InputError, ModelNotFoundError
from psp.files.stamps import Stamp, stamp
from psp.inference.devices import pick_device
from psp.maps.classes import MapClasses
from psp.maps.palette import FACE_CLASSES
from psp.registry.lookup import OWN_FILE, ModelEntry, file_on_disk, find_entry, has_model

if TYPE_CHECKING:
    import torch

    from psp.models.psp import PSP

Floats = NDArray[np.float32]
Step = Callable[[str, float | None], None]
"""Told what happens now, in words, and how much is done (0 to 1, or None); may raise to stop the work."""

_MAPS = "segmentation_to_face"
_ABSURD = 100.0  # mean size of a picture's values
DOWNLOADING = "Downloading the model"
"""What the words of a step say while a model is downloaded."""

Accelerate = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, eq=False)
class Work:
    """One job for the network, in plain arrays: on a ZeroGPU Space it crosses to another process.

    Attributes:
        model: A family's name, a path, or "auto".
        task: The task whose model encodes and decodes.
        inputs: What is encoded, [1,C,S,S], or [B,C,S,S] where nothing is mixed; None where there
            are ``codes``.
        codes: Codes [v,n,dim] to start from instead; one where they are mixed.
        style_inputs: A second picture to mix with, [1,C,S,S].
        z: Random styles, standard normal [v,dim], one a variant; a row of NaN leaves its variant unmixed.
        layers: The layers to mix, empty for none.
        alphas: Share of the style in these layers, [v], one a variant.
        strength: Toonify: from 0, the family's "encode" model, to 1, the model of the task.
        detail: Side in pixels of what the inputs were enlarged from; None: they are sharp.
        together: Whether all pictures are decoded at once: faster for many, but values then depend on how
            many there are, by rounding.
        size: Side of the pictures in pixels, for previews: see ``psp.inference.previews``; None: the model's.
    """

    model: str
    task: str
    inputs: Floats | None = None
    codes: Floats | None = None
    style_inputs: Floats | None = None
    z: Floats | None = None
    layers: tuple[int, ...] = ()
    alphas: tuple[float, ...] = (1.0,)
    strength: float = 1.0
    detail: int | None = None
    together: bool = False
    size: int | None = None


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, with what a result says about it.

    Attributes:
        psp: The model.
        name: Of its family or file.
        sha256: Of its file.
        files: What it was loaded from: its file, then those that this one needs.
        stamp: What these were like then; see ``psp.files.stamps``.
    """

    psp: PSP
    name: str
    sha256: str
    files: tuple[Path, ...] = ()
    stamp: Stamp = ()

    @property
    def n_codes(self) -> int:
        """How many layers take a code."""
        return self.psp.config.generator.n_codes

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The size in pixels at which each layer acts."""
        return self.psp.config.generator.resolutions

    @property
    def code_dim(self) -> int:
        """Length of a code."""
        return self.psp.config.generator.style_dim

    @property
    def in_size(self) -> int:
        """Side of the pictures that the encoder takes, in pixels."""
        return self.psp.config.encoder.in_size

    @property
    def takes(self) -> ModelInput:
        """What the encoder takes.

        Raises:
            CheckpointError: The file names other classes than the encoder takes.
        """
        return model_input(self.psp.config.encoder.in_channels, self.psp.info, self.name)

    @property
    def classes(self) -> MapClasses:
        """The classes of the maps that it takes; those of faces for a model that takes none."""
        return self.takes.classes or FACE_CLASSES


class Network:
    """Loads models, keeps the latest few, runs jobs; safe to call from several threads.

    Args:
        settings: Where models are found and where they run.
        accelerate: Wraps the function that needs a GPU, where that runs in a process of its own.
    """

    def __init__(self, settings: Settings, accelerate: Accelerate | None = None) -> None:
        self.settings = settings
        self._models: OrderedDict[tuple[str, Path | None, str], Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self._accelerated = accelerate(self._run) if accelerate else None

    @property
    def device(self) -> str:
        """Where models run: the setting, or the best there is of CUDA, MPS and CPU."""
        return pick_device(self.settings.device)

    @property
    def loaded_count(self) -> int:
        """How many models are in memory."""
        return len(self._models)

    def load(self, model: str, task: str, step: Step | None = None) -> Loaded:
        """Return the model of ``task``, from memory or from disk; the least recently used one makes room.

        One whose file was replaced since is loaded anew; one whose file is gone stays.

        Raises:
            CheckpointError: The model cannot be found or loaded.
        """
        entry = find_entry(model, task, self.settings)
        key = (entry.family, entry.path, entry.task)
        with self._lock:  # one thread loads, the others wait for the same model
            if key in self._models and self._replaced(entry, self._models[key]):
                del self._models[key]  # first: two of them may be too large; who uses it now still has it
            if key not in self._models:
                self._models[key] = self._load(entry, step)
                while len(self._models) > self.settings.max_models:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]

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
        from psp.checkpoints.load import read_info  # noqa: PLC0415  (torch comes after the page)
        from psp.checkpoints.official import is_pickle  # noqa: PLC0415  (torch comes after the page)
        from psp.models.architecture import config_from_json  # noqa: PLC0415  (torch comes after the page)

        entry = find_entry(model, _MAPS, self.settings)
        place = file_on_disk(entry, self.settings)
        if place is None or is_pickle(place[0]):
            return None
        info = read_info(place[0])
        channels = config_from_json(info.get("config", "")).encoder.in_channels
        name = entry.file if entry.family == OWN_FILE else entry.family
        takes = model_input(channels, info, name)
        takes.require(_MAPS, name)
        return takes.classes

    def _load(self, entry: ModelEntry, step: Step | None) -> Loaded:
        from psp.checkpoints.find import find_file  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.hashes import file_sha256  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.load import load_psp  # noqa: PLC0415  (torch comes late)
        from psp.checkpoints.siblings import all_siblings  # noqa: PLC0415  (torch comes late)

        path = find_file(entry, self.settings, _tell_download(step))
        first = stamp((path,))  # before it is read: what is put there meanwhile is noticed next time
        psp = load_psp(path, self.device, settings=self.settings)
        files = (path, *all_siblings(path, cache := self.settings.cache_dir))
        name = entry.file if entry.family == OWN_FILE else entry.family
        return Loaded(psp, name, file_sha256(path, cache), files, first + stamp(files[1:]))

    def _replaced(self, entry: ModelEntry, loaded: Loaded) -> bool:
        """Return whether other files are now where those of a loaded model were."""
        place = file_on_disk(entry, self.settings)
        if place is None or None in (now := stamp((place[0], *loaded.files[1:]))):
            return False
        return (place[0], now) != (loaded.files[0], loaded.stamp)

    def file_hash(self, model: str, task: str) -> str | None:
        """Return the sha256 of the file of ``model`` for ``task``; None where it is not on this machine."""
        from psp.checkpoints.hashes import file_sha256  # noqa: PLC0415  (torch comes after the page)

        try:
            place = file_on_disk(find_entry(model, task, self.settings), self.settings)
        except ModelNotFoundError:
            return None
        return file_sha256(place[0], self.settings.cache_dir) if place else None

    def run(
        self, work: Work, step: Step | None = None, loaded: Loaded | None = None
    ) -> tuple[Floats, Floats]:
        """Encode, mix and decode.

        Args:
            work: The job.
            step: Told which variant is decoded; may raise to stop the work.
            loaded: The model, where it is here already: the same to the end, even if its file is replaced.

        Returns:
            Codes [v,n,dim] and images [v,3,H,W], about [−1,1]. A variant's values do not depend on how many
            others there are, unless they are decoded together.
        """
        if self._accelerated:
            self.load(work.model, work.task)  # here, so that the other process finds what this one has
            if work.strength < 1.0:
                self._plain(work)
            codes, images = self._accelerated(work)
            return codes, images
        return self._run(work, step, loaded)

    def _run(
        self, work: Work, step: Step | None = None, loaded: Loaded | None = None
    ) -> tuple[Floats, Floats]:
        import torch  # noqa: PLC0415  (torch comes after the page)

        psp = (loaded or self.load(work.model, work.task)).psp
        with torch.inference_mode():
            codes, decode = self._start(psp, work)
            variants = _mix(psp, codes, work)
            images = []
            group = len(variants) if work.together else 1
            for index in range(0, len(variants), group):
                if step and len(variants) > group:
                    step(f"Face {index + 1} of {len(variants)}", index / len(variants))
                images.append(decode(variants[index : index + group]).float().cpu())
            made = torch.cat(images)
            require_picture(made)
            return variants.float().cpu().numpy(), made.numpy()

    def _start(self, psp: PSP, work: Work) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
        """Return the codes [v,n,dim] to start from, and what decodes them."""
        import torch  # noqa: PLC0415  (torch comes after the page)

        if work.codes is not None:
            codes = torch.from_numpy(work.codes).to(psp.device)
        else:
            codes = psp.encode(_fitting(psp, work.inputs), work.detail)
        if work.strength == 1.0:
            return codes, _decoder(psp, work.size)
        plain = self._plain(work)
        if work.codes is None:
            codes = torch.lerp(plain.encode(_fitting(plain, work.inputs)), codes, work.strength)
        if work.strength == 0.0:
            return codes, _decoder(plain, work.size)
        return codes, _between(plain, psp, work.strength, work.size)

    def _plain(self, work: Work) -> PSP:
        """Return the family's "encode" model, the end of the scale where the strength is 0."""
        if not has_model(work.model, "encode", self.settings):
            raise InputError(
                "This model has no 'encode' model beside it, so that there is nothing between 0 and 1.",
                "Use strength=1.",
            )
        return self.load(work.model, "encode").psp


def require_picture(images: torch.Tensor) -> None:
    """Refuse what a model gave [B,3,H,W] where it is no picture.

    A trained generator stays within a few units of [−1,1]; a damaged one gives NaN, or noise far beyond.

    Raises:
        CheckpointError: It holds NaN or infinity, or its values are out of all proportion.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    low, high = (float(end) for end in torch.aminmax(images))
    typical = float(images.abs().mean())
    if not (math.isfinite(low) and math.isfinite(high)) or typical > _ABSURD:
        told = f"values about {typical:.3g}" if math.isfinite(typical) else "values that are no numbers"
        raise CheckpointError(
            f"The model gave no picture: {told}, where those of a picture lie in −1 to 1.",
            "Its file is damaged or its training broke down: get it again, or choose another model.",
        )


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


def _mix(psp: PSP, codes: torch.Tensor, work: Work) -> torch.Tensor:
    """Return the codes [v,n,dim] of all variants: ``codes`` [1,n,dim] mixed with their styles."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    if work.style_inputs is not None:
        style = psp.encode(_fitting(psp, work.style_inputs))
        mixed = [psp.mix(codes, style, work.layers, alpha) for alpha in work.alphas]
    elif work.z is not None:
        mixed = []
        for row, alpha in zip(work.z, work.alphas, strict=True):
            z = torch.from_numpy(row[None]).to(psp.device)
            plain = np.isnan(row).any() or alpha == 0.0  # a model may have no random styles to ask for
            mixed.append(codes if plain else psp.mix(codes, psp.map(z), work.layers, alpha))
    else:
        return codes
    return torch.cat(mixed)


def _decoder(psp: PSP, size: int | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what decodes codes, at the size of the model or as previews."""
    from psp.inference.previews import decode_preview  # noqa: PLC0415  (torch comes after the page)

    return psp.decode if size is None else partial(decode_preview, psp.decoder, size=size)


def _between(
    plain: PSP, other: PSP, strength: float, size: int | None
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the decoder whose weights lie between those of two generators of one descent.

    Layers of a fine-tuned generator stay aligned with those of its parent (Pinkney and Adler 2020), so that
    weights can be blended; neither model is changed.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    ours, theirs = plain.decoder.state_dict(), other.decoder.state_dict()
    if {name: value.shape for name, value in ours.items()} != {name: v.shape for name, v in theirs.items()}:
        raise ModelNotFoundError(
            "The generators of 'encode' and of this model have different shapes.", "Use strength=1."
        )
    blended = {name: torch.lerp(value, theirs[name], strength) for name, value in ours.items()}
    return lambda codes: torch.func.functional_call(plain.decoder, blended, (codes, size))


def _tell_download(step: Step | None) -> Callable[[int, int | None], None] | None:
    if step is None:
        return None

    def tell(done: int, total: int | None) -> None:
        of = f" of {total >> 20}" if total else ""
        step(f"{DOWNLOADING}: {done >> 20}{of} MB", done / total if total else None)

    return tell

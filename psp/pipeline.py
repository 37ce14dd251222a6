"""Pictures in, results out: the studio without its page. Knows devices and the model cache, not Gradio."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.alignment import NO_FACE, Alignment, align, crop_quad, take_square
from psp.config import Settings
from psp.errors import SettingsError
from psp.images import PictureSource, limit_pillow, load_picture, to_pictures, to_tensor
from psp.latents import Codes, codes_to_bytes
from psp.recipe import Recipe, picture_to_png
from psp.registry import find_entry

if TYPE_CHECKING:
    import torch

    from psp.models.psp import PSP

Photo = PictureSource
Progress = Callable[[int, int | None], None]
Floats = NDArray[np.float32]

CROP_SIZE = 256
"""Side in pixels of the FFHQ crop, as the paper's code takes it; models of 128 px see it halved."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a task made.

    Attributes:
        images: The pictures, RGB; several where variants were asked for.
        latents: The W+ codes that the pictures were decoded from, float32 [n,512], or [v,n,512] for variants.
        recipe: What reproduces the result from the same input.
        details: Recipe, model, size, device, alignment, quality, timings (seconds), warnings: plain data.
        crop: What the model saw of a photo; None for other inputs.
    """

    images: tuple[Image.Image, ...]
    latents: Codes
    recipe: Recipe
    details: dict[str, Any]
    crop: Image.Image | None = None

    @property
    def image(self) -> Image.Image:
        """The first picture."""
        return self.images[0]

    def png(self, index: int = 0) -> bytes:
        """Return picture ``index`` as a lossless PNG, marked as synthetic, with the recipe in its text."""
        return picture_to_png(self.images[index], self.recipe)

    def latents_file(self) -> bytes:
        """Return the codes as a ``.safetensors`` file."""
        return codes_to_bytes(self.latents, self.recipe.model)

    def save(self, path: str | Path) -> Path:
        """Write the first picture to ``path`` (a PNG) and the codes beside it; return the picture's path."""
        target = Path(path).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.png())
        target.with_suffix(".safetensors").write_bytes(self.latents_file())
        return target


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A model in memory, with what a result says about it."""

    psp: PSP
    name: str
    sha256: str


class PspPipeline:
    """The tasks of the studio as methods; safe to call from several threads.

    Args:
        settings: Where models are found and where they run; from the environment by default.
        accelerate: Wraps the function that runs the network (``psp.zerogpu.on_gpu`` on a Space).
    """

    def __init__(
        self,
        settings: Settings | None = None,
        accelerate: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function,
    ) -> None:
        self.settings = settings or Settings.from_env()
        limit_pillow(self.settings.max_pixels)
        self._models: OrderedDict[tuple[Path | str, str], _Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self._network = accelerate(self._encode_and_decode)

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, settings: Settings | None = None
    ) -> PspPipeline:
        """Return a pipeline whose "auto" model is ``model``: a family's name or a path to a checkpoint."""
        settings = settings or Settings.from_env()
        return cls(settings if model is None else settings.with_model(str(model)))

    @property
    def device(self) -> str:
        """Where models run: the setting, or the best there is of CUDA, MPS and CPU."""
        return pick_device(self.settings.device)

    def load(self, model: str = "auto", task: str = "encode", progress: Progress | None = None) -> None:
        """Load a model now rather than with the first request that needs it.

        Args:
            model: A family's name, a path to a checkpoint, or "auto" for the default.
            task: The task that it is for.
            progress: Called during a download, with the bytes that are there and the bytes in all (or None).

        Raises:
            CheckpointError: The model cannot be found or loaded.
        """
        self._load(model, task, progress)

    def encode(self, photo: Photo, model: str = "auto", align: bool = True, face: int = 0) -> Result:
        """Encode the face in ``photo`` and decode it again.

        Args:
            photo: A path, the bytes of a picture file, a Pillow picture or an array.
            model: A family's name, a path to a checkpoint, or "auto" for the default.
            align: Whether to find the face and crop it as FFHQ does; else the picture is taken as it is, its
                centred square where it is not square.
            face: Which face, 0 is the largest.

        Raises:
            PictureError: The picture cannot be used.
            FaceNotFoundError: No face was found.
            FaceIndexError: There are fewer faces than ``face`` asks for.
            CheckpointError: The model cannot be found or loaded.
        """
        return self._translate_photo("encode", photo, model, align, face)

    def align(self, photo: Photo, face: int = 0) -> Alignment:
        """Find face number ``face`` in ``photo`` and return its FFHQ crop of 256 px with its place."""
        return align(load_picture(photo, self.settings.max_pixels), face, CROP_SIZE)

    def crop(self, photo: Photo, quad: Sequence[Sequence[float]]) -> Image.Image:
        """Return the crop of 256 px of ``photo`` at ``quad``, as ``details["alignment"]`` has it."""
        picture = load_picture(photo, self.settings.max_pixels)
        return crop_quad(picture, np.asarray(quad, dtype=np.float64), CROP_SIZE)

    def _translate_photo(self, task: str, photo: Photo, model: str, aligned: bool, face: int) -> Result:
        """Run ``task`` on a photo: read, crop, encode, decode, compare."""
        clock = _Clock()
        picture = load_picture(photo, self.settings.max_pixels)
        clock.lap("read")
        # Before the search for a face, which may take long, so that a wrong name is told at once.
        loaded = self._load(model, task)
        clock.lap("load_model")
        size = loaded.psp.config.encoder.in_size
        place = align(picture, face, CROP_SIZE) if aligned else take_square(picture, size)
        clock.lap("align")
        inputs = to_tensor(place.crop, size).numpy()
        codes, images = self._network(model, task, inputs)
        clock.lap("network")
        made = tuple(to_pictures(_tensor(images)))
        quality = _compare(place.crop, made[0])
        clock.lap("quality")
        recipe = Recipe(task, loaded.name, loaded.sha256, {"align": aligned, "face": face})
        details = {
            "recipe": recipe.to_dict(),
            "model": loaded.name,
            "size": made[0].width,
            "device": self.device,
            "alignment": _describe(place),
            "quality": quality,
            "timings": clock.seconds,
            "warnings": [],
        }
        return Result(made, codes[0], recipe, details, place.crop)

    def _encode_and_decode(self, model: str, task: str, inputs: Floats) -> tuple[Floats, Floats]:
        """Run the network: the only part that needs a GPU. NumPy in and out, to cross a process border."""
        import torch  # noqa: PLC0415  (torch comes after the page)

        psp = self._load(model, task).psp
        with torch.inference_mode():
            codes = psp.encode(torch.from_numpy(inputs).to(psp.device))
            images = psp.decode(codes)
        return codes.float().cpu().numpy(), images.float().cpu().numpy()

    def _load(self, model: str, task: str, progress: Progress | None = None) -> _Loaded:
        """Return the model, from memory or from disk; the least recently used one makes room."""
        from psp.checkpoints import file_sha256, find_file, load_psp  # noqa: PLC0415  (torch comes after the page)

        entry = find_entry(model, task, self.settings)
        key = (entry.path or entry.family, entry.task)
        with self._lock:  # one thread loads, the others wait for the same model
            if key not in self._models:
                path = find_file(entry, self.settings, progress)
                psp = load_psp(path, self.device, settings=self.settings)
                name = entry.file if entry.path else entry.family
                self._models[key] = _Loaded(psp, name, file_sha256(path, self.settings.cache_dir))
                while len(self._models) > self.settings.max_models:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]


def pick_device(setting: str = "auto") -> str:
    """Return the device to compute on: ``setting``, or for "auto" the first there is of CUDA, MPS and CPU.

    Raises:
        SettingsError: The device asked for is unknown or not there.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if setting == "auto":
        return next(name for name, usable in there.items() if usable)
    if not there.get(setting.partition(":")[0], False):
        raise SettingsError(
            f"The device {setting!r} is not there.", "Set PSP_DEVICE to auto, cpu, cuda or mps."
        )
    return setting


class _Clock:
    """Seconds spent in each part of a request."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 4)
        self._last = now


def _tensor(images: Floats) -> torch.Tensor:
    import torch  # noqa: PLC0415  (torch comes after the page)

    return torch.from_numpy(images)


def _compare(given: Image.Image, made: Image.Image) -> dict[str, float]:
    from psp.quality import compare  # noqa: PLC0415  (torch comes after the page)

    return compare(given, made).to_dict()


def _describe(place: Alignment) -> dict[str, Any]:
    """Return an alignment as plain data; ``faces`` and ``face`` are None where no face was looked for."""
    looked = place.face != NO_FACE
    return {
        "faces": place.faces if looked else None,
        "face": place.face if looked else None,
        "quad": np.round(place.quad, 2).tolist(),
    }

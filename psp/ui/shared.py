"""What the tabs share: the photo input, model choice, errors in words, and results as files."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio.data_classes import ImageData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from psp.errors import PspError
from psp.identity import SAME_PERSON
from psp.pipeline import PspPipeline, Result
from psp.registry import families, find_entry

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)

MODEL_QUEUE = "model"
"""All work that uses a model waits in one line, one at a time: the memory holds one job's activations."""


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with its errors turned into messages on the page and in the client.

    Ours say what to do next; anything else is logged and told in general words, without its text, which could
    name files of the server.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PspError as error:
            raise gr.Error(str(error), duration=20, print_exception=False) from error
        except gr.Error:
            raise
        except Exception as error:
            _log.exception("%s failed", getattr(function, "__name__", "request"))
            raise gr.Error("Something went wrong on the server.", print_exception=False) from error

    return wrapped


def photo_input(label: str, hint: str) -> gr.Image:
    """Make an image input that hands over the uploaded file as it is.

    Gradio's own opens the file first: a broken one would fail there with a word that helps nobody, and a
    turned or transparent one would be changed. ``psp.images`` does all that, with clear errors. (A subclass
    would make Gradio write a stub file beside this module, so the one method is replaced instead.)
    """
    photo = gr.Image(
        label=label, type="filepath", image_mode=None, format="png", placeholder=hint, height=320
    )
    decode = in_words(photo.preprocess)

    def untouched(payload: ImageData | None) -> object:
        if payload is None or payload.path is None:
            return decode(payload)  # nothing, or a picture inside the request itself (data:…)
        return payload.path

    photo.preprocess = untouched  # type: ignore[method-assign, assignment]  # see above
    return photo


def model_names() -> list[str]:
    """Return what a request may ask for: families, never paths of the server."""
    return ["auto", *families()]


def check_model(model: str, task: str) -> str:
    """Return ``model`` if a request from the web may ask for it.

    Raises:
        ModelNotFoundError: It is no family that does ``task``.
    """
    find_entry(model, task, allow_path=False)
    return model


BUTTONS: list[Any] = ["download", "fullscreen"]
"""What a picture on the page offers; Gradio's own "share" would upload it to a public site."""


def download_progress(progress: gr.Progress) -> Callable[[int, int | None], None]:
    """Return what tells ``progress`` how far the download of a model is."""

    def tell(done: int, total: int | None) -> None:
        share = done / total if total else None
        progress(share, desc=f"Downloading the model: {done >> 20} of {(total or 0) >> 20} MB")

    return tell


@dataclass(frozen=True)
class PhotoControls:
    """The inputs that every task on a photo has, in the order of the API.

    Attributes:
        photo: The picture.
        model: Name of the model.
        align: Whether to find and crop the face.
        face: Which face.
    """

    photo: gr.Image
    model: gr.Dropdown
    align: gr.Checkbox
    face: gr.Number

    def as_list(self) -> list[gr.components.Component]:
        """Return the inputs in the order of the API."""
        return [self.photo, self.model, self.align, self.face]


def photo_controls() -> PhotoControls:
    """Make the inputs of a task on a photo, inside the current layout."""
    photo = photo_input("Photo", "Drop a photo, paste one, or use the camera")
    with gr.Row():
        # Unknown names are answered by check_model, in the same words everywhere.
        model = gr.Dropdown(
            model_names(),
            value="auto",
            label="Model",
            info="auto: the default of this studio",
            allow_custom_value=True,
        )
        face = gr.Number(value=0, precision=0, label="Face", info="0 is the largest, then by size")
    align = gr.Checkbox(
        value=True, label="Find and crop the face", info="Switch off for pictures that are face crops already"
    )
    return PhotoControls(photo, model, align, face)


@dataclass(frozen=True)
class PhotoResults:
    """What every task on a photo shows: what the model saw, the result, and the difference.

    Attributes:
        crop: What the model saw.
        slider: Before and after.
        image: The result, the endpoint's first output.
        words: The result in words.
        latents: The file of codes, the endpoint's second output.
        details: The endpoint's third output.
    """

    crop: gr.Image
    slider: gr.ImageSlider
    image: gr.Image
    words: gr.Markdown
    latents: gr.File
    details: gr.JSON

    def of_endpoint(self) -> list[gr.components.Component]:
        """Return the three outputs of the API."""
        return [self.image, self.latents, self.details]

    def everything(self) -> list[gr.components.Component]:
        """Return all outputs."""
        return [self.crop, self.slider, self.image, self.words, self.latents, self.details]


def photo_results() -> PhotoResults:
    """Make the outputs of a task on a photo, two columns inside the current row."""
    with gr.Column():
        crop = _result_image("What the model sees", height=256)
        slider = gr.ImageSlider(
            label="Before and after", format="png", interactive=False, elem_classes="fill", buttons=BUTTONS
        )
    with gr.Column():
        image = _result_image("Result", height=320)
        words = gr.Markdown()
        latents = gr.File(label="Latents (W+ codes)", height=90)
        with gr.Accordion("Details", open=False):
            details = gr.JSON(label="Details")
    return PhotoResults(crop, slider, image, words, latents, details)


def _result_image(label: str, height: int) -> gr.Image:
    """Make an image output that shows a file as it is, enlarged where it is small."""
    return gr.Image(
        label=label,
        format="png",
        type="filepath",
        image_mode=None,
        height=height,
        interactive=False,
        elem_classes="fill",
        buttons=BUTTONS,
    )


def show_result(
    pipeline: PspPipeline, photo: str, made: str, details: dict[str, Any]
) -> tuple[Image.Image, tuple[Image.Image, Image.Image], str]:
    """Return what the page shows beside an endpoint's outputs: the crop, before and after, and words.

    Args:
        pipeline: Cuts the crop out of the photo again.
        photo: Path of the photo.
        made: Path of the result.
        details: The endpoint's third output.
    """
    seen = pipeline.crop(photo, details["alignment"]["quad"])
    with Image.open(made) as opened:
        result = opened.convert("RGB")
    return seen, (seen.resize(result.size, Image.Resampling.LANCZOS), result), summary(details)


def need_photo(photo: str | None) -> str:
    """Return ``photo``, or say that there is none."""
    if not photo:
        raise PspError("There is no photo yet.", "Drop one into the field on the left.")
    return photo


def result_files(result: Result, name: str) -> tuple[str, str]:
    """Write picture and codes into Gradio's cache and return their paths.

    The cache names folders by content, so no two requests share a file, and ``delete_cache`` empties it.
    """
    cache = get_upload_folder()
    picture = save_bytes_to_cache(result.png(), f"{name}.png", cache)
    codes = save_bytes_to_cache(result.latents_file(), f"{name}.safetensors", cache)
    return picture, codes


def summary(details: dict[str, Any]) -> str:
    """Return what a person wants to know of a result, in one short paragraph of Markdown."""
    place, quality = details["alignment"], details["quality"]
    lines = []
    if place["faces"] is not None:
        found = "1 face found" if place["faces"] == 1 else f"{place['faces']} faces found"
        lines.append(f"{found}; this is face {place['face']}.")
    if quality:
        close = "close to the input" if quality["identity"] < SAME_PERSON else "not very close to the input"
        lines.append(
            f"Likeness: {close} (identity distance {quality['identity']:.2f}, under {SAME_PERSON} is close; "
            f"LPIPS {quality['lpips']:.2f})."
        )
    lines.append(f"{details['size']} px, model {details['model']}, {sum(details['timings'].values()):.1f} s.")
    return " ".join(lines)

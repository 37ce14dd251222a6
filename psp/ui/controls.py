"""The inputs that tabs share: pictures, files, a photo with its faces; and the names of models."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import gradio as gr
from gradio.data_classes import ImageData

from psp.config import Settings
from psp.errors import InputError
from psp.ranges import shown
from psp.registry.lookup import families, find_entry
from psp.ui.cache import as_path, cached
from psp.ui.gate.uploads import check_files
from psp.ui.shown import show_uploads
from psp.ui.words import in_words

# Characters; a longer one would come back whole in the message.
_LONGEST_NAME = 100


def picture_input(label: str, hint: str, height: int = 320) -> gr.Image:
    """Make an image input that hands over the uploaded file as it is.

    Gradio's own opens the file first: a broken one would fail there with a word that helps nobody, and a
    turned or transparent one would be changed. ``psp.pictures.images`` does all that, with clear errors. (A
    subclass would make Gradio write a stub file beside this module, so the one method is replaced instead.)
    """
    picture = untouched(
        gr.Image(label=label, type="filepath", image_mode=None, format="png", placeholder=hint, height=height)
    )
    show_uploads(picture)
    return picture


def file_input(label: str, ending: str, height: int) -> gr.File:
    """Make an input for a file that is no picture."""
    given = as_path(gr.File(label=label, file_types=[ending], height=height))
    given.preprocess = in_words(given.preprocess)  # type: ignore[method-assign]
    return given


def untouched(picture: gr.Image) -> gr.Image:
    """Let an image component hand over the path of its file, without opening it; return it."""

    def take(payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        if payload.path:
            # Gradio does not: see psp.ui.gate.uploads. Studio has checked already, this holds without it too.
            check_files(payload.model_dump())
            return payload.path
        return _from_data(payload.url) if payload.url else None

    picture.preprocess = in_words(take)  # type: ignore[method-assign, assignment]  # no subclass, see above
    return picture


def _from_data(url: str) -> str:
    """Keep a picture that is inside the request itself ("data:image/png;base64,…") and return its path."""
    try:
        return cached(base64.b64decode(url.partition(",")[2], validate=True), "picture.png")
    except binascii.Error as error:
        raise InputError(
            "The picture within the request is no base64.", "Write it as data:image/png;base64,…"
        ) from error


def check_model(model: str, task: str | None, settings: Settings) -> str:
    """Return ``model`` if a request from the web may ask for it.

    Args:
        model: What the request says.
        task: The task that the model must do; None: any.
        settings: Name the user's own models.

    Raises:
        InputError: It is no name.
        ModelNotFoundError: It is no family that does ``task``.
    """
    if not isinstance(model, str) or len(model) > _LONGEST_NAME:
        raise InputError(
            f"The model is {shown(model)}, which is no name.", f"Known: {', '.join(families(settings))}."
        )
    if task is not None or model not in families(settings):
        find_entry(model, task or "encode", settings, allow_path=False)
    return model


@dataclass(frozen=True)
class PhotoControls:
    """The inputs that every task on a photo has.

    Attributes:
        photo: The picture.
        note: What was found in it, or what went wrong.
        picker: Thumbnails of the faces, shown where there are several.
        model: Name of the model.
        align: Whether to find and crop the face.
        face: Which face.
    """

    photo: gr.Image
    note: gr.Markdown
    picker: gr.Gallery
    model: gr.Dropdown
    align: gr.Checkbox
    face: gr.Number

    def of_api(self) -> list[gr.components.Component]:
        """Return the inputs in the order of the API."""
        return [self.photo, self.model, self.align, self.face]

    def settings(self) -> dict[str, gr.components.Component]:
        """Return the controls by the names that recipes have for them."""
        return {"model": self.model, "align": self.align, "face": self.face}


def photo_field(height: int = 320) -> tuple[gr.Image, gr.Markdown, gr.Gallery]:
    """Make the photo, ``height`` pixels, the note of what was found in it, and the choice of faces."""
    photo = picture_input("Photo", "Drop a photo, paste one, or use the camera", height)
    return photo, *faces_found()


def faces_found() -> tuple[gr.Markdown, gr.Gallery]:
    """Make the note of what was found in a photo, and the choice of faces."""
    note = gr.Markdown(elem_classes="note")
    picker = gr.Gallery(
        label="Faces in the photo: choose one",
        visible=False,
        columns=4,
        height=150,
        elem_classes="examples faces",
        allow_preview=False,
        format="png",
        interactive=False,
        buttons=[],
    )
    return note, picker

"""What is offered for a picture that was uploaded beside a pad: to edit it there, or to trace a photo."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from psp.errors import PspError
from psp.inference.pipeline import PspPipeline
from psp.ui.preview import FACES_QUEUE
from psp.ui.words import in_words

IsPhoto = Callable[[Image.Image], bool]
"""Tells a photo from what the tab takes."""


@dataclass(frozen=True)
class Offers:
    """The parts of what is offered below an upload.

    Attributes:
        edit: Takes the picture onto the pad.
        photo: What is said and offered where it is a photo; not seen else.
        trace: Takes it to "From a photo" and makes a drawing of it.
    """

    edit: gr.Button
    photo: gr.Group
    trace: gr.Button


def offers(what: str) -> Offers:
    """Make what is offered below an upload, inside the current layout; ``what`` is drawn: "map"."""
    with gr.Group(visible=False, elem_classes="offer") as photo:
        gr.Markdown(f"**This looks like a photo, not a {what}.** The studio can make a {what} of its face.")
        trace = gr.Button("Use it as a photo", variant="primary", size="sm")
    edit = gr.Button(f"Edit this {what} on the pad", size="sm", visible=False)
    return Offers(edit, photo, trace)


def connect_offers(
    pipeline: PspPipeline,
    made: Offers,
    given: gr.Image,
    is_photo: IsPhoto,
    *,
    to_pad: Callable[[Any], None],
    ways: Sequence[gr.Tabs | gr.Textbox],
    photo: Sequence[gr.components.Component],
    trace: str,
    way: str,
) -> None:
    """Offer to edit what was given, and to trace it where it is a photo.

    Args:
        pipeline: Reads pictures.
        made: The parts.
        given: The upload.
        is_photo: Tells photos from drawings.
        to_pad: Wires an event so that it takes the picture onto the pad.
        ways: The tabs that a drawing can be given by, and the name of the open one.
        photo: The photo to start from, and the number of its face.
        trace: The id of the button that makes a drawing of it.
        way: Name of the tab with the photo.
    """

    def recognise(given: str | None) -> dict[str, Any]:
        try:
            photo = given is not None and is_photo(pipeline.read(given, flat=False))
            return gr.update(visible=photo)
        except PspError:  # the run says it
            return gr.update(visible=False)

    given.input(
        in_words(recognise),
        inputs=given,
        outputs=made.photo,
        concurrency_id=FACES_QUEUE,
        concurrency_limit=2,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    update = "{ __type__: 'update', visible: Boolean(given) }"
    given.change(None, given, made.edit, js=f"(given) => ({update})", api_visibility="private")
    to_pad(made.edit)
    moved = made.trace.click(
        None,
        inputs=given,
        outputs=[*ways, *photo, made.photo],
        js=f"(given) => [{{ __type__: 'update', selected: {json.dumps(way)} }}, {json.dumps(way)}, given, 0, "
        "{ __type__: 'update', visible: false }]",
        api_visibility="private",
    )
    moved.success(None, js=f"() => sheets.press({json.dumps(trace)})", api_visibility="private")

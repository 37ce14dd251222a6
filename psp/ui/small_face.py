"""The small face beside sliders: where it is shown, what asks for it, what is known of the visitor."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from psp.codes.latents import CodesFile
from psp.inference.known_faces import FaceIn
from psp.ui.figure import blank_figure


@dataclass(frozen=True)
class SmallFace:
    """The parts of a face that follows sliders.

    Attributes:
        shown: The face with its caption, as HTML.
        ask: Pressed by the page itself when it is to be made anew.
        known: What is known of the visitor's faces.
    """

    shown: gr.HTML
    ask: gr.Button
    known: gr.State


def small_face(name: str, ask: str, empty: str) -> SmallFace:
    """Make the parts inside the current layout.

    Args:
        name: Of the column's class, for styles and scripts.
        ask: The button's name in the page.
        empty: What stands there while there is no face.
    """
    with gr.Column(elem_classes=["live", name], min_width=120):
        shown = gr.HTML(blank_figure(empty), elem_classes="live-picture", padding=False)
        button = gr.Button("Preview", elem_id=ask, visible="hidden")
    return SmallFace(shown, button, gr.State({}))


def start_of(
    base: CodesFile | None, photo: str | None, align: bool, face: int | None
) -> CodesFile | FaceIn | None:
    """Return what is drawn: the base, else the face in the photo, else None."""
    return base or (FaceIn(photo, bool(align), int(face or 0)) if photo else None)

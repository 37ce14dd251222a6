"""Two faces side by side, with arrows to swap them."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from psp.ui.controls import PhotoControls, faces_found, picture_input

_HEIGHT = 230  # pixels: two of them and three sliders are in sight together


@dataclass(frozen=True)
class TwoFaces:
    """The parts of the two faces.

    Attributes:
        photo: The face that the mixture starts from.
        note: What was found in it.
        picker: Its faces to choose from.
        style: The face that is mixed in; none: random styles.
        swap: Exchanges the two.
    """

    photo: gr.Image
    note: gr.Markdown
    picker: gr.Gallery
    style: gr.Image
    swap: gr.Button


def two_faces() -> TwoFaces:
    """Lay out the two faces, inside the current layout."""
    with gr.Row(elem_classes="two-faces", equal_height=True):
        photo = picture_input("Photo", "Drop a photo, paste one, or use the camera", _HEIGHT)
        style = picture_input("Another face", "Leave it empty for random faces", _HEIGHT)
    note, picker = faces_found()
    swap = gr.Button("⇄ Swap the faces", size="sm", elem_classes="swap")
    return TwoFaces(photo, note, picker, style, swap)


def connect_swap(faces: TwoFaces, controls: PhotoControls) -> gr.events.Dependency:
    """Let the arrows exchange the two pictures, in the browser; return the event."""
    return faces.swap.click(
        None,
        [faces.photo, faces.style],
        [faces.photo, faces.style, controls.face],  # its number belongs to the photo before
        js="(photo, style) => (results.keeps('style_mix'), [style, photo, 0])",
        api_visibility="private",
    )

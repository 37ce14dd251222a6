"""The outputs that tabs share: the result with what it was made from, and closed sections with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from psp.tasks import Task
from psp.ui.cache import as_path
from psp.ui.controls import untouched
from psp.ui.linked import LINK_ALONE
from psp.ui.send_row import send_buttons

BUTTONS: list[Any] = ["download", "fullscreen"]
"""What a picture on the page offers; Gradio's own "share" would upload it to a public site."""

Kind = Literal["image", "gallery"]

# Pixels: the height of the result, of one of several, and of the row of these; the least width of a button.
_LARGE, _LARGE_OF_SEVERAL, _ROW, _NARROW = 560, 440, 166, 120


@dataclass(frozen=True)
class Pasting:
    """What tasks on photos show besides.

    Attributes:
        faces: Results of all faces of the photo.
        pieces: These results and their places, as (path, alignment); empty: there is that of the API alone.
        button: Pastes back.
        pasted: The photo with the result in it.
    """

    faces: gr.Gallery
    pieces: gr.State
    button: gr.Button
    pasted: gr.Image

    def everything(self) -> list[gr.components.Component]:
        """Return what is emptied before another result comes."""
        return [self.faces, self.pieces, self.button, self.pasted]

    @staticmethod
    def emptied(*, ready: bool) -> list[Any]:
        """Return what empties :meth:`everything`; ``ready``: there is a new result to paste."""
        hidden = gr.update(value=None, visible=False)
        return [hidden, [], gr.update(interactive=ready), hidden]


@dataclass(frozen=True)
class Results:
    """What every task shows.

    Attributes:
        slider: The result, large: before and after.
        first: The result as the endpoint's first output: one picture, or a gallery to choose from.
        told: Whether the result is still that of what the tab says, and whether a run was stopped.
        words: The result in a sentence or two.
        save: Hands out the picture that is looked at.
        share: Makes one picture of it and of what it was made of (``psp.ui.share``).
        shared: That picture, not shown: the page hands it on.
        marked: The photo with the crop drawn on it; None where the input is no photo.
        seen: What the model saw.
        numbers: How it was made, in numbers.
        latents: The file of codes, the endpoint's second output.
        archive: Everything as a ZIP.
        link: Link that restores the settings.
        details: The endpoint's third output.
        source: The picture that the result was made of, not shown: the input may be another one by now.
        chosen: Which picture of several is looked at, not shown.
        pasting: For tasks on photos.
    """

    slider: gr.ImageSlider
    first: gr.Image | gr.Gallery
    told: gr.Markdown
    words: gr.Markdown
    save: gr.DownloadButton
    share: gr.Button
    shared: gr.File
    marked: gr.Image | None
    seen: gr.Image
    numbers: gr.Markdown
    latents: gr.File
    archive: gr.DownloadButton
    link: gr.Textbox
    details: gr.JSON
    source: gr.Image
    chosen: gr.Number
    pasting: Pasting | None = None

    def of_api(self) -> list[gr.components.Component]:
        """Return the three outputs of the API."""
        return [self.first, self.latents, self.details]

    def beside_api(self) -> list[gr.components.Component]:
        """Return the outputs that a result fills besides."""
        return [
            self.seen, self.slider, self.words, self.numbers, self.save, self.archive, self.link, self.chosen,
            self.share,
        ]  # fmt: skip

    def outputs(self) -> dict[str, gr.components.Component]:
        """Return what goes and comes with a result, by the names of ``assets/results.js``."""
        named: dict[str, gr.components.Component] = {
            "source": self.source, "first": self.first, "latents": self.latents, "details": self.details,
            "seen": self.seen, "slider": self.slider, "words": self.words, "numbers": self.numbers,
            "save": self.save, "archive": self.archive, "link": self.link, "told": self.told,
            "share": self.share, "shared": self.shared,
        }  # fmt: skip
        if self.pasting:
            pasting = self.pasting
            named |= {"faces": pasting.faces, "paste": pasting.button, "pasted": pasting.pasted}
        return named


def results_panel(kind: Kind, task: Task) -> Results:
    """Make the outputs of a task, a column inside the current row.

    Args:
        kind: Whether the task gives one picture or several.
        task: The task.
    """
    photo = task.kind == "photo"
    with gr.Column(scale=3, elem_classes="result-column", elem_id=f"result-{task.name}"):
        slider = gr.ImageSlider(
            label="Result" if kind == "image" else "Before and after", format="png", interactive=False,
            max_height=_LARGE if kind == "image" else _LARGE_OF_SEVERAL, elem_classes=["above", "large"],
            buttons=["fullscreen"],
        )  # fmt: skip
        several = _gallery() if kind == "gallery" else None
        told = gr.Markdown(elem_classes="note told")
        words = gr.Markdown(elem_classes="words")
        with gr.Row(elem_classes="actions"):
            save = gr.DownloadButton("Download", size="sm", interactive=False, min_width=_NARROW)
            share = gr.Button("Share picture", size="sm", interactive=False, min_width=_NARROW)
            paste = gr.Button("Paste back into the photo", size="sm", interactive=False, min_width=_NARROW)
            paste.visible = photo
        gr.HTML(send_buttons(task.name), padding=False, elem_classes="send-frame")
        pasting = _pasting(paste) if photo else None
        with gr.Accordion("How it was made", open=False):
            gr.Markdown(f"*{task.limits}*", elem_classes="note")
            with gr.Row():
                marked = picture_output("The crop on the photo", 240) if photo else None
                seen = picture_output("What the model sees", 240)
            numbers = gr.Markdown(elem_classes="note")
            details = gr.JSON(label="Details")
        with gr.Accordion("Files, and a link to these settings", open=False):
            first = several or picture_output("Picture", 240)
            archive = gr.DownloadButton("All files (ZIP)", size="sm", interactive=False)
            latents = as_path(gr.File(label="Latents (W+ codes)", height=90, interactive=False))
            link = gr.Textbox(
                label="Recipe",
                info=LINK_ALONE,
                interactive=False,
                buttons=["copy"],
            )
    source = untouched(
        gr.Image(label="Made of", type="filepath", image_mode=None, format="png", visible=False)
    )
    shared = as_path(gr.File(visible=False, label="To share"))
    chosen = gr.Number(0, precision=0, minimum=0, visible=False, label="Chosen", info="Set by the page")
    return Results(
        slider, first, told, words, save, share, shared, marked, seen, numbers, latents, archive, link,
        details, source, chosen, pasting,
    )  # fmt: skip


def _gallery() -> gr.Gallery:
    """Make the row of several results to choose from."""
    return gr.Gallery(
        label="Results", format="png", columns=8, height=_ROW, interactive=False, allow_preview=False,
        elem_classes=["above", "several"], buttons=[],
    )  # fmt: skip


def _pasting(button: gr.Button) -> Pasting:
    faces = gr.Gallery(
        label="All faces", visible=False, columns=4, height=220, format="png", interactive=False,
        elem_classes="above", buttons=[*BUTTONS],
    )  # fmt: skip
    pasted = picture_output("In the photo", 420)
    pasted.visible = False
    return Pasting(faces, gr.State([]), button, pasted)


def picture_output(label: str, height: int) -> gr.Image:
    """Make an image output that shows a file as it is, enlarged where it is small."""
    picture = gr.Image(
        label=label, format="png", type="filepath", image_mode=None, height=height, interactive=False,
        elem_classes=["fill", "above"], buttons=BUTTONS,
    )  # fmt: skip
    return untouched(picture)  # it comes back as an input of what follows

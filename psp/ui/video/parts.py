"""What the Video tab has on it: the video, its settings in few words, what it costs, the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gradio as gr
from gradio.data_classes import FileData

from psp.codes.directions import names_in
from psp.config import Settings
from psp.files.bundled import directions_file
from psp.inference.examples import VIDEO
from psp.tasks import TOOLS
from psp.ui.addressed import MORE_SETTINGS
from psp.ui.cache import as_path, cached
from psp.ui.gate.uploads import check_files
from psp.ui.settings import Controls, model_input, setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words

TASK = TOOLS["video"]

_HEIGHT, _LARGE = 300, 560  # pixels of the video, and of the result
_AMOUNT = 0.8  # of the edit that is offered first
_CHOICE = "Draw the face, change one thing about it, or see what a model makes of it"
_TITLES = {"toonify": "Toonify", "edit": "Edit", "encode": "Rebuild"}


@dataclass(frozen=True)
class Parts:
    """The tab.

    Attributes:
        video: The upload.
        example: Takes the video that comes along.
        settings: By the names that the API has for them, in its order.
        drawn: What belongs to "toonify".
        edited: What belongs to "edit".
        direction: What is edited.
        amount: How much.
        cost: What it costs, in words.
        run: Starts it.
        halt: Stops it.
        stop: The visitor's wish to stop.
        shown: The result.
        words: What is said of it.
        save: Hands it out.
        file: The same, the endpoint's first output.
        latents: The second.
        details: The third.
    """

    video: gr.Video
    example: gr.Button
    settings: Controls
    drawn: gr.Column
    edited: gr.Column
    direction: gr.Dropdown
    amount: gr.Slider
    cost: gr.Markdown
    run: gr.Button
    halt: gr.Button
    stop: gr.State
    shown: gr.Video
    words: gr.Markdown
    save: gr.DownloadButton
    file: gr.File
    latents: gr.File
    details: gr.JSON


def lay_out(settings: Settings) -> Parts:
    """Lay out the tab, inside the current Blocks.

    Args:
        settings: Name the models to choose from.
    """
    own = {setting.name: setting for setting in TASK.parameters}
    gr.Markdown(TASK.caption, elem_classes="caption")
    with gr.Row():
        with gr.Column(scale=2, elem_classes="input-column"):
            video = video_input()
            cost = gr.Markdown(elem_classes="note cost")
            example = gr.Button("Take the example video", size="sm")
            offered = [(_TITLES[word], word) for word in own["task"].words]
            made: Controls = {
                "task": gr.Radio(
                    offered,
                    value=own["task"].default,
                    label=own["task"].label,
                    info=_CHOICE,
                    elem_id="video-task",
                )
            }
            with gr.Column(elem_classes="video-own") as drawn:
                made |= setting_controls([own["strength"]], TASK.name)
            with gr.Column(visible=False, elem_classes="video-own") as edited, gr.Row():
                direction, amount = _one_edit()
            with gr.Row(elem_classes="run"):
                run = gr.Button("Make the video", variant="primary", scale=3, elem_id=f"run-{TASK.name}")
                halt = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False)
            with gr.Accordion(MORE_SETTINGS, open=False):
                likeness = replace(
                    own["likeness"], words=tuple(w for w in own["likeness"].words if w != "close")
                )
                made |= setting_controls([likeness], TASK.name)
                made |= setting_controls([own["edits"]], TASK.name)
                made |= setting_controls([own["face"]], TASK.name)
                made["model"] = model_input(TASK.model, settings)
        with gr.Column(scale=3, elem_classes="video-column", elem_id=f"result-{TASK.name}"):
            shown = gr.Video(
                label="Result", height=_LARGE, interactive=False, autoplay=True, loop=True, buttons=[],
                elem_classes="video-result",
            )  # fmt: skip
            words = gr.Markdown(elem_classes="words")
            with gr.Row(elem_classes="actions"):
                save = gr.DownloadButton("Download", size="sm", interactive=False, min_width=120)
            with gr.Accordion("How it was made", open=False):
                gr.Markdown(f"*{TASK.limits}*", elem_classes="note")
                details = gr.JSON(label="Details")
                file = as_path(gr.File(label="Video", height=90, interactive=False))
                latents = as_path(gr.File(label="Latents (W+ codes)", height=90, interactive=False))
    in_order = {name: made[name] for name in own}
    return Parts(
        video, example, in_order, drawn, edited, direction, amount, cost, run, halt, gr.State(Stop()), shown,
        words, save, file, latents, details,
    )  # fmt: skip


def video_input() -> gr.Video:
    """Make the input for a video, which hands over the path of an upload as it is.

    Gradio's own would convert what it is given, with an ffmpeg that believes every file; what the file is,
    ``psp.pictures.video.source`` says, to whoever asks for its cost or its result.
    """
    video = gr.Video(
        label="Video", sources=["upload"], height=_HEIGHT, buttons=[], elem_id="video-input",
    )  # fmt: skip

    def take(payload: FileData | None) -> str | None:
        if payload is None or not payload.path:
            return None
        check_files(payload.model_dump())
        return payload.path

    video.preprocess = in_words(take)  # type: ignore[method-assign]  # no subclass: see picture_input
    return video


def example_file(video: gr.Video) -> str:
    """Return the path of the example video where the page hands files out, for as long as it is there."""
    kept = cached(VIDEO.read_bytes(), VIDEO.name)
    video.keep_in_cache.add(kept)
    return kept


def _one_edit() -> tuple[gr.Dropdown, gr.Slider]:
    """Make the choice of what is edited, and how much; the page writes the text of the edits of it."""
    named = names_in(directions_file().read_bytes())
    choices: list[tuple[str, str | int | float]] = [(each.title, each.name) for each in named]
    direction = gr.Dropdown(choices, value="smile", label="What changes", info="Others: More settings")
    amount = gr.Slider(-1, 1, value=_AMOUNT, step=0.05, label="How much", info="Below 0: the other way")
    return direction, amount

"""A clip of the edit, or of the way to another face: its settings, its button, and the endpoint ``/move``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile
from psp.inference.moving import MOST_THROUGH
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.pictures.formats import ENDINGS
from psp.tasks import TOOLS
from psp.ui.cache import as_path, cached
from psp.ui.cancel import cancel
from psp.ui.controls import PhotoControls, check_model, picture_input
from psp.ui.gate.journal import note
from psp.ui.layout import MODEL_QUEUE
from psp.ui.likeness import as_far_as_it_can
from psp.ui.results import need
from psp.ui.settings import Controls, setting_controls
from psp.ui.stop import Stop, hide_stop, show_stop, watch_stop
from psp.ui.words import in_words

_TASK = TOOLS["move"]
_SHARED = ("edits", "likeness")  # those of the tab
_HEIGHT, _SHOWN = 160, 300  # pixels


@dataclass(frozen=True)
class Clip:
    """The parts of the section for clips.

    Attributes:
        style: Another face to move to; none: the edits alone.
        through: Faces on the way.
        settings: How it moves, by the names that the API has for them.
        make: Makes the clip.
        halt: Stops that.
        stop: The visitor's wish to stop.
        video: Shows an MP4.
        picture: Shows a GIF.
        file: The clip, the endpoint's first output.
        latents: The codes of its ends, the second.
        details: The third.
    """

    style: gr.Image
    through: gr.File
    settings: Controls
    make: gr.Button
    halt: gr.Button
    stop: gr.State
    video: gr.Video
    picture: gr.Image
    file: gr.File
    latents: gr.File
    details: gr.JSON


def clip_section() -> Clip:
    """Make the section, closed, inside the current layout."""
    with gr.Accordion("Make a clip: from the photo to the edit, or to other faces", open=False):
        style = picture_input("To another face", "Leave it empty to move to the edited face", _HEIGHT)
        through = _faces_on_the_way()
        own = [setting for setting in _TASK.own() if setting.name not in _SHARED]
        settings = setting_controls(own, _TASK.name)
        with gr.Row(elem_classes="run"):
            make = gr.Button("Make the clip", scale=3, elem_id="run-move")
            halt = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False)
        video = gr.Video(
            label="Clip",
            visible=False,
            height=_SHOWN,
            autoplay=True,
            loop=True,
            interactive=False,
            buttons=[],
        )
        picture = gr.Image(
            label="Clip", visible=False, height=_SHOWN, interactive=False, buttons=[], type="filepath"
        )
        file = gr.File(label="Clip, to keep", visible=False, interactive=False)
        latents = gr.File(visible=False, label="Codes of both ends")
        details = gr.JSON(visible=False, label="Details")
    return Clip(
        style, through, settings, make, halt, gr.State(Stop()), video, picture, file, latents, details
    )


def _faces_on_the_way() -> gr.File:
    label = f"On the way: up to {MOST_THROUGH} photos or codes"
    given = as_path(
        gr.File(label=label, file_count="multiple", file_types=[*ENDINGS, ".safetensors"], height=150)
    )
    given.preprocess = in_words(given.preprocess)  # type: ignore[method-assign]
    return given


def connect_clip(
    pipeline: PspPipeline,
    clip: Clip,
    controls: PhotoControls,
    base: gr.State,
    directions: gr.File,
    settings: Mapping[str, gr.components.Component],
) -> None:
    """Wire the section, its endpoint with it.

    Args:
        pipeline: Does the work.
        clip: The section.
        controls: The photo.
        base: Codes to start from instead.
        directions: A file of further directions.
        settings: The tab's "edits" and "likeness".
    """
    show_stop(clip.halt, clip.make.click)
    made = clip.make.click(
        _mover(pipeline),
        inputs=[
            controls.photo, base, clip.stop, clip.style, directions, *controls.of_api()[1:],
            *settings.values(), *clip.settings.values(), clip.through,
        ],
        outputs=[clip.file, clip.latents, clip.details],
        api_name="move",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        show_progress_on=clip.make,
    )  # fmt: skip
    made.success(
        None, clip.file, [clip.video, clip.picture, clip.file], js="file => clips.shown(file)",
        api_visibility="private",
    )  # fmt: skip
    # Another face has another clip.
    gr.on(
        [controls.photo.change, clip.style.change, clip.through.change], None, None,
        [clip.video, clip.picture, clip.file, clip.halt],
        js="() => clips.none()", api_visibility="private",
    )  # fmt: skip
    cancel([controls.photo.input, clip.style.input, clip.through.upload, controls.picker.select], [made])
    watch_stop(clip.halt, clip.stop, [made])
    hide_stop(clip.halt, made.success, made.failure, clip.halt.click, controls.picker.select)


def _mover(pipeline: PspPipeline) -> Callable[..., tuple[Any, ...]]:
    """Return the endpoint."""

    @in_words
    def move(
        photo: str,
        base: CodesFile | None,
        stop: Stop,
        style: str | None = None,  # the default is what makes it optional for clients
        directions: str | None = None,
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        edits: str = "",
        likeness: str = "quick",
        seconds: float = 2.0,
        loop: bool = True,
        size: int = 512,
        format: str = "mp4",
        through: list[str] | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Make a clip of a face that changes: into an edited one, or through other faces.

        Args:
            photo: A photo with a face in it.
            base: Codes to start from instead of the photo, on the page.
            stop: The visitor's wish to stop.
            style: A picture with another face to move to; none: the face changes by the edits alone.
            directions: A .safetensors file of further directions in W, one tensor each.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the faces; else the pictures are taken as they are.
            face: Which face of the photo; 0 is the largest.
            edits: As for edit: "smile:0.5,age:-1"; of the face that the clip ends with.
            likeness: "quick"; "close": looked for longer; "exact": keeps hats, curls, backgrounds as well.
            seconds: How long the clip is, 1 to 4.
            loop: Whether it goes there and back.
            size: Side of the clip in pixels, 256 or 512.
            format: "mp4" (H.264) or "gif".
            through: Up to four faces on the way, in this order: photos, or .safetensors files of codes.
            progress: Shows what happens.
        """
        name = check_model(model, "edit", pipeline.settings)
        start, step = base or need(photo, "photo"), stop.watch(progress)

        def run(likeness: str) -> Result:
            return pipeline.move(
                start, style, directions, name, align, int(face or 0), edits, likeness, seconds, loop,
                int(size), format, through, step,
            )  # fmt: skip

        return _files(as_far_as_it_can(pipeline.network, name, likeness, run))

    return move


def _files(result: Result) -> tuple[str, str, dict[str, Any]]:
    """Write a clip into Gradio's cache and return the three outputs of the API."""
    note([result])
    codes = result.latents_file()
    assert result.clip is not None and codes is not None, "it moves"
    file = cached(result.clip.data, f"move.{result.clip.format}")
    return file, cached(codes, "move.safetensors"), result.details

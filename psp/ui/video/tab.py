"""The Video tab, wired: what a video costs as soon as it is there, and the endpoint ``/video``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from psp.errors import PspError
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.inference.video.cost import Cost
from psp.ui.cache import cached
from psp.ui.cancel import cancel
from psp.ui.controls import check_model
from psp.ui.gate.journal import note
from psp.ui.layout import MODEL_QUEUE
from psp.ui.likeness import as_far_as_it_can
from psp.ui.preview import FACES_QUEUE
from psp.ui.results import need
from psp.ui.stop import Stop, hide_stop, show_stop, watch_stop
from psp.ui.video.parts import Parts, example_file, lay_out
from psp.ui.words import escape, in_words


def video_tab(pipeline: PspPipeline) -> None:
    """Lay out the tab, inside the current Blocks, and connect it."""
    parts = lay_out(pipeline.settings)
    _connect_choices(parts)
    _connect_cost(pipeline, parts)
    result = [parts.shown, parts.words, parts.save]
    show_stop(parts.halt, parts.run.click)
    made = parts.run.click(
        _maker(pipeline),
        inputs=[parts.video, parts.stop, *parts.settings.values()],
        outputs=[parts.file, parts.latents, parts.details],
        api_name="video",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        show_progress_on=parts.shown,
    )
    made.success(
        None, [parts.file, parts.details], result, js="(file, details) => films.shown(file, details)",
        api_visibility="private",
    )  # fmt: skip
    # Another video has another result.
    parts.video.change(None, None, [*result, parts.halt], js="() => films.none()", api_visibility="private")
    cancel([parts.video.upload, parts.video.clear, parts.example.click], [made])
    watch_stop(parts.halt, parts.stop, [made])
    hide_stop(parts.halt, made.success, made.failure, parts.halt.click)


def _connect_choices(parts: Parts) -> None:
    """Show what belongs to the chosen task, and write the text of the edits; all in the browser."""
    edits, likeness = parts.settings["edits"], parts.settings["likeness"]
    task = parts.settings["task"]
    assert isinstance(task, gr.Radio)
    task.input(
        None, [task, parts.direction, parts.amount], [parts.drawn, parts.edited, edits, likeness],
        js="(...chosen) => films.task(...chosen)", api_visibility="private",
    )  # fmt: skip
    gr.on(
        [parts.direction.input, parts.amount.input], None, [parts.direction, parts.amount], edits,
        js="(name, amount) => films.edits(name, amount)", api_visibility="private",
    )  # fmt: skip
    kept = json.dumps(example_file(parts.video))
    parts.example.click(None, None, parts.video, js=f"() => films.file({kept})", api_visibility="private")


def _connect_cost(pipeline: PspPipeline, parts: Parts) -> None:
    """Tell what a video costs, as soon as it is there and whenever it changes what is done to it."""
    most = pipeline.settings.max_seconds

    def cost(video: str | None, task: str, strength: float, likeness: str) -> str:
        if not video:
            return ""
        try:
            return cost_words(pipeline.video_cost(video, task, strength, likeness), most)
        except PspError as error:
            return f"⚠️ **{escape(error.problem)}** {escape(error.next_step)}"

    settings = parts.settings
    strength = settings["strength"]
    assert isinstance(strength, gr.Slider)
    gr.on(
        [parts.video.change, settings["task"].change, strength.release, settings["likeness"].change],  # type: ignore[attr-defined]  # all have it
        in_words(cost),
        [parts.video, settings["task"], strength, settings["likeness"]],
        parts.cost,
        concurrency_id=FACES_QUEUE,
        concurrency_limit=2,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )


def cost_words(cost: Cost, most: float) -> str:
    """Return what a video costs, as Markdown.

    Args:
        cost: What it costs.
        most: How many seconds a request may take.
    """
    words = f"**{cost.words}.**"
    if cost.seconds > most:
        fits = max(1, round(cost.frames * most / cost.seconds))
        words += (
            f" A request may take {most:.0f} seconds here, so about the first {fits} frames will be made."
        )
    return " ".join([words, *(escape(warning) for warning in cost.warnings)])


def _maker(pipeline: PspPipeline) -> Callable[..., tuple[Any, ...]]:
    """Return the endpoint."""

    @in_words
    def video(
        video: str,
        stop: Stop,
        task: str = "toonify",
        model: str = "auto",
        face: int = 0,
        edits: str = "",
        strength: float = 1.0,
        likeness: str = "quick",
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Change one face in a short video: it is followed, drawn anew, and put back into every frame.

        Args:
            video: A video with a face in it: MP4, MOV, WebM or MKV; the first ten seconds are used.
            stop: The visitor's wish to stop.
            task: "toonify"; "encode": the face as a model rebuilds it; "edit": smile, age, light, ….
            model: Name of the model; "auto" is the default one.
            face: Which face, of the first frame that shows one; 0 is the largest.
            edits: For edit: what is changed and how much, -1 to 1 each: "smile:0.5,age:-1".
            strength: For toonify: from 0, the face as "encode" makes it, to 1, fully drawn.
            likeness: For encode and edit: "quick"; "exact": keeps hats, curls, backgrounds as well.
            progress: Shows what happens.
        """
        name = check_model(model, task, pipeline.settings)
        path, step = need(video, "video"), stop.watch(progress)

        def run(likeness: str) -> Result:
            return pipeline.video(path, task, name, int(face or 0), edits, strength, likeness, step)

        made = run(likeness) if task == "toonify" else as_far_as_it_can(pipeline.network, name, likeness, run)
        note([made])
        codes = made.latents_file()
        assert made.clip is not None and codes is not None, "a video is made of codes"
        return cached(made.clip.data, "video.mp4"), cached(codes, "video.safetensors"), made.details

    return video

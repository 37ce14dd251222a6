"""Codes of a file brought closer to the photo, the endpoint ``/refine``; and pictures on the way to that."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import gradio as gr

from psp.codes.recipe import picture_to_webp
from psp.inference.pipeline import PspPipeline
from psp.tasks import TOOLS
from psp.ui.cancel import cancel
from psp.ui.controls import check_model
from psp.ui.fresh import Fresh
from psp.ui.layout import PhotoTab, connect_endpoint, crop_of
from psp.ui.results import connect_results, need, result_files
from psp.ui.settings import setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words

_TASK = TOOLS["refine"]
_EVERY = 1.0  # seconds
_QUALITY = 80  # of the WebP that is shown on the way; nobody keeps it


def closer_controls() -> tuple[gr.components.Component, gr.Button]:
    """Make the choice of how, and the button, inside the current layout."""
    (own,) = _TASK.own()
    how = setting_controls([own], _TASK.name)[own.name]
    return how, gr.Button("Bring the codes closer to the photo", size="sm", elem_id="run-refine")


def connect_closer(
    pipeline: PspPipeline,
    tab: PhotoTab[Any],
    fresh: Fresh,
    latents: gr.File,
    how: gr.components.Component,
    button: gr.Button,
) -> None:
    """Wire the button, its endpoint with it.

    Args:
        pipeline: Does the work.
        tab: The tab whose photo it is.
        fresh: Keeps its results together with what they were made of.
        latents: The file of codes.
        how: The choice of how.
        button: Begins.
    """
    controls = tab.controls
    fresh.ask(button.click)
    begin = fresh.begin("refine", ["photo", "align", "face", "codes", "model"])
    inputs = [controls.photo, latents, *controls.of_api()[1:], how, tab.stop]
    made = connect_endpoint(button.click, _refiner(pipeline), _TASK.name, inputs, tab.results, js=begin)
    shown = connect_results(fresh.follow(made, "refine"), tab.results, fresh, crop_of(pipeline))
    others = [controls.photo.input, controls.face.input, controls.picker.select]
    cancel([*others, latents.upload, latents.clear], [made, shown])
    cancel([tab.drop.click], [made])


def _refiner(pipeline: PspPipeline) -> Callable[..., tuple[Any, ...]]:
    """Return the endpoint."""

    @in_words
    def refine(
        photo: str,
        latents: str | None = None,  # the default is what makes it optional for clients
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        likeness: str = "close",
        stop: Stop | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Bring a face closer to its photo: from the encoder's answer, or from codes of a file.

        Args:
            photo: A photo with a face in it.
            latents: A ``.safetensors`` file of codes to start from; none: what the encoder answers.
            model: Name of the model; "auto" is the one that the codes name, else the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            likeness: "close": the codes are moved; "exact": they stay, hats, curls, backgrounds are added.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        name = check_model(model, "encode", pipeline.settings)
        path = need(photo, "photo")
        with (stop or Stop()).watching(progress) as step:
            made = pipeline.refine(path, latents or None, name, align, int(face or 0), likeness, step)
        return result_files(made, "image")

    return refine


def coming_ticks(pipeline: PspPipeline, tab: PhotoTab[Any]) -> gr.Timer | None:
    """Make what asks, while something runs in a tab, for pictures of what it has by then, and shows them.

    Returns:
        What ticks once it is made active; None where a GPU is lent, whose process tells only words.
    """
    if pipeline.network.lent:
        return None
    ticks = gr.Timer(_EVERY, active=False)
    seen = gr.Textbox(visible=False, label="On the way", info="Set by the page")

    def fetch(wish: Stop) -> Any:  # noqa: ANN401  (text or no change)
        picture = wish.fetch()
        if picture is None:
            return gr.skip()
        data = base64.b64encode(picture_to_webp(picture, _QUALITY)).decode()
        return f"data:image/webp;base64,{data}"

    ticks.tick(fetch, tab.stop, seen, queue=False, show_progress="hidden", api_visibility="private")
    js = f"url => {{ results.coming('{tab.task.name}', url); return []; }}"
    seen.change(None, seen, None, js=js, api_visibility="private")
    return ticks

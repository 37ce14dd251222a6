"""The Super-resolution tab and its endpoint ``/super_resolution``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from PIL import Image

from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.pictures.images import degrade
from psp.tasks import TASKS
from psp.ui.controls import check_model
from psp.ui.layout import PhotoTab, Tab, connect_photo_tab, photo_tab
from psp.ui.results import need, result_files
from psp.ui.settings import Controls, setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words

_FACTOR = 8


@dataclass(frozen=True)
class _Offer:
    """What is said of a photo that is sharp already, the button that shrinks it, and whether it is one."""

    group: gr.Group
    shrink: gr.Button
    detailed: gr.Checkbox


def super_resolution_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["super_resolution"]
    tab = photo_tab(pipeline.settings, task, "gallery", _extra)
    offer, controls = tab.extra

    def make(
        photo: str,
        model: str,
        align: bool,
        face: int,
        factor: int,
        variants: int,
        seed: int,
        **step: Any,  # noqa: ANN401  (step=)
    ) -> Result:
        model = check_model(model, task.name, pipeline.settings)
        return pipeline.super_resolution(
            need(photo, "photo"), model, align, int(face or 0), int(factor), int(variants), int(seed), **step
        )

    @in_words
    def super_resolution(
        photo: str,
        model: str,
        align: bool,
        face: int,
        factor: int,
        variants: int,
        seed: int,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Make a larger, sharp face from a small or blurred one.

        Args:
            photo: A photo, or a tiny picture of a face.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            factor: 0 takes the picture as it is; 4, 8, 16 or 32 shrinks it first, to demonstrate.
            variants: How many plausible faces; the first is the likeliest.
            seed: Of the random detail of the others; -1: by chance.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        result = make(photo, model, align, face, factor, variants, seed, step=stop.watch(progress))
        return result_files(result, tab.kind)

    connected = connect_photo_tab(
        pipeline, tab, super_resolution, make, controls, see=partial(_seen, pipeline), detailed=offer.detailed
    )
    _connect_offer(tab, offer, controls)
    return connected


def _extra() -> tuple[_Offer, Controls]:
    with gr.Group(visible=False, elem_classes="offer") as group:
        gr.Markdown("**This picture already has more detail than this task can add.**")
        shrink = gr.Button(f"Shrink it {_FACTOR} times to see the effect", size="sm")
    # Only what is mounted tells of its changes.
    detailed = gr.Checkbox(label="Detailed", info="Set by the page", visible="hidden")
    return _Offer(group, shrink, detailed), setting_controls(
        TASKS["super_resolution"].own(), "super_resolution"
    )


def _connect_offer(tab: PhotoTab[tuple[_Offer, Controls]], offer: _Offer, controls: Controls) -> None:
    """Show the offer for a photo that is sharp already, as long as it is taken as it is."""
    factor = controls["factor"]
    assert isinstance(factor, gr.Dropdown)
    gr.on(
        [offer.detailed.change, factor.change],
        None,
        [offer.detailed, factor],
        offer.group,
        js="(detailed, factor) => ({ __type__: 'update', visible: Boolean(detailed) && !Number(factor) })",
        api_visibility="private",
    )
    shrunk = offer.shrink.click(None, None, factor, js=f"() => {_FACTOR}", api_visibility="private")
    tab.run.elem_id = f"run-{tab.task.name}"
    press = f"() => sheets.press({json.dumps(tab.run.elem_id)})"
    shrunk.success(None, js=press, api_visibility="private")


def _seen(pipeline: PspPipeline, photo: str, details: dict[str, Any]) -> Image.Image:
    """Return what the model saw: the crop, made smaller where that was asked for."""
    crop = pipeline.crop(photo, details["alignment"]["quad"])
    return degrade(crop, details["recipe"]["settings"]["factor"] or 1)

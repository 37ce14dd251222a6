"""The Sketch → face tab and its endpoints ``/sketch_to_face`` and ``/photo_to_sketch``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from psp.inference.pipeline import PspPipeline
from psp.pictures.papers import read_drawing
from psp.pictures.sketches import is_photo, normalize_sketch
from psp.tasks import TASKS
from psp.ui.controls import check_model
from psp.ui.drawing import connect_drawing_tab, connect_trace, drawing_tab, pad_input
from psp.ui.layout import Tab
from psp.ui.results import need, result_files
from psp.ui.stop import Stop
from psp.ui.words import in_words


def sketch_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["sketch_to_face"]
    tab = drawing_tab(
        pipeline.settings,
        task,
        "sketch",
        _pad,
        "Draw the photo as a sketch",
        redraws=None if pipeline.network.lent else False,
    )

    @in_words
    def sketch_to_face(
        sketch: str,
        model: str,
        variants: int,
        seed: int,
        layers: str,
        alpha: float,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Make faces that follow a drawing.

        Args:
            sketch: Any drawing of a face: dark or coloured lines, thin or thick, on screen or photographed.
            model: Name of the model; "auto" is the default one.
            variants: How many faces, with random styles of the seeds seed, seed + 1, …
            seed: Of the first random style; -1: by chance.
            layers: Which layers take the style: "auto", "8-", "0-3,7", "all", "pose", "features,colours:0.5".
            alpha: Share of the style in these layers, 0 to 1.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        result = pipeline.sketch_to_face(
            need(sketch, "sketch"),
            check_model(model, task.name, pipeline.settings),
            int(variants),
            int(seed),
            layers,
            alpha,
            step=stop.watch(progress),
        )
        return result_files(result, "gallery")

    connect_trace(
        tab,
        "photo_to_sketch",
        pipeline.photo_to_sketch,
        "Draw the face in a photo as a sketch of dark lines.",
    )
    return connect_drawing_tab(
        pipeline,
        tab,
        sketch_to_face,
        lambda path, _: normalize_sketch(read_drawing(path, pipeline.settings.max_pixels)).convert("RGB"),
        "white",
        is_photo,
    )


def _pad() -> gr.ImageEditor:
    """Make the pad with its guide: where the face goes, over the sheet and never part of the drawing."""
    pad = pad_input(
        "Draw a face here: dark lines, eyes a little above the middle",
        gr.Brush(default_size=5, colors=["#000000", "#444444"], default_color="#000000"),
        "guided",
    )
    guide = gr.Checkbox(
        True,
        label="Show where the face goes",
        info="A guide that is no part of the drawing",
        elem_classes="guide-switch",
        container=False,
    )
    guide.change(None, guide, js="on => sheets.guide(on)", api_visibility="private")
    return pad

"""The Toonify tab and its endpoint ``/toonify``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.tasks import TASKS
from psp.ui.controls import check_model
from psp.ui.layout import Tab, connect_photo_tab, photo_tab
from psp.ui.results import need, result_files
from psp.ui.settings import setting_controls
from psp.ui.stop import Stop
from psp.ui.words import in_words


def toonify_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["toonify"]
    tab = photo_tab(pipeline.settings, task, "image", lambda: setting_controls(task.own(), task.name))

    def make(photo: str, model: str, align: bool, face: int, strength: float, **step: Any) -> Result:  # noqa: ANN401  (step=)
        model = check_model(model, task.name, pipeline.settings)
        return pipeline.toonify(need(photo, "photo"), model, align, int(face or 0), strength, **step)

    @in_words
    def toonify(
        photo: str,
        model: str,
        align: bool,
        face: int,
        strength: float,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Turn the face in a photo into an illustration.

        Args:
            photo: A photo with a face in it.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            strength: From 0, the face as "encode" makes it, to 1, fully drawn.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        return result_files(make(photo, model, align, face, strength, step=stop.watch(progress)), tab.kind)

    return connect_photo_tab(pipeline, tab, toonify, make, tab.extra)

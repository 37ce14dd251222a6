"""The Segmentation → face tab and its endpoints ``/segmentation_to_face`` and ``/photo_to_mask``."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from PIL import Image

from psp.errors import InputError, PspError
from psp.inference.pipeline import PspPipeline
from psp.maps.palette import CLASSES, FACE_CLASSES, PALETTE, is_photo, map_to_picture, picture_to_map
from psp.registry.lookup import BUNDLED, OFFICIAL, families
from psp.tasks import TASKS
from psp.ui.controls import check_model
from psp.ui.drawing import DrawingTab, connect_drawing_tab, connect_trace, drawing_tab, pad_input
from psp.ui.layout import Tab
from psp.ui.results import need, result_files
from psp.ui.stop import Stop
from psp.ui.words import escape, in_words

_COLOURS = tuple(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in PALETTE)
_SKIN = CLASSES.index("skin")


def segmentation_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    task = TASKS["segmentation_to_face"]
    redraws = None if pipeline.network.lent else True
    tab = drawing_tab(pipeline.settings, task, "map", _pad, "Map the photo", redraws=redraws)

    @in_words
    def segmentation_to_face(
        mask: str,
        model: str,
        variants: int,
        seed: int,
        layers: str,
        alpha: float,
        stop: Stop,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Make faces that follow a segmentation map.

        Args:
            mask: A square map of the 19 classes (or the model's own), in colours or as an index picture.
            model: Name of the model; "auto" is the default one.
            variants: How many faces, with random styles of the seeds seed, seed + 1, …
            seed: Of the first random style; -1: by chance.
            layers: Which layers take the style: "auto", "8-", "0-3,7", "all", "pose", "features,colours:0.5".
            alpha: Share of the style in these layers, 0 to 1.
            stop: The visitor's wish to stop.
            progress: Shows what happens.
        """
        result = pipeline.segmentation_to_face(
            need(mask, "map"),
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
        "photo_to_mask",
        pipeline.photo_to_mask,
        "Map the face in a photo by the 19 classes, in their colours.",
    )
    _connect_classes(pipeline, tab)

    return connect_drawing_tab(
        pipeline,
        tab,
        segmentation_to_face,
        partial(_see, pipeline),
        "black",
        is_photo,
        partial(_allow_pad, pipeline),
    )


def _see(pipeline: PspPipeline, path: str, details: dict[str, Any]) -> Image.Image:
    """Return the map as the model saw it, in the colours of its classes."""
    named = details["model"] if details["model"] in families(pipeline.settings) else "auto"
    classes = pipeline.network.map_classes(named)
    return map_to_picture(picture_to_map(pipeline.read(path, flat=False), classes)[0], classes)


def _allow_pad(pipeline: PspPipeline, model: str) -> None:
    """Refuse what was painted for a model with other classes than the pad has colours for."""
    classes = pipeline.network.told_classes(check_model(model, "segmentation_to_face", pipeline.settings))
    if classes not in (None, FACE_CLASSES):
        raise InputError(
            f"The pad paints the {len(CLASSES)} classes of faces, but this model has {len(classes)} of its "
            f"own: {classes.listed()}.",
            "Open Upload and give a map of these: their numbers as grey values, or their colours.",
        )


def _connect_classes(pipeline: PspPipeline, tab: DrawingTab) -> None:
    """Say below the tab which classes the chosen model has, where they are not those of faces."""

    def told(model: str) -> str:
        try:
            # No more than the header: a choice in a list must not download or load a model.
            classes = pipeline.network.told_classes(check_model(model, tab.task.name, pipeline.settings))
        except PspError:  # the request says it
            return ""
        if classes in (None, FACE_CLASSES):
            return ""
        listed = escape(classes.listed())
        return f"**Maps for this model** have {len(classes)} classes: {listed}. Open *Upload* and give one."

    def about(model: str) -> dict[str, Any]:
        text = told(model)
        return gr.update(value=text, visible=bool(text))

    first = "" if pipeline.settings.model in (BUNDLED, OFFICIAL) else told("auto")
    note = gr.Markdown(first, visible=bool(first))
    tab.model.change(about, tab.model, note, api_visibility="private", show_progress="hidden")


def _pad() -> gr.ImageEditor:
    """Make the pad with its legend: choosing a class there chooses the brush's colour."""
    brush = gr.Brush(
        default_size=24, colors=list(_COLOURS), default_color=_COLOURS[_SKIN], color_mode="fixed"
    )
    pad = pad_input("Paint here; strokes are taken for the nearest colour of the palette", brush)
    legend = gr.Radio(
        [(name, index) for index, name in enumerate(CLASSES)],
        value=_SKIN,
        label="Paint with",
        info="Left and right are the person's",
        elem_classes="legend",
        elem_id="legend",
    )
    legend.input(
        None, inputs=legend, js="index => pads.takeColour('#legend', index)", api_visibility="private"
    )
    return pad


def legend_css() -> str:
    """Return the style of the legend: each class beside its colour, which ``assets/sheet.js`` reads there."""
    return "\n".join(
        f".legend label:nth-of-type({index + 1}) {{ --class-colour: {colour}; }}"
        for index, colour in enumerate(_COLOURS)
    )

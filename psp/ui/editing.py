"""The Edit tab and its endpoint ``/edit``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.tasks import TASKS
from psp.ui.base import Base, base_controls, connect_base
from psp.ui.cancel import cancel
from psp.ui.controls import check_model, photo_field
from psp.ui.edit.clip import Clip, clip_section, connect_clip
from psp.ui.edit.live import connect_live_edit, live_edit
from psp.ui.edit.sliders import EditSliders, connect_edit_sliders, more_sliders, named_sliders
from psp.ui.layout import PhotoTab, Tab, connect_photo_tab, photo_tab
from psp.ui.likeness import as_far_as_it_can
from psp.ui.results import need, result_files
from psp.ui.settings import Controls, setting_controls
from psp.ui.small_face import SmallFace
from psp.ui.stop import Stop
from psp.ui.words import in_words

_TASK = TASKS["edit"]
_HEIGHT = 230  # pixels of the photo: it and the sliders are in sight together


@dataclass(frozen=True)
class _Extra:
    """The tab's own controls.

    Attributes:
        settings: By the names that the API has for them, in its order.
        sliders: The sliders, which write one of them.
        live: The face that follows them; None where a GPU is lent.
        base: What is edited instead of the photo.
        clip: The section for clips.
    """

    settings: Controls
    sliders: EditSliders
    live: SmallFace | None
    base: Base
    clip: Clip


def edit_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    tab = photo_tab(
        pipeline.settings, _TASK, "image", partial(_more, pipeline), partial(photo_field, _HEIGHT)
    )
    settings, sliders, base = tab.extra.settings, tab.extra.sliders, tab.extra.base
    make = partial(_edit, pipeline)

    @in_words
    def edit(
        photo: str,
        base: CodesFile | None,
        stop: Stop,
        directions: str | None = None,  # the default is what makes it optional for clients
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        edits: str = "",
        likeness: str = "quick",
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Change things about a face: smile, age, pose, glasses, hair, light.

        Names for edits: yaw, pitch, smile, mouth, eyes, age, width, beard, glasses, hat, hair_length,
        hair_lightness, hair_warmth, skin, brightness; of any model pose-1, -2, -3, features-1, colours-1, …

        Args:
            photo: A photo with a face in it.
            base: Codes to start from instead of the photo, on the page.
            stop: The visitor's wish to stop.
            directions: A .safetensors file of further directions in W, one tensor each.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the face; else the picture is taken as it is.
            face: Which face; 0 is the largest.
            edits: What is changed and how much, -2 to 2 each (beyond 1 with a warning): "smile:0.5,age:-1".
            likeness: "quick"; "close": looked for longer; "exact": keeps hats, curls, backgrounds as well.
            progress: Shows what happens.
        """
        step = stop.watch(progress)
        made = make(photo, model, align, face, edits, likeness, directions=directions, base=base, step=step)
        return result_files(made, tab.kind)

    inputs = [
        tab.controls.photo, base.codes, tab.stop, sliders.directions, *tab.controls.of_api()[1:],
        *settings.values(),
    ]  # fmt: skip
    connected = connect_photo_tab(
        pipeline, tab, edit, make, settings, inputs=inputs,
        also=[sliders.directions], beside={"base": base.about, "directions": sliders.about},
        switches={"keep": base.keep},
    )  # fmt: skip
    _connect_own(pipeline, tab, connected)
    return connected


def _more(pipeline: PspPipeline) -> _Extra:
    """Make the sliders with the face beside them, and the rest in a section that is closed."""
    with gr.Row(elem_classes="editor"):
        with gr.Column(min_width=150, elem_classes="groups"):
            by_name = named_sliders(pipeline.settings)
        live = None if pipeline.network.lent else live_edit()
    sliders = more_sliders(*by_name)
    own = {setting.name: setting for setting in _TASK.own()}
    settings = setting_controls([own["likeness"]], _TASK.name)
    with gr.Accordion("Advanced", open=False):
        settings |= setting_controls([own["edits"]], _TASK.name)
        base = base_controls()
    return _Extra({name: settings[name] for name in own}, sliders, live, base, clip_section())


def _connect_own(pipeline: PspPipeline, tab: PhotoTab[_Extra], connected: Tab) -> None:
    """Wire what other tabs do not have."""
    extra, edits = tab.extra, tab.extra.settings["edits"]
    connect_base(extra.base, tab.controls, tab.results, connected.fresh, "editing", afresh=edits)
    connect_edit_sliders(extra.sliders, edits, tab.controls.model, pipeline.settings)
    connect_clip(
        pipeline, extra.clip, tab.controls, extra.base.codes, extra.sliders.directions, extra.settings
    )
    if extra.live:
        live = connect_live_edit(
            pipeline, extra.live, tab.controls, extra.base.codes, extra.sliders.directions, extra.settings,
            tab.results,
        )  # fmt: skip
        cancel([tab.run.click], [live])


def _edit(
    pipeline: PspPipeline,
    photo: str,
    model: str,
    align: bool,
    face: int,
    edits: str,
    likeness: str,
    directions: str | None = None,
    *,
    base: CodesFile | None = None,
    **step: Any,  # noqa: ANN401  (step=)
) -> Result:
    model = check_model(model, _TASK.name, pipeline.settings)
    start = base or need(photo, "photo")

    def run(likeness: str) -> Result:
        return pipeline.edit(start, directions, model, align, int(face or 0), edits, likeness, **step)

    return as_far_as_it_can(pipeline.network, model, likeness, run)

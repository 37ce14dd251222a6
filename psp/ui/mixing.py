"""The Style mixing tab and its endpoint ``/style_mix``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from psp.codes.latents import CodesFile
from psp.inference.examples import examples_of
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.parameters import LAYERS
from psp.tasks import TASKS
from psp.ui.base import Base, base_controls, connect_base
from psp.ui.cancel import cancel
from psp.ui.controls import check_model
from psp.ui.layout import PhotoTab, Tab, connect_photo_tab, photo_tab
from psp.ui.mix.faces import TwoFaces, connect_swap, two_faces
from psp.ui.mix.live import connect_live, live_mixture
from psp.ui.mix.sliders import Sliders, connect_sliders, group_sliders
from psp.ui.results import need, result_files
from psp.ui.settings import Controls, setting_controls
from psp.ui.small_face import SmallFace
from psp.ui.stop import Stop
from psp.ui.words import in_words

_TASK = TASKS["style_mix"]
_SHOWN = ("variants", "seed")  # the others say with numbers what the sliders say


@dataclass(frozen=True)
class _Extra:
    """The tab's own controls.

    Attributes:
        settings: By the names that the API has for them, in its order.
        base: What a mixture starts from instead of the photo.
    """

    settings: Controls
    base: Base


class _Layout:
    """Lays out the tab's own parts; ``photo_tab`` asks for them one after the other.

    Args:
        live: Whether the mixture follows the sliders.
    """

    faces: TwoFaces
    sliders: Sliders
    live: SmallFace | None

    def __init__(self, *, live: bool) -> None:
        self._live = live

    def field(self) -> tuple[gr.Image, gr.Markdown, gr.Gallery]:
        """Make the two faces, and the sliders with the mixture below them."""
        self.faces = two_faces()
        first = examples_of(_TASK.name)[0].settings
        with gr.Row(elem_classes="mixer"):
            with gr.Column(min_width=150, elem_classes="groups"):
                gr.Markdown("**How much of the other face?**", elem_classes="note")
                self.sliders = group_sliders(str(first.get("layers", LAYERS.default)))
            self.live = live_mixture() if self._live else None
        return self.faces.photo, self.faces.note, self.faces.picker

    def extra(self) -> _Extra:
        """Make the task's settings: those of chance, and the rest in a section that is closed."""
        own = _TASK.own()
        settings = setting_controls([each for each in own if each.name in _SHOWN], _TASK.name)
        with gr.Accordion("Advanced", open=False):
            settings |= setting_controls([each for each in own if each.name not in _SHOWN], _TASK.name)
            base = base_controls()
        return _Extra({each.name: settings[each.name] for each in own}, base)


def mixing_tab(pipeline: PspPipeline) -> Tab:
    """Lay out the tab, inside the current Blocks, and connect it."""
    layout = _Layout(live=not pipeline.network.lent)
    tab = photo_tab(pipeline.settings, _TASK, "gallery", layout.extra, layout.field)
    style, settings, base = layout.faces.style, tab.extra.settings, tab.extra.base
    make = partial(_mix, pipeline)

    @in_words
    def style_mix(
        photo: str,
        base: CodesFile | None,
        stop: Stop,
        style: str | None = None,  # the default is what makes it optional for clients
        model: str = "auto",
        align: bool = True,
        face: int = 0,
        layers: str = "auto",
        alpha: float = 1.0,
        variants: int = 1,
        seed: int = 0,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        """Blend the codes of a face with those of another picture, or with random styles.

        Args:
            photo: A photo with a face in it.
            base: Codes to start from instead of the photo, on the page.
            stop: The visitor's wish to stop.
            style: A picture with another face; none: random styles.
            model: Name of the model; "auto" is the default one.
            align: Whether to find and crop the faces; else the pictures are taken as they are.
            face: Which face of the photo; 0 is the largest.
            layers: Which layers are blended: "auto", "8-", "0-3,7", "all", "pose", "features,colours:0.5".
            alpha: Share of the style in these layers, 0 to 1.
            variants: How many: of a style picture, even steps up to alpha; else random styles.
            seed: Of the first random style; -1: by chance.
            progress: Shows what happens.
        """
        step = stop.watch(progress)
        result = make(
            photo, model, align, face, layers, alpha, variants, seed, style=style, base=base, step=step
        )
        return result_files(result, tab.kind)

    inputs = [
        tab.controls.photo, base.codes, tab.stop, style, *tab.controls.of_api()[1:],
        *settings.values(),
    ]  # fmt: skip
    connected = connect_photo_tab(
        pipeline, tab, style_mix, make, settings, inputs=inputs, style=style,
        beside={"base": base.about}, switches={"keep": base.keep},
    )  # fmt: skip
    _connect_own(pipeline, layout, tab, connected)
    return connected


def _connect_own(pipeline: PspPipeline, layout: _Layout, tab: PhotoTab[_Extra], connected: Tab) -> None:
    """Wire what other tabs do not have."""
    settings, base = tab.extra.settings, tab.extra.base
    connect_base(base, tab.controls, tab.results, connected.fresh, "mixing")
    connect_swap(layout.faces, tab.controls)
    connect_sliders(pipeline, layout.sliders, settings["layers"], tab.controls.model)
    if layout.live:
        live = connect_live(
            pipeline, layout.live, tab.controls, layout.faces, base.codes, settings, tab.results
        )
        cancel([tab.run.click], [live])


def _mix(
    pipeline: PspPipeline,
    photo: str,
    model: str,
    align: bool,
    face: int,
    layers: str,
    alpha: float,
    variants: int,
    seed: int,
    *,
    style: str | None = None,
    base: CodesFile | None = None,
    **step: Any,  # noqa: ANN401  (step=)
) -> Result:
    return pipeline.style_mix(
        base or need(photo, "photo"),
        style,
        check_model(model, "style_mix", pipeline.settings),
        align,
        int(face or 0),
        layers,
        alpha,
        int(variants),
        int(seed),
        **step,
    )

"""Three sliders: how much of the other face each group of layers takes. They write the text of the layers.

What counts is the text, which the API, recipes and examples have. A slider that is moved by hand writes it,
in the browser (``assets/mix.js``); a text that comes from elsewhere moves the sliders to what it says, and
stays as it is, which matters where the sliders cannot say it exactly. So the two agree without the sliders
being settings of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import gradio as gr

from psp.codes.latents import GROUPS, group_shares, parse_layers
from psp.errors import PspError
from psp.inference.pipeline import PspPipeline
from psp.ui.controls import check_model
from psp.ui.preview import FACES_QUEUE
from psp.ui.words import in_words

Sliders = Sequence[gr.Slider]
"""One for each of ``psp.codes.latents.GROUPS``, in their order."""

_READ = "read-mix"

_CARRIES = {
    "pose": "Head, hair, glasses and hats",
    "features": "The face and its age",
    "colours": "Skin, light and background",
}

# Any model that has all groups: what names say of them is the same in each.
_ANY = (4, 32, 64)


def group_sliders(layers: str) -> Sliders:
    """Make the sliders inside the current layout.

    Args:
        layers: The text with which the tab opens, groups by their names.
    """
    shares = group_shares(parse_layers(layers, _ANY), _ANY)
    return [
        gr.Slider(
            0,
            1,
            value=shares[name],
            step=0.05,
            label=title,
            info=_CARRIES[name],
            elem_classes="group",
            buttons=[],
        )
        for name, title in GROUPS.items()
    ]


def connect_sliders(
    pipeline: PspPipeline, sliders: Sliders, layers: gr.components.Component, model: gr.Dropdown
) -> None:
    """Keep the sliders and the text of the layers together.

    Args:
        pipeline: Knows the layers of models.
        sliders: The sliders.
        layers: The text.
        model: Name of the model, whose numbers of layers these are.
    """

    def read_layers(layers: str, model: str) -> list[float] | list[dict[str, object]]:
        try:
            name = check_model(model, "style_mix", pipeline.settings)
            resolutions = pipeline.network.told_resolutions(name, "style_mix")
            if resolutions:
                return [*group_shares(parse_layers(layers, resolutions), resolutions).values()]
        except PspError:  # the run says it
            pass
        return [gr.skip() for _ in sliders]

    read = gr.Button("Read", elem_id=_READ, visible="hidden")
    read.click(
        in_words(read_layers),
        [layers, model],
        [*sliders],
        concurrency_id=FACES_QUEUE,
        concurrency_limit=2,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    names = json.dumps([*GROUPS])
    gr.on(
        [slider.input for slider in sliders],
        None, [*sliders], layers, js=f"(...shares) => mixing.written({names}, shares)",
        api_visibility="private",
    )  # fmt: skip
    # What changes while the tab is not there yet, as a link has it, is no change: the page presses this then.
    there = gr.Button("There", elem_id="there-mix", visible="hidden")
    gr.on(
        [layers.change, there.click],  # type: ignore[attr-defined]  # all controls have it
        None,
        [layers, *sliders],
        [*sliders],
        js=f"(text, ...shares) => mixing.moved({names}, {json.dumps(_READ)}, text, shares)",
        api_visibility="private",
    )

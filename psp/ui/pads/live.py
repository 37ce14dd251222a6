"""The portrait beside a pad, redrawn after each stroke where that is wished: small, and marked as a preview.

It has a place of its own, so that it never stands where a result does. The page presses a hidden button after
a stroke (``assets/sheet.js``) while the switch is on; of several strokes in a row the last is redrawn, in the
line in which all work with a model waits, and a real run takes its place. Where a GPU is lent call by call
there is none of this: each stroke would ask for one.

The sheet comes as the browser shows it, 256 px, within the request: the pad's own way would upload all of its
layers, and again with each change of what Gradio says of any request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.errors import PspError, StoppedError
from psp.inference.pipeline import PspPipeline
from psp.inference.redraw import redraw
from psp.ui.addressed import for_page
from psp.ui.controls import check_model, untouched
from psp.ui.figure import blank_figure, preview_figure
from psp.ui.gate.turn import current_turn
from psp.ui.layout import MODEL_QUEUE
from psp.ui.pads.sheet import is_marked
from psp.ui.words import in_words

_EMPTY = "The portrait appears here while you draw"


@dataclass(frozen=True)
class Live:
    """The parts of the portrait beside a pad.

    Attributes:
        switch: Whether it is redrawn after each stroke; the page asks it.
        shown: The portrait with its caption, as HTML.
        ask: Pressed by the page itself when the portrait is to be redrawn.
        sheet: Takes the sheet as a picture; never seen.
    """

    switch: gr.Checkbox
    shown: gr.HTML
    ask: gr.Button
    sheet: gr.Image


def live_portrait(task: str, *, on: bool) -> Live:
    """Make the portrait beside a pad, with its switch, inside the current layout.

    Args:
        task: Name of the task.
        on: Whether the switch is on at first.
    """
    with gr.Column(elem_classes=["live"] if on else ["live", "off"], min_width=120):
        shown = gr.HTML(blank_figure(_EMPTY), elem_classes="live-picture", padding=False)
        switch = gr.Checkbox(
            on,
            label="Redraw after each stroke",
            info="A quick preview; the button makes the portrait in full",
            elem_classes="live-switch",
            container=False,
        )
        ask = gr.Button("Redraw", elem_id=f"redraw-{task}", visible="hidden")
        sheet = untouched(gr.Image(visible=False, label="Sheet", type="filepath", format="png"))
    switch.change(None, switch, js="on => sheets.live(on)", api_visibility="private")
    return Live(switch, shown, ask, sheet)


def connect_live(
    pipeline: PspPipeline,
    task: str,
    live: Live,
    model: gr.Dropdown,
    style: Mapping[str, gr.components.Component],
    allow: Callable[[str], None],
) -> gr.events.Dependency:
    """Redraw the portrait when the page asks for it; return the event, which a real run cancels.

    Args:
        pipeline: Does the work.
        task: Name of the task.
        live: The parts.
        model: Name of the model.
        style: The controls of the random style: "seed", "layers" and "alpha" are used.
        allow: Refuses what is on the pad for a model, if it cannot be used there.
    """

    def redraw_sheet(sheet: str | None, model: str, seed: int, layers: str, alpha: float) -> Any:  # noqa: ANN401  (HTML, or what leaves it as it is)
        turn = current_turn()
        try:
            picture = pipeline.read(sheet) if sheet else None
            if picture is None or not is_marked(picture):
                return blank_figure(_EMPTY)
            allow(model)
            made = redraw(
                pipeline.network,
                task,
                picture,
                check_model(model, task, pipeline.settings),
                int(seed),
                layers,
                alpha,
                step=lambda words, _: turn.check(words),
            )
        except StoppedError:
            return gr.skip()
        except PspError as error:  # beside the pad, where a message over the page would be in the way
            return blank_figure(for_page(str(error)))
        return preview_figure(made, "the portrait")

    again = f"() => sheets.again({json.dumps(task)})"
    for control in (model, *(style[name] for name in ("seed", "layers", "alpha"))):
        control.change(None, js=again, api_visibility="private")  # type: ignore[attr-defined]  # all have it
    return live.ask.click(
        in_words(redraw_sheet),
        inputs=[live.sheet, model, *(style[name] for name in ("seed", "layers", "alpha"))],
        outputs=live.shown,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        trigger_mode="always_last",
        show_progress="hidden",
        js=f"(sheet, ...made) => [sheets.picture({json.dumps(task)}), ...made]",
        api_visibility="private",
    )

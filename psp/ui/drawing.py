"""What the tabs for sketches and maps share: a pad to draw on, an upload, a start from a photo."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.config import Settings
from psp.errors import PspError
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.tasks import Task
from psp.ui.addressed import MORE_SETTINGS
from psp.ui.cache import cached
from psp.ui.cancel import cancel
from psp.ui.controls import (
    picture_input,
)
from psp.ui.examples import connect_examples, example_row
from psp.ui.fresh import Fresh, When
from psp.ui.gate.pad import limited
from psp.ui.inputs import Inputs, PhotoPlace
from psp.ui.layout import Tab, connect_endpoint, introduction, run_buttons
from psp.ui.pads.live import Live, connect_live, live_portrait
from psp.ui.pads.offers import IsPhoto, Offers, connect_offers, offers
from psp.ui.pads.sheet import SIDE, as_png, flatten, is_drawn
from psp.ui.panel import Results, results_panel
from psp.ui.preview import FACES_QUEUE
from psp.ui.results import (
    See,
    connect_gallery,
    connect_results,
    need,
    result_files,
    write_back_seed,
)
from psp.ui.settings import Controls, align_controls, model_input, setting_controls
from psp.ui.share import connect_share
from psp.ui.stop import Stop, connect_stop
from psp.ui.words import in_words

_DRAW, _UPLOAD, _PHOTO = "draw", "upload", "photo"
_TRACED = """Args:
    photo: A photo with a face in it.
    align: Whether to find and crop the face; else the picture is taken as it is.
    face: Which face; 0 is the largest."""


@dataclass(frozen=True)
class DrawingTab:
    """The parts of a tab whose input is drawn.

    Attributes:
        task: The task.
        pad: What is drawn on.
        given: The drawing as a file: the endpoint's input, filled by an upload or from the pad.
        ways: The tabs "Draw", "Upload", "From a photo".
        way: Which of them is open, not shown.
        model: Name of the model.
        style: The settings of the random styles: variants, seed, layers, amount.
        run: The button that runs the task.
        halt: The button that stops it.
        drawn: Is pressed by the page itself when the drawing on the pad has changed.
        stop: The visitor's wish to stop.
        examples: The row of examples.
        results: The outputs.
        photo: The photo to start from, with its switch for alignment and its face.
        trace: The button that makes a drawing of the photo.
        traced: The other two outputs of that endpoint, not shown.
        offers: What is offered for an upload.
        live: The portrait beside the pad; None where each would need a GPU that is lent.
    """

    task: Task
    pad: gr.ImageEditor
    given: gr.Image
    ways: gr.Tabs
    way: gr.Textbox
    model: gr.Dropdown
    style: Controls
    run: gr.Button
    halt: gr.Button
    drawn: gr.Button
    stop: gr.State
    examples: gr.Gallery
    results: Results
    photo: tuple[gr.Image, gr.Checkbox, gr.Number]
    trace: gr.Button
    traced: tuple[gr.File, gr.JSON]
    offers: Offers
    live: Live | None

    @property
    def inputs(self) -> list[gr.components.Component]:
        """The inputs of the endpoint, and the wish to stop."""
        return [self.given, self.model, *self.style.values(), self.stop]


def drawing_tab(
    settings: Settings,
    task: Task,
    what: str,
    pad: Callable[[], gr.ImageEditor],
    trace_title: str,
    *,
    redraws: bool | None,
) -> DrawingTab:
    """Lay out a tab whose input is drawn, inside the current Blocks.

    Args:
        settings: Name the models to choose from.
        task: The task.
        what: What is drawn, for labels: "sketch".
        pad: Makes the pad, with what belongs beside it.
        trace_title: Title of the button that makes a drawing of a photo.
        redraws: Whether the portrait beside the pad is redrawn after each stroke unless that is switched off;
            None: there is none.
    """
    introduction(task)
    with gr.Row():
        with gr.Column(scale=2, elem_classes="input-column"):
            with gr.Tabs(selected=_DRAW, overflow_behavior="wrap") as ways:
                with gr.Tab("Draw", id=_DRAW), gr.Column(elem_classes="easel-frame"):
                    editor, live = _easel(task, pad, redraws)
                with gr.Tab("Upload", id=_UPLOAD):
                    given = picture_input(what.capitalize(), f"Drop a {what}, paste one, or use the camera")
                    offered = offers(what)
                with gr.Tab("From a photo", id=_PHOTO):
                    photo = picture_input("Photo to start from", "Drop a photo with a face")
                    align, face = align_controls()
                    trace = gr.Button(trace_title, elem_id=_trace_id(task))
            run, halt = run_buttons(task)
            drawn = gr.Button("Drawn", elem_id=f"strokes-{task.name}", visible="hidden")
            own = task.own()
            style = setting_controls(own[:2], task.name)
            examples = example_row(task.name)
            with gr.Accordion(MORE_SETTINGS, open=False):
                style |= setting_controls(own[2:], task.name)
                model = model_input(task.name, settings)
        results = results_panel("gallery", task)
    traced = (
        gr.File(visible=False, label="No codes"),
        gr.JSON(visible=False, label="Details"),
    )
    way = gr.Textbox(_DRAW, visible=False, label="Way", info="Set by the page")
    return DrawingTab(
        task, editor, given, ways, way, model, style, run, halt, drawn, gr.State(Stop()),
        examples, results, (photo, align, face), trace, traced, offered, live,
    )  # fmt: skip


def _easel(
    task: Task, pad: Callable[[], gr.ImageEditor], redraws: bool | None
) -> tuple[gr.ImageEditor, Live | None]:
    """Make the pad with what stands beside it, as the width allows (``assets/pads.css``)."""
    with gr.Column(elem_classes="easel"):
        return pad(), None if redraws is None else live_portrait(task.name, on=redraws)


def pad_input(hint: str, brush: gr.Brush, *classes: str) -> gr.ImageEditor:
    """Make a square pad of 512 px that is drawn on with ``brush``.

    Args:
        hint: What belongs there.
        brush: What is drawn with.
        classes: Of its element, besides "pad".
    """
    pad = gr.ImageEditor(
        label="Pad",
        show_label=False,
        placeholder=hint,
        type="pil",
        format="png",
        canvas_size=(SIDE, SIDE),
        fixed_canvas=True,
        layers=False,
        sources=(),
        transforms=(),
        brush=brush,
        height=480,
        elem_classes=["pad", *classes],
        buttons=["download", "fullscreen"],
    )
    return limited(pad)


def _take_drawing(tab: DrawingTab, paper: str, allow: Callable[[str], None], js: str) -> gr.events.Dependency:
    """Make the run button bring what is on the pad into the endpoint's input, where the pad is open.

    Args:
        tab: The parts.
        paper: Colour of the empty pad.
        allow: Refuses what is on the pad for a model, if it cannot be used there.
        js: What the page does first.

    Returns:
        The event; the endpoint follows its success.
    """

    def take(way: str, drawing: dict[str, Any] | None, model: str) -> Any:  # noqa: ANN401  (path or update)
        if way != _DRAW:
            return gr.skip()
        allow(model)
        if not is_drawn(drawing):
            raise PspError(
                "There is nothing on the pad yet.", "Draw, or open Upload, From a photo, or an example."
            )
        return cached(as_png(flatten(drawing, paper)), f"{tab.task.kind}.png")

    return tab.run.click(
        in_words(take),
        inputs=[tab.way, tab.pad, tab.model],
        outputs=tab.given,
        api_visibility="private",
        js=js,
    )


def connect_drawing_tab(
    pipeline: PspPipeline,
    tab: DrawingTab,
    run: Callable[..., tuple[Any, ...]],
    see: See,
    paper: str,
    is_photo: IsPhoto,
    allow: Callable[[str], None] = lambda model: None,
) -> Tab:
    """Wire all that tabs for drawings have in common, the task's endpoint with it.

    Args:
        pipeline: Does the work.
        tab: The parts.
        run: What the endpoint does; takes ``tab.inputs``.
        see: Makes what the model saw.
        paper: Colour of the empty pad.
        is_photo: Tells a photo from a drawing.
        allow: Refuses what is on the pad for a model, if it cannot be used there.
    """
    settings = {"model": tab.model, **tab.style}
    fresh = _fresh(tab, settings)
    fresh.watch()
    fresh.listen(tab.drawn.click, "changed")
    fresh.ask(tab.run.click)
    began = _take_drawing(tab, paper, allow, fresh.begin("one", [*fresh.names(), "strokes"]))
    fresh.fail(began, "one")
    event = connect_endpoint(
        began.success, run, tab.task.name, tab.inputs, tab.results, js=fresh.draw("one", tab.inputs)
    )
    for name, way in zip((_DRAW, _UPLOAD, _PHOTO), tab.ways.children, strict=True):
        assert isinstance(way, gr.Tab)
        way.select(None, None, tab.way, js=f"() => {json.dumps(name)}", api_visibility="private")
    shown = connect_results(fresh.follow(event, "one"), tab.results, fresh, see)
    shared = connect_share(pipeline, tab.results, fresh, see)
    late: list[gr.events.Dependency] = [began, event, shown, shared, *connect_gallery(tab.results, fresh)]
    cancel([tab.examples.select], late)
    opened = connect_examples(
        tab.examples, tab.task.name, "gallery", tab.given, settings, tab.results, js=fresh.opening()
    )
    late += [opened, connect_results(fresh.opened(opened), tab.results, fresh, see)]
    fresh.listen(tab.given.input, "emptied")
    cancel([tab.given.input], late)
    opened.success(
        None,
        None,
        [tab.ways, tab.way, tab.offers.photo],
        js=_open(_UPLOAD, "{ __type__: 'update', visible: false }"),
        api_visibility="private",
    )
    _connect_beside(pipeline, tab, is_photo, allow)
    write_back_seed(event, tab.results, tab.style["seed"], tab.task.name)
    connect_stop(tab.halt, tab.stop, [began, event], fresh)
    place = PhotoPlace(*tab.photo, (tab.ways, tab.way, _PHOTO), _trace_id(tab.task))
    inputs = Inputs(tab.given, place, ways=(tab.ways, tab.way, _UPLOAD))
    return Tab(tab.task.name, settings, fresh, inputs, tab.results, shown)


def _connect_beside(
    pipeline: PspPipeline, tab: DrawingTab, is_photo: IsPhoto, allow: Callable[[str], None]
) -> None:
    """Wire what stands beside the pad and below the upload."""
    if tab.live is not None:
        live = connect_live(pipeline, tab.task.name, tab.live, tab.model, tab.style, allow)
        cancel([tab.run.click], [live])
    photo, _, face = tab.photo
    connect_offers(
        pipeline,
        tab.offers,
        tab.given,
        is_photo,
        to_pad=lambda button: _to_pad(tab, button.click),
        ways=(tab.ways, tab.way),
        photo=(photo, face),
        trace=_trace_id(tab.task),
        way=_PHOTO,
    )


def _to_pad(tab: DrawingTab, when: When) -> None:
    """Put what was given as a file onto the pad when something happens, and open the pad."""
    name = json.dumps(tab.task.name)
    filled = when(
        None,
        inputs=tab.given,
        outputs=[tab.ways, tab.way, tab.pad],
        js=_open(_DRAW, "{ background: drawing, layers: [], composite: drawing }"),
        api_visibility="private",
    )
    filled.success(None, js=f"() => sheets.filled({name})", api_visibility="private")


def _trace_id(task: Task) -> str:
    return f"trace-{task.name}"


def _fresh(tab: DrawingTab, settings: dict[str, gr.components.Component]) -> Fresh:
    """Return what keeps the results of a tab together with what they were made of.

    What is on the pad goes on being worked at, so another drawing marks the results and leaves them there.
    """
    return Fresh(
        tab.task.name,
        tab.task.title,
        {},
        {"given": tab.given, **settings},
        {**tab.results.outputs(), "halt": tab.halt, "seed": tab.style["seed"]},
    )


def connect_trace(tab: DrawingTab, name: str, draw: Callable[[str, bool, int], Result], doc: str) -> None:
    """Make the endpoint that draws a photo, and let it fill the pad.

    Args:
        tab: The parts.
        name: Name of the endpoint.
        draw: Makes the drawing: photo, align, face.
        doc: What the endpoint does, for its users.
    """

    def trace(photo: str, align: bool, face: int) -> tuple[Any, ...]:
        return result_files(draw(need(photo, "photo"), align, int(face or 0)), "image")

    # Under this name, and with these words, programs find it.
    trace.__name__, trace.__doc__ = name, f"{doc}\n\n{_TRACED}"
    photo, align, face = tab.photo
    traced = tab.trace.click(
        in_words(trace),
        inputs=[photo, align, face],
        outputs=[tab.given, *tab.traced],
        api_name=name,
        concurrency_id=FACES_QUEUE,
    )
    # Another photo has other faces, and nobody waits for the drawing of the one before.
    photo.input(None, inputs=None, outputs=face, js="() => 0", api_visibility="private")
    cancel([photo.input, align.input, face.input], [traced])
    _to_pad(tab, traced.success)


def _open(way: str, more: str = "") -> str:
    """Return the ``js`` that opens one of the ways to give a drawing; ``more``: what it returns besides."""
    return f"(drawing) => [{{ __type__: 'update', selected: '{way}' }}, '{way}', {more}]"

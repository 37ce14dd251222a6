"""The one layout of all tabs: input, what the model sees, result; and how its parts are wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr
from PIL import Image

from psp.codes.recipe import picture_to_png
from psp.config import Settings
from psp.errors import InputError
from psp.inference.inputs import CROP_SIZE
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result, pack
from psp.inference.sharing import SIDE
from psp.tasks import Task
from psp.ui.addressed import MORE_SETTINGS
from psp.ui.all_faces import all_faces
from psp.ui.cache import cached
from psp.ui.cancel import cancel
from psp.ui.controls import PhotoControls, photo_field
from psp.ui.examples import connect_examples, example_row
from psp.ui.fresh import Fresh
from psp.ui.gate.details import checked_details
from psp.ui.gate.journal import note, note_faces, own_run
from psp.ui.inputs import Inputs, PhotoPlace
from psp.ui.panel import Kind, Results, results_panel
from psp.ui.preview import connect_preview
from psp.ui.results import (
    See,
    choose,
    connect_gallery,
    connect_results,
    need,
    open_png,
    picture_at,
    recipe_at,
    write_back_seed,
)
from psp.ui.settings import align_controls, model_input
from psp.ui.share import connect_share
from psp.ui.stop import Stop, connect_enough, connect_stop
from psp.ui.words import in_words

MODEL_QUEUE = "model"
"""All work that uses a model waits in one line, one at a time: the memory holds one job's activations."""

E = TypeVar("E")
Components = Mapping[str, gr.components.Component]
PhotoField = Callable[[], tuple[gr.Image, gr.Markdown, gr.Gallery]]
"""Makes the photo, the note of what was found in it, and the choice of its faces."""


@dataclass(frozen=True)
class Tab:
    """What the page has to know of a tab to restore a recipe there, and to open it with an example.

    Attributes:
        task: Name of the task.
        settings: Its controls by the names that recipes have for them.
        fresh: Keeps its results together with what they were made of.
        inputs: Where it takes its input.
        results: Its outputs.
        finished: What happens last when a run has succeeded.
    """

    task: str
    settings: Components
    fresh: Fresh
    inputs: Inputs
    results: Results
    finished: gr.events.Dependency


def introduction(task: Task) -> None:
    """Say what a task does; what it cannot do stands with how a result was made."""
    gr.Markdown(task.caption, elem_classes="caption")


def run_buttons(task: Task) -> tuple[gr.Button, gr.Button]:
    """Make the buttons that run and stop a task."""
    with gr.Row(elem_classes="run"):
        run = gr.Button(task.title, variant="primary", scale=3, elem_id=f"run-{task.name}")
        stop = gr.Button(
            "Stop", variant="stop", scale=1, min_width=80, visible=False, elem_id=f"stop-{task.name}"
        )
    return run, stop


def drop_button(task: Task) -> gr.Button:
    """Make a button that is not seen: the page presses it where Stop finds nothing to hand out."""
    return gr.Button("Drop", elem_id=f"drop-{task.name}", visible="hidden")


@dataclass(frozen=True)
class PhotoTab(Generic[E]):
    """The parts of a tab whose input is a photo.

    Attributes:
        task: The task.
        kind: Whether it gives one picture or several.
        controls: The photo and its settings.
        extra: The task's own controls.
        run: The button that runs it.
        halt: The button Stop.
        drop: The button that stops it, whatever there is by then: ``halt`` itself, but for tasks that keep.
        stop: The visitor's wish to stop.
        every: The button for all faces.
        examples: The row of examples.
        results: The outputs.
    """

    task: Task
    kind: Kind
    controls: PhotoControls
    extra: E
    run: gr.Button
    halt: gr.Button
    drop: gr.Button
    stop: gr.State
    every: gr.Button
    examples: gr.Gallery
    results: Results


def photo_tab(
    settings: Settings,
    task: Task,
    kind: Kind,
    extra: Callable[[], E],
    field: PhotoField = photo_field,
    *,
    keeps: bool = False,
) -> PhotoTab[E]:
    """Lay out a tab whose input is a photo, inside the current Blocks.

    Args:
        settings: Name the models to choose from.
        task: The task.
        kind: Whether it gives one picture or several.
        extra: Makes the task's own controls.
        field: Makes the photo, the note of what was found in it, and the choice of faces.
        keeps: Whether Stop hands out what there is by then, where there is something.
    """
    introduction(task)
    with gr.Row():
        with gr.Column(scale=2, elem_classes="input-column"):
            photo, note, picker = field()
            run, halt = run_buttons(task)
            drop = drop_button(task) if keeps else halt
            every = gr.Button("All faces in the photo", size="sm", visible=False)
            more = extra()
            examples = example_row(task.name)
            with gr.Accordion(MORE_SETTINGS, open=False):
                align, face = align_controls()
                model = model_input(task.name, settings)
            controls = PhotoControls(photo, note, picker, model, align, face)
        results = results_panel(kind, task)
    stop = gr.State(Stop())
    if keeps:
        connect_enough(halt, drop, stop)
    return PhotoTab(task, kind, controls, more, run, halt, drop, stop, every, examples, results)


def connect_photo_tab(
    pipeline: PspPipeline,
    tab: PhotoTab[Any],
    run: Callable[..., tuple[Any, ...]],
    make: Callable[..., Result],
    extra: Components,
    *,
    inputs: Sequence[gr.components.Component] | None = None,
    see: See | None = None,
    style: gr.Image | None = None,
    also: Sequence[gr.components.Component] = (),
    beside: Components | None = None,
    switches: Components | None = None,
    detailed: gr.Checkbox | None = None,
) -> Tab:
    """Wire all that tabs on photos have in common, the task's endpoint with it.

    Args:
        pipeline: Does the work.
        tab: The parts.
        run: What the endpoint does; takes ``inputs``.
        make: Runs the task: photo, model, align, face, the values of ``extra``, and ``step`` by name.
        extra: The task's own controls by the names that recipes have for them, in the order of ``make``.
        inputs: In the order of the API: by default the photo's, ``extra``, and the wish to stop.
        see: Makes what the model saw; the crop, by default.
        style: The second picture, for style mixing.
        also: What ``make`` takes after the values of ``extra``.
        beside: By name, what else results may be made of.
        switches: By the names of ``assets/results.js``, buttons that need a result.
        detailed: Is told whether a photo is sharp already; tiny pictures are taken as they are then.
    """
    controls, results = tab.controls, tab.results
    settings = {**controls.settings(), **extra}
    fresh = _fresh(tab, extra, {} if style is None else {"style": style}, beside or {}, switches or {})
    fresh.watch()
    fresh.ask(tab.run.click)
    inputs = inputs or [*controls.of_api(), *extra.values(), tab.stop]
    made_of = [name for name in fresh.names() if name != "codes"]
    event = connect_endpoint(
        tab.run.click, run, tab.task.name, inputs, results, js=fresh.begin("one", made_of, inputs)
    )
    fresh.listen(controls.photo.input, "replaced")
    assert results.marked is not None
    connect_preview(pipeline, controls, results.marked, tab.every, detailed=detailed)
    shared = connect_share(pipeline, results, fresh, see or crop_of(pipeline, SIDE))
    see = see or crop_of(pipeline)
    shown = connect_results(fresh.follow(event, "one"), results, fresh, see, style)
    if "seed" in extra:
        write_back_seed(event, results, extra["seed"], tab.task.name)
    every = _connect_every(pipeline, tab, make, [*extra.values(), *also], fresh)
    pasted = _connect_paste(pipeline, tab, fresh)
    late: list[gr.events.Dependency] = [event, every, pasted, shown, shared, *connect_gallery(results, fresh)]
    late += _connect_examples(tab, settings, style, fresh, see, late)
    by_hand = [picture.input for picture in (controls.photo, style) if picture]
    cancel([*by_hand, controls.align.input, controls.face.input, controls.picker.select], late)
    connect_stop(tab.drop, tab.stop if tab.drop is tab.halt else None, [event, every], fresh)
    place = PhotoPlace(controls.photo, controls.align, controls.face)
    return Tab(tab.task.name, settings, fresh, Inputs(controls.photo, place, style), results, shown)


def _connect_examples(
    tab: PhotoTab[Any],
    settings: Components,
    style: gr.Image | None,
    fresh: Fresh,
    see: See,
    late: list[gr.events.Dependency],
) -> list[gr.events.Dependency]:
    """Let a click on an example open it, in place of what is ``late``; return the events that do."""
    cancel([tab.examples.select], late)
    opened = connect_examples(
        tab.examples, tab.task.name, tab.kind, tab.controls.photo, settings, tab.results, style,
        js=fresh.opening(),
    )  # fmt: skip
    return [opened, connect_results(fresh.opened(opened), tab.results, fresh, see, style)]


def _fresh(
    tab: PhotoTab[Any], extra: Components, style: Components, beside: Components, switches: Components
) -> Fresh:
    """Return what keeps the results of a tab on photos together with what they were made of."""
    controls, results = tab.controls, tab.results
    assert results.marked is not None
    codes = {name: component for name, component in beside.items() if name == "codes"}
    more = {name: component for name, component in beside.items() if name != "codes"}
    shown: Components = {
        "face": controls.face, "align": controls.align, "note": controls.note, "picker": controls.picker,
        "marked": results.marked, "every": tab.every, "halt": tab.halt, **extra,
    }  # fmt: skip
    return Fresh(
        tab.task.name,
        tab.task.title,
        {"photo": controls.photo, "align": controls.align, "face": controls.face, **style, **codes},
        {"model": controls.model, **extra, **more},
        {**results.outputs(), **shown, **switches},
    )


def connect_endpoint(
    when: Callable[..., gr.events.Dependency],
    run: Callable[..., tuple[Any, ...]],
    name: str,
    inputs: Sequence[gr.components.Component],
    results: Results,
    js: str | None = None,
) -> gr.events.Dependency:
    """Make an endpoint that uses a model: it waits in the one line for models and gives the three outputs.

    Args:
        when: What starts it on the page: a button's click, or the success of another event.
        run: What it does.
        name: Its name in the API.
        inputs: Its inputs.
        results: Where its outputs are shown.
        js: What the page does first.
    """
    return when(
        run,
        inputs=[*inputs],
        outputs=results.of_api(),
        api_name=name,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        js=js,
        show_progress_on=results.slider,
    )


def crop_of(pipeline: PspPipeline, size: int = CROP_SIZE) -> See:
    """Return what crops a photo as a result's details say, ``size`` pixels a side."""

    def crop(photo: str, details: dict[str, Any]) -> Image.Image | None:
        place = details["alignment"]
        return pipeline.crop(photo, place["quad"], size) if place else None  # None: codes were the base

    return crop


def _connect_every(
    pipeline: PspPipeline,
    tab: PhotoTab[Any],
    make: Callable[..., Result],
    extra: list[gr.components.Component],
    fresh: Fresh,
) -> gr.events.Dependency:
    """Make the button for all faces: one result a face, in a gallery and a ZIP."""
    pasting = tab.results.pasting
    assert pasting is not None

    def make_every(
        photo: str,
        model: str,
        stop: Stop,
        *values: object,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        path = need(photo, "photo")
        with stop.watching(progress) as watch:
            made = all_faces(
                pipeline,
                path,
                lambda faces, face, step: make(faces, model, True, face, *values, step=step),
                watch,
            )
        note(made.results, faces=len(made.results))
        if made.why:
            gr.Warning(f"The {len(made.results)} largest of {made.found} faces were made. {made.why}")
        files: dict[str, bytes] = {}
        shown, pieces = [], []
        for face, result in enumerate(made.results):
            files |= result.files(f"face-{face}")
            path = cached(result.png(), f"face-{face}.png")
            shown.append((path, f"face {face}"))
            pieces.append((path, result.details["alignment"]))
        archive = cached(pack(files), f"{tab.task.name}-all-faces.zip")
        return (
            gr.update(value=shown, visible=True),
            pieces,
            gr.update(interactive=True),
            gr.update(value=None, visible=False),
            gr.update(value=archive, interactive=True),
        )

    fresh.ask(tab.every.click)
    inputs = [tab.controls.photo, tab.controls.model, tab.stop, *extra]
    every = tab.every.click(
        own_run(tab.task.name, "all faces", in_words(make_every)),
        inputs=inputs,
        outputs=[*pasting.everything(), tab.results.archive],
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        api_visibility="private",
        js=fresh.begin("every", ["photo", "align", "face", *fresh.settings], inputs),
    )
    fresh.follow(every, "every")
    return every


def _connect_paste(pipeline: PspPipeline, tab: PhotoTab[Any], fresh: Fresh) -> gr.events.Dependency:
    """Make the button that puts the result, or those of all faces, into the photo."""
    results, pasting = tab.results, tab.results.pasting
    assert pasting is not None

    def paste(
        source: str | None,
        first: Any,  # noqa: ANN401  (what Gradio hands over)
        chosen: int,
        details: dict[str, Any] | None,
        pieces: list[tuple[str, Any]],
    ) -> dict[str, Any]:
        path = need(source, "result")
        if not pieces:
            if not details or not details.get("alignment"):
                raise InputError("There is no result to paste yet.", f"Press {tab.task.title} first.")
            pieces = [(picture_at(first, chosen), checked_details(details)["alignment"])]
        faces = [(open_png(piece), place) for piece, place in pieces]
        note_faces(len(faces))
        if any(face.width != face.height for face, _ in faces):
            raise InputError("This is no face of this studio.", f"Press {tab.task.title} first.")
        made = pipeline.paste_back(path, faces)
        recipe = recipe_at(pieces[0][0])
        return gr.update(value=cached(picture_to_png(made, recipe), "in-the-photo.png"), visible=True)

    pasted = pasting.button.click(
        own_run(tab.task.name, "paste", in_words(paste)),
        inputs=[results.source, results.first, results.chosen, results.details, pasting.pieces],
        outputs=pasting.pasted,
        api_visibility="private",
        js=choose(results, fresh, 2),
    )
    fresh.settle(pasted)
    return pasted

"""The layout of the Batch tab, and how its parts are wired."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.folders.infer import Inference
from psp.inference.pipeline import PspPipeline
from psp.parameters import ALPHA, EDITS, FACTOR, LAYERS, LIKENESS, SEED, STRENGTH
from psp.pictures.formats import ENDINGS
from psp.tasks import TASKS
from psp.ui.addressed import MORE_SETTINGS
from psp.ui.batch.told import listed, summary, thumbnails
from psp.ui.batch.visit import Visit, work
from psp.ui.cache import as_path
from psp.ui.controls import check_model
from psp.ui.gate.journal import own_run
from psp.ui.gate.turn import current_turn
from psp.ui.layout import MODEL_QUEUE
from psp.ui.settings import Controls, align_control, model_input, setting_controls
from psp.ui.words import in_words

_CAPTION = "Many photos, drawings or maps through one task: one ZIP comes out, with a report of each."
_EMPTY = "Results, and what came of each picture, appear here as they are made."
# Those that one picture for each photo leaves something to choose in.
_SETTINGS = (LIKENESS, EDITS, STRENGTH, FACTOR, LAYERS, ALPHA)
_ON_LENT = 8  # pictures at once where a GPU is lent; elsewhere bytes are those of the single picture


@dataclass(frozen=True)
class _Tab:
    """The parts of the tab.

    Attributes:
        files: Photos, or zip files of them.
        task: What is made of them.
        settings: Its settings, by name; those that the task has not are hidden.
        latents: Whether the codes come along.
        couples: Whether photo and result come side by side as well.
        align: Whether to find and crop faces.
        model: Name of the model.
        run: Begins, or goes on.
        halt: Stops.
        told: How far it is.
        archive: The results, as a ZIP.
        small: The results, small.
        each: What came of each.
        left: How many are to go, not shown.
        visit: The visitor's batch.
    """

    files: gr.File
    task: gr.Dropdown
    settings: Controls
    latents: gr.Checkbox
    couples: gr.Checkbox
    align: gr.Checkbox
    model: gr.Dropdown
    run: gr.Button
    halt: gr.Button
    told: gr.Markdown
    archive: gr.DownloadButton
    small: gr.Gallery
    each: gr.HTML
    left: gr.Number
    visit: gr.State

    def outputs(self) -> list[gr.components.Component]:
        """Return what a stretch of work fills."""
        return [self.told, self.small, self.each, self.archive, self.left]


def batch_tab(pipeline: PspPipeline) -> None:
    """Lay out the tab, inside the current Blocks, and connect it."""
    tab = _lay_out(pipeline)
    begin, go_on = _handlers(pipeline)
    more = gr.Button("Go on", elem_id="batch-next", visible="hidden")  # the page presses it
    run = gr.Number(
        0, precision=0, visible="hidden", label="Run", info="Presses on Run", container=False
    )  # the page counts
    asked = [run, tab.files, tab.task, tab.model, tab.align, tab.latents, tab.couples, *tab.settings.values()]
    wiring: dict[str, Any] = {
        "outputs": tab.outputs(), "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1,
        "api_visibility": "private", "show_progress_on": tab.told,
    }  # fmt: skip
    begun = tab.run.click(
        own_run("batch", "begin", in_words(begin)),
        [*asked, tab.visit],
        js="(...v) => batch.begun(v)",
        **wiring,
    )
    gone_on = more.click(own_run("batch", "go on", in_words(go_on)), [tab.visit], **wiring)
    for event in (begun, gone_on):
        event.success(None, tab.left, None, js="left => batch.next(left)", api_visibility="private")
        event.failure(None, None, None, js="() => batch.next(0)", api_visibility="private")
    tab.halt.click(
        _halt, [run, tab.visit], None, js="() => [batch.run(), null]", queue=False, api_visibility="private"
    )
    _connect_task(tab)


def _lay_out(pipeline: PspPipeline) -> _Tab:
    first = next(iter(TASKS))
    gr.Markdown(_CAPTION, elem_classes="caption")
    with gr.Row():
        with gr.Column(scale=2, elem_classes="input-column"):
            files = as_path(
                gr.File(
                    label=f"Up to {pipeline.settings.max_batch} pictures, or a ZIP of them",
                    file_count="multiple", file_types=[*ENDINGS, ".zip"], height=220,
                )
            )  # fmt: skip
            files.preprocess = in_words(files.preprocess)  # type: ignore[method-assign]
            task = gr.Dropdown(
                [(each.title, name) for name, each in TASKS.items()], value=first, label="Task",
                info="What is made of each picture",
            )  # fmt: skip
            settings = setting_controls(_SETTINGS, "batch")
            settings[SEED.name] = gr.Number(
                0, precision=0, label=SEED.label, info="Of the random style, the same for all"
            )
            settings[LIKENESS.name].value = "exact"
            for name, control in settings.items():
                control.visible = TASKS[first].has(name)
            with gr.Row(elem_classes="run"):
                run = gr.Button("Run", variant="primary", scale=3, elem_id="run-batch")
                halt = gr.Button("Stop", variant="stop", scale=1, min_width=80, elem_id="stop-batch")
            with gr.Accordion(MORE_SETTINGS, open=False):
                align = align_control()
                latents = gr.Checkbox(
                    label="Codes too", info="A .safetensors file for each, to decode or mix"
                )
                couples = gr.Checkbox(label="Side by side too", info="Photo and result in one picture")
                model = model_input(first, pipeline.settings)
        with gr.Column(scale=3):  # on a phone below: there is no result to see first
            told = gr.Markdown(_EMPTY, elem_classes="words", elem_id="batch-told")
            archive = gr.DownloadButton("All results (ZIP)", size="sm", interactive=False)
            small = gr.Gallery(
                label="Results", columns=5, height="auto", format="png", interactive=False, buttons=[],
                elem_id="batch-results", elem_classes="above", visible=False,
            )  # fmt: skip
            each = gr.HTML(padding=False, elem_id="batch-list")
    left = gr.Number(0, visible="hidden", label="To go", info="Pictures left", container=False)
    return _Tab(
        files, task, settings, latents, couples, align, model, run, halt, told, archive, small, each, left,
        gr.State(Visit()),
    )  # fmt: skip


def _handlers(pipeline: PspPipeline) -> tuple[Callable[..., tuple[Any, ...]], Callable[..., tuple[Any, ...]]]:
    """Return what begins a batch, and what goes on with it."""

    def begin(
        run: float,
        files: list[str] | None,
        task: str,
        model: str,
        align: bool,
        latents: bool,
        couples: bool,
        likeness: str,
        edits: str,
        strength: float,
        factor: int,
        layers: str,
        alpha: float,
        seed: int,
        visit: Visit,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio wants to be asked for it)
    ) -> tuple[Any, ...]:
        model = check_model(model, task, pipeline.settings)
        if likeness == "exact" and TASKS[task].has("likeness") and not pipeline.network.can_be_exact(model):
            likeness = "quick"
            gr.Info("This model knows no exact likeness: these are the quick ones.")
        values: dict[str, Any] = {
            "likeness": likeness, "edits": edits, "strength": float(strength), "factor": int(factor),
            "layers": layers, "alpha": float(alpha), "seed": int(seed),
        }  # fmt: skip
        own = {name: value for name, value in values.items() if TASKS[task].has(name)}
        if task == "super_resolution":
            own.pop("seed")  # one picture: the likeliest
        batch = _ON_LENT if pipeline.network.lent else 1
        wanted = Inference(task, model, batch, bool(align), 0, bool(couples), bool(latents), **own)
        with visit.claimed():
            visit.begin(int(run or 0), files or [], wanted, pipeline.settings.max_batch)
            return _stretch(pipeline, visit, progress)

    def go_on(visit: Visit, progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008  (as above)
        with visit.claimed():
            return _stretch(pipeline, visit, progress)

    return begin, go_on


def _stretch(pipeline: PspPipeline, visit: Visit, progress: gr.Progress) -> tuple[Any, ...]:
    """Work for some seconds and return what is shown then."""
    turn, batch = current_turn(), visit.require()

    def step(words: str, share: float | None) -> None:
        turn.check(words)
        progress(share, desc=words)

    done = work(pipeline, visit, batch, step)
    visit.small = thumbnails(batch, visit.small)
    over = done.stopped or not done.tally.left
    return (
        summary(done),
        gr.update(value=[(path, name) for name, path in visit.small.items()], visible=bool(visit.small)),
        listed(batch),
        gr.update(value=str(batch.archive()), interactive=True) if over else gr.update(interactive=False),
        0 if over else done.tally.left,
    )


def _halt(run: float, visit: Visit) -> None:
    visit.halted_through = max(visit.halted_through, int(run or 0))


def _connect_task(tab: _Tab) -> None:
    """Show the settings that the chosen task has."""
    shown = {name: [task.has(setting) for setting in tab.settings] for name, task in TASKS.items()}
    shown["super_resolution"][[*tab.settings].index(SEED.name)] = False
    tab.task.change(
        None, tab.task, [*tab.settings.values()], api_visibility="private",
        js=f"task => ({json.dumps(shown)})[task].map(visible => ({{ __type__: 'update', visible }}))",
    )  # fmt: skip

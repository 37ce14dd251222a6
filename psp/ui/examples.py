"""Examples on a tab: a click shows the input, its settings and the result that is stored for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from psp.inference.examples import STORED_SIZE, Example, Rendered, examples_of, rendered
from psp.ui.cache import cached
from psp.ui.panel import Kind, Results
from psp.ui.results import captions
from psp.ui.words import in_words


def example_row(task: str) -> gr.Gallery:
    """Make the row of examples of a task, inside the current layout."""
    return gr.Gallery(
        [(str(example.card), example.title) for example in examples_of(task)],
        label="Examples",
        columns=2,
        height="auto",
        allow_preview=False,
        interactive=False,
        format="webp",
        elem_classes=["examples", "cards"],
        buttons=[],
    )


def connect_examples(
    row: gr.Gallery,
    task: str,
    kind: Kind,
    given: gr.Image,
    settings: Mapping[str, gr.components.Component],
    results: Results,
    style: gr.Image | None = None,
    *,
    js: str,
) -> gr.events.Dependency:
    """Make a click on an example fill the tab; no model is run.

    Args:
        row: The examples.
        task: Name of the task.
        kind: Whether the task gives one picture or several.
        given: The input.
        settings: The controls by the names that recipes have for them.
        results: The outputs.
        style: The second picture, for style mixing.
        js: What the page does first.

    Returns:
        The event, for what follows it.
    """
    defaults = {name: component.value for name, component in settings.items()}

    def open_example(event: gr.SelectData) -> list[Any]:
        example = examples_of(task)[int(event.index)]
        chosen = {**defaults, **example.settings}
        inputs = [str(example.path), *([example.style and str(example.style_path)] if style else [])]
        return [*map(_kept, inputs), *(chosen[name] for name in settings), *_stored(example, kind)]

    styles: Sequence[gr.components.Component] = [style] if style else []
    return row.select(
        in_words(open_example),
        inputs=None,
        outputs=[given, *styles, *settings.values(), *results.of_api()],
        api_visibility="private",
        js=js,
    )


def _kept(path: str | None) -> str | None:
    return cached(Path(path).read_bytes(), Path(path).name) if path else None


def _stored(example: Example, kind: Kind) -> list[Any]:
    """Return the three outputs of the API from the stored files."""
    result = rendered(example)
    pngs, task = result.pngs(), example.task
    several = len(pngs) > 1
    pictures = [
        cached(png, f"{task}-{index}.png" if several else f"{task}.png") for index, png in enumerate(pngs)
    ]
    details = {**result.details, "warnings": [*result.details["warnings"], _note(result)]}
    first = pictures[0] if kind == "image" else list(zip(pictures, captions(result.details), strict=True))
    return [first, _kept(str(result.latents)), details]


def _note(result: Rendered) -> str:
    size = result.details["size"]
    return f"A stored example, kept at {min(size, STORED_SIZE)} px. Run the task for {size} px."

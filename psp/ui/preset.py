"""What a tab shows when it is opened first: its first example with its result, so that nothing is empty.

It is put there by the browser: as values of the controls, it would be what the API takes where nothing is
given. No request is made for it, nothing is worked out, and a tab that nobody opens costs nothing.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from psp.codes.recipe import recipe_from_dict
from psp.inference.examples import Example, examples_of, rendered
from psp.ui.cache import cached
from psp.ui.fresh import Fresh
from psp.ui.inputs import Inputs
from psp.ui.linked import LINK_WITH_EXAMPLE, query_of
from psp.ui.panel import Results
from psp.ui.results import captions
from psp.ui.words import in_numbers, summary

Values = list[tuple[gr.blocks.Block, Any]]


def connect_preset(
    fresh: Fresh,
    inputs: Inputs,
    settings: Mapping[str, gr.components.Component],
    results: Results,
) -> None:
    """Let a tab open with its first example, inside the current Blocks.

    Args:
        fresh: Keeps the tab's results together with what they were made of.
        inputs: Where the tab takes its input.
        settings: Its controls by the names that recipes have for them.
        results: Its outputs.
    """
    example = examples_of(fresh.task)[0]
    chosen = {name: component.value for name, component in settings.items()} | dict(example.settings)
    values: Values = [*_given(inputs, example)]
    values += [(component, chosen[name]) for name, component in settings.items()]
    values += _shown(results, example)
    _keep(results.first, [value for _, value in values])
    ask = gr.Button("Begin", elem_id=f"preset-{fresh.task}", visible="hidden")  # the page presses it
    put = ask.click(
        None,
        None,
        [component for component, _ in values],
        js=f"() => results.preset({json.dumps(fresh.task)}, {json.dumps([value for _, value in values])})",
        api_visibility="private",
    )
    fresh.opened(put)


def _given(inputs: Inputs, example: Example) -> Values:
    values: Values = [(inputs.given, _file(example.path))]
    if inputs.style:
        values.append((inputs.style, _file(example.style_path) if example.style_path else None))
    if inputs.ways:
        ways, way, name = inputs.ways
        values += [(ways, {"__type__": "update", "selected": name}), (way, name)]
    return values


def _shown(results: Results, example: Example) -> Values:
    """Return what stands in the outputs: pictures as they are stored, small."""
    stored = rendered(example)
    pictures = [_file(path) for path in stored.pictures]
    assert stored.before is not None, "first examples have it"
    style = str(example.style_path) if example.style_path else None
    query = query_of(recipe_from_dict(stored.details["recipe"]), str(example.path), style)
    named = zip(pictures, captions(stored.details), strict=True)
    several = [{"image": picture, "caption": caption} for picture, caption in named]
    return [
        (results.first, several if isinstance(results.first, gr.Gallery) else pictures[0]),
        (results.latents, _file(stored.latents)),
        (results.details, stored.details),
        (results.seen, _file(stored.before)),
        (results.slider, [_file(stored.before), pictures[0]]),
        (results.words, summary(stored.details)),
        (results.numbers, in_numbers(stored.details)),
        (results.save, {"__type__": "update", "value": pictures[0], "interactive": True}),
        (results.link, {"__type__": "update", "value": query, "info": LINK_WITH_EXAMPLE}),
        (results.chosen, 0),
        (results.share, {"__type__": "update", "interactive": True}),
    ]


def _file(path: Path) -> dict[str, Any]:
    """Return a file as the browser has it; its address is completed there."""
    kept = cached(path.read_bytes(), path.name)
    return {
        "path": kept,
        "url": f"/gradio_api/file={kept}",
        "orig_name": path.name,
        "size": path.stat().st_size,
        "mime_type": mimetypes.guess_type(path.name)[0],
        "meta": {"_type": "gradio.FileData"},
    }


def _keep(component: gr.components.Component, values: Sequence[Any]) -> None:
    """Keep the files in ``values`` as long as the page is there."""
    waiting: list[Any] = [*values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and "path" in value:
            component.keep_in_cache.add(value["path"])
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value

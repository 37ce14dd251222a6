"""An example that a link names: its input is opened with the link's recipe, as links of galleries ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.inference.examples import Example, find_example
from psp.tasks import TASKS
from psp.ui.cache import cached
from psp.ui.inputs import Inputs


def linked_example(query: Mapping[str, str], recipe: Recipe) -> Example | None:
    """Return the example that a link names for the input of its recipe; None where it names none.

    Args:
        query: The link's; anybody may have written it, so only names of bundled examples are taken.
        recipe: The link's recipe.

    Raises:
        InputError: No example has that name, or its input is of another kind than the task takes.
    """
    if "example" not in query:
        return None
    example = find_example(query["example"])
    if example is None or TASKS[example.task].kind != TASKS[recipe.task].kind:
        raise InputError(
            "The link names an example that this page does not have.", "Choose an input yourself."
        )
    return example


def filled(inputs: Inputs, example: Example | None, recipe: Recipe, task: str) -> list[Any]:
    """Return the values of ``inputs.outputs()``; nothing changes without an example, or in another tab."""
    if example is None or recipe.task != task:
        return [gr.skip() for _ in inputs.outputs()]
    # A second picture belongs to the example's own task; any other mixture is of random styles.
    second = example.style_path if example.task == task else None
    values: list[Any] = [cached(example.path.read_bytes(), example.path.name)]
    if inputs.style:
        values.append(cached(second.read_bytes(), second.name) if second else None)
    if inputs.ways:
        way = inputs.ways[2]
        values += [gr.Tabs(selected=way), way]
    return values

"""Examples that links name: what a link of a result says of its input, and how that is opened again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.inference.examples import EXAMPLES, Example, find_example
from psp.tasks import TASKS
from psp.ui.cache import cached
from psp.ui.inputs import Inputs

LINK_ALONE = "A link that restores these settings; your picture is not in it"
LINK_WITH_EXAMPLE = "A link that restores these settings and the example they were used on"
"""What the page says of a recipe's link, as it is."""


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


def query_of(recipe: Recipe, given: str | None, style: str | None = None) -> str:
    """Return the query of a link that restores a recipe, and its input where that is an example.

    Args:
        recipe: The recipe.
        given: Path of the photo or the drawing that was used; None where it was none, or codes.
        style: Path of the second picture, for style mixing.
    """
    example = _used(recipe, given, style) if given else None
    return recipe.to_query() + ("&" + urlencode({"example": example.link}) if example else "")


def _used(recipe: Recipe, given: str, style: str | None) -> Example | None:
    """Return the example whose pictures were used, byte for byte, as :func:`filled` restores them."""
    kind = TASKS[recipe.task].kind if recipe.task in TASKS else None
    # First those of the task itself: only they bring a second picture along.
    for example in sorted(EXAMPLES, key=lambda example: example.task != recipe.task):
        second = example.style_path if example.task == recipe.task else None
        if TASKS[example.task].kind == kind and _same(given, example.path) and _same(style, second):
            return example
    return None


def _same(path: str | None, other: Path | None) -> bool:
    """Whether two files hold the same, or both are none."""
    if path is None or other is None:
        return path is None and other is None
    return Path(path).stat().st_size == other.stat().st_size and Path(path).read_bytes() == other.read_bytes()


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

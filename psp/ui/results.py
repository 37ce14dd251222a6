"""Filling the outputs that tabs share: pictures, before and after, words, files, the recipe's link."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency
from PIL import Image

from psp.codes.recipe import Recipe, recipe_from_dict, recipe_of_png
from psp.errors import PspError
from psp.inference.result import Result, pack
from psp.pictures.images import load_picture, read_png_header
from psp.tasks import CALLS, TASKS
from psp.ui.cache import cached, cached_picture
from psp.ui.fresh import Fresh
from psp.ui.gate.details import checked_details
from psp.ui.gate.journal import note
from psp.ui.linked import query_of
from psp.ui.panel import Kind, Pasting, Results
from psp.ui.words import in_numbers, in_words, summary

# Bytes of all files of a result.
_LARGEST_RESULT = 256 << 20

# Pixels: the longer side of what is shown large, at least.
_SHOWN = 512

See = Callable[[str, dict[str, Any]], Image.Image | None]
"""Makes what the model saw once more, from the path of the input and the details of the result."""


def from_codes(details: dict[str, Any]) -> bool:
    """Return whether a result, by its details, was made of codes and not of the photo that stands there."""
    task = TASKS.get(details["recipe"]["task"])
    return task is not None and task.kind == "photo" and details["alignment"] is None


def need(given: str | None, what: str) -> str:
    """Return the path of an input, or say that there is none."""
    if not given:
        raise PspError(f"There is no {what} yet.", "Give one, or take an example.")
    return given


def result_files(result: Result, kind: Kind) -> tuple[Any, str | None, dict[str, Any]]:
    """Write a result into Gradio's cache and return the three outputs of the API.

    The cache names folders by content, so no two requests share a file, and ``delete_cache`` empties it.
    """
    note([result])
    name = result.recipe.task if result.recipe.task in CALLS else "decode"  # a file of codes may say anything
    paths = [
        cached(result.png(index), f"{name}-{index}.png" if kind == "gallery" else f"{name}.png")
        for index in range(len(result.images))
    ]
    data = result.latents_file()
    codes = None if data is None else cached(data, f"{name}.safetensors")
    if kind == "image":
        return paths[0], codes, result.details
    return list(zip(paths, captions(result.details), strict=True)), codes, result.details


def captions(details: dict[str, Any]) -> list[str]:
    """Return a caption for each picture of a gallery: its seed, or its share of the style."""
    settings = details["recipe"]["settings"]
    count = settings.get("variants", 1)
    if "seed" not in settings:
        share = settings.get("alpha", 1.0)
        return [f"{share * (index + 1) / count:.0%}" for index in range(count)]
    plain = details["recipe"]["task"] == "super_resolution"
    return [
        "likeliest" if plain and not index else f"seed {settings['seed'] + index}" for index in range(count)
    ]


def paths_of(first: Any) -> list[str]:  # noqa: ANN401  (what Gradio hands over)
    """Return the paths of the pictures in an Image or a Gallery."""
    if not first:
        return []
    return [first] if isinstance(first, str) else [item[0] for item in first]


def connect_results(
    done: Dependency, results: Results, fresh: Fresh, see: See | None = None, style: gr.Image | None = None
) -> Dependency:
    """Fill what is beside the API's outputs once there is a result.

    Args:
        done: The success of the task, as ``fresh`` has noted it.
        results: The outputs.
        fresh: Knows whether the result is still that of what the tab says.
        see: Makes what the model saw; None where nothing was seen.
        style: The second picture, for style mixing.

    Returns:
        The event that fills them.
    """

    def show(
        source: str | None,
        first: Any,  # noqa: ANN401  (what Gradio hands over)
        latents: str | None,
        details: dict[str, Any],
        shown: str | None,
        second: str | None = None,
    ) -> tuple[Any, ...] | list[Any]:
        if not first:
            return [gr.skip()] * len(outputs)  # the input has changed by the time the result came
        details = checked_details(details)
        seen = see(source, details) if source and see else None
        if seen is None and see is not None and shown:
            seen = open_png(shown)  # codes were the base: what was made of them before stays in sight
        paths = paths_of(first)
        name = details["recipe"]["task"]
        archive = cached(pack(_read_all(paths, latents)), f"{name}.zip")
        return (
            seen and cached_picture(seen, "seen"),
            beside(seen, paths[0]),
            summary(details),
            in_numbers(details),
            gr.update(value=paths[0], interactive=True),
            gr.update(value=archive, interactive=True),
            _query(details, source if see else None, second),
            0,
            gr.update(interactive=True),
            *(Pasting.emptied(ready=bool(source and details["alignment"])) if pasting else []),
        )

    pasting = results.pasting
    outputs = [*results.beside_api(), *(pasting.everything() if pasting else [])]
    shown: Dependency = done.success(
        in_words(show),
        inputs=[results.source, *results.of_api(), results.seen, *([style] if style else [])],
        outputs=outputs,
        show_progress="hidden",  # the result is there; what stands beside it follows in a moment
        api_visibility="private",
    )
    fresh.address(shown)  # the page alone knows under which address it is seen
    return shown


def _query(details: dict[str, Any], source: str | None, style: str | None) -> str:
    """Return the query of a result's link; empty where no model made it."""
    given = None if from_codes(details) else source
    return query_of(recipe_from_dict(details["recipe"]), given, style) if details["model"] else ""


def _read_all(pictures: list[str], latents: str | None) -> dict[str, bytes]:
    """Return the files of a result by their names.

    Raises:
        PspError: There is no picture, or they are too large together to be a result.
    """
    if not pictures:
        raise PspError("There is no result yet.", "Run the task first.")
    files = [Path(path) for path in (*pictures, latents) if path]
    if sum(file.stat().st_size for file in files) > _LARGEST_RESULT:
        raise PspError("The files are too large for a result.", "Run the task again.")
    return {file.name: file.read_bytes() for file in files}


def connect_gallery(results: Results, fresh: Fresh) -> list[Dependency]:
    """Show what is chosen in a gallery of results beside what the model saw; return the event, if any."""
    if not isinstance(results.first, gr.Gallery):
        return []
    results.first.elem_id = f"results-{fresh.task}"
    looked = results.first.select(
        in_words(_look_at),
        inputs=[results.seen, results.first],
        outputs=[results.slider, results.save, results.chosen],
        api_visibility="private",
    )
    fresh.settle(looked)
    return [looked]


def choose(results: Results, fresh: Fresh, at: int) -> str:
    """Return the ``js`` that gives an event the picture that is looked at when it happens.

    The server may hear of a choice after a button was pressed that is about it.

    Args:
        results: The outputs.
        fresh: Names the tab.
        at: The place of ``results.chosen`` among the event's inputs.
    """
    if not isinstance(results.first, gr.Gallery):
        return "(...values) => values"
    picked = f"results.picked('results-{fresh.task}', values[{at}])"
    return f"(...values) => values.map((value, index) => index === {at} ? {picked} : value)"


def picture_at(first: Any, chosen: float) -> str:  # noqa: ANN401  (what Gradio hands over)
    """Return the path of one of the pictures of a result.

    Raises:
        PspError: There is none.
    """
    paths = paths_of(first)
    if not 0 <= int(chosen or 0) < len(paths):
        raise PspError("There is no such picture.", "Choose one of the results.")
    return paths[int(chosen or 0)]


def write_back_seed(event: Dependency, results: Results, seed: gr.components.Component, task: str) -> None:
    """Show the seed that was used, where it was chosen by chance, so that the same faces come again."""
    js = f"(details, seed) => results.used({json.dumps(task)}, details, seed)"
    event.success(None, [results.details, seed], seed, js=js, api_visibility="private")


def _look_at(seen: str | None, first: Any, event: gr.SelectData) -> tuple[Any, str, int]:  # noqa: ANN401  (what Gradio hands over)
    picture = open_png(seen) if seen else None
    paths = paths_of(first)
    if event.index >= len(paths):
        raise PspError("There is no such picture.", "Click one of the pictures.")
    path = paths[event.index]
    return beside(picture, path), path, int(event.index)


def beside(seen: Image.Image | None, made: str) -> tuple[str, str]:
    """Return before and after in one size, for the slider; of codes, twice the result.

    Of a small model's result that is a larger copy, for the eye alone: what is handed out stays as it is.
    """
    after = open_png(made)
    if max(after.size) < _SHOWN:
        scale = _SHOWN / max(after.size)
        after = after.resize(
            (round(after.width * scale), round(after.height * scale)), Image.Resampling.LANCZOS
        )
        made = cached_picture(after, "after")
    if seen is None:
        return made, made
    return cached_picture(seen.resize(after.size, Image.Resampling.LANCZOS), "before"), made


def recipe_at(path: str) -> Recipe:
    """Return the recipe in one of our own PNGs."""
    recipe = recipe_of_png(read_png_header(path))
    if recipe is None:
        raise PspError("This is no picture of the studio.", "Run the task again.")
    return recipe


def open_png(path: str) -> Image.Image:
    """Return the picture of one of our own PNGs."""
    return load_picture(path)

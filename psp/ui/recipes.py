"""Opening a recipe: from a link, or from a PNG that the studio made; it sets the controls of its tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from psp.codes.recipe import Recipe, recipe_from_query, recipe_of_png
from psp.errors import InputError, PictureError
from psp.inference.pipeline import PspPipeline
from psp.pictures.images import read_png_header
from psp.registry.lookup import families
from psp.tasks import TASKS
from psp.ui.controls import file_input
from psp.ui.layout import Tab
from psp.ui.linked import filled, linked_example
from psp.ui.words import escape, in_words

_NO_RECIPE = "There is no recipe of this studio in the file."


def restored_note() -> gr.Markdown:
    """Make the line that says what was restored; it takes no room while it is empty."""
    return gr.Markdown(elem_classes=["note", "restored"])


def recipe_input() -> gr.File:
    """Make the field for a PNG, in a section that is closed."""
    with gr.Accordion("Open a result: restore its settings", open=False, elem_classes="foot"):
        return file_input("A PNG that the studio made", ".png", 110)


def connect_recipes(
    page: gr.Blocks,
    pipeline: PspPipeline,
    file: gr.File,
    said: gr.Markdown,
    tabs: gr.Tabs,
    known: Sequence[Tab],
) -> None:
    """Restore recipes from the page's link and from dropped files.

    Args:
        page: The page, whose link may hold a recipe.
        pipeline: Knows the models that are here.
        file: What :func:`recipe_input` made.
        said: What :func:`restored_note` made.
        tabs: The tabs, by task.
        known: The controls of each tab.
    """
    restored = gr.JSON(visible=False, label="Restored")
    controls = [control for tab in known for control in tab.settings.values()]
    outputs = [said, restored, *controls, *(part for tab in known for part in tab.inputs.outputs())]

    def from_link(request: gr.Request) -> list[Any]:
        query = {name: str(value) for name, value in request.query_params.items()}
        recipe = recipe_from_query(query)
        return [gr.skip()] * len(outputs) if recipe is None else restore(recipe, query)

    def from_file(path: str | None) -> list[Any]:
        if not path:
            return [gr.skip()] * len(outputs)
        return restore(_recipe_in(path))

    def restore(recipe: Recipe, query: Mapping[str, str] | None = None) -> list[Any]:
        if recipe.task not in TASKS:
            raise InputError(f"The recipe is for {recipe.task[:40]!r}.", "This page has no tab for that.")
        values = [
            _value(pipeline, recipe, name) if tab.task == recipe.task else gr.skip()
            for tab in known
            for name in tab.settings
        ]
        example = linked_example(query or {}, recipe)
        # A face that is restored is one of the photo that comes next, if that is not here already.
        face = {"task": recipe.task, "face": None if example else recipe.settings.get("face")}
        inputs = [value for tab in known for value in filled(tab.inputs, example, recipe, tab.task)]
        told = _told(
            pipeline, recipe, "Its input is here: run it." if example else "Choose the same input and run it."
        )
        return [told, face, *values, *inputs]

    # What was dropped at the foot is restored at the top, and said there. The tab is opened once its controls
    # are set: it would begin with its example else.
    up = "scrollTo({top: 0, behavior: 'smooth'})"
    # Nothing is shown of the wait: see psp.ui.shown.
    silent: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": []}
    for event, after in (
        (page.load(in_words(from_link), None, outputs, api_visibility="private", **silent), ""),
        (file.upload(in_words(from_file), file, outputs, api_visibility="private"), up),
    ):
        js = f"restored => {{ {after}; return results.restored(restored?.task, restored?.face); }}"
        event.success(None, restored, tabs, js=js, api_visibility="private")


def _value(pipeline: PspPipeline, recipe: Recipe, name: str) -> Any:  # noqa: ANN401  (a value or an update)
    known = _known(pipeline, recipe)
    if name == "model":
        return recipe.model if known else "auto"
    if name == "layers" and not known:  # another model's numbers mean other layers
        return "auto"
    return recipe.settings.get(name, gr.skip())


def _known(pipeline: PspPipeline, recipe: Recipe) -> bool:
    return recipe.model in ("auto", *families(pipeline.settings))


def _told(pipeline: PspPipeline, recipe: Recipe, next_step: str) -> str:
    """Return what the page says of a restored recipe."""
    lines = [f"Settings of a result of **{TASKS[recipe.task].title}** are restored."]
    variant = recipe.settings.get("variant")
    if variant is not None:
        lines.append(f"It was variant {int(variant) + 1}.")
    lines.append(next_step)
    if not _known(pipeline, recipe):
        layers = ", for its layers too" if "layers" in recipe.settings else ""
        lines.append(
            f"Its model, {escape(recipe.model)}, is not one of this studio's, so 'auto' is set{layers}."
        )
    elif recipe.model != "auto":
        here = pipeline.network.file_hash(recipe.model, recipe.task)
        if here is not None and recipe.model_sha256 not in ("", here):
            lines.append("⚠️ Its model's file was another version, so the result may differ.")
    return " ".join(lines)


def _recipe_in(path: str) -> Recipe:
    try:
        recipe = recipe_of_png(read_png_header(path))
    except PictureError as error:
        raise InputError("The file is not a PNG.", "Choose a PNG that the studio made.") from error
    if recipe is None:
        raise InputError(
            _NO_RECIPE, "Choose a PNG as it was downloaded; other programs may remove the recipe."
        )
    return recipe

"""A slider for each direction, by what it changes. They write the text of the edits.

What counts is the text, which the API, recipes and examples have; sliders write it and follow it, in the
browser (``assets/edit.js``).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from psp.codes.directions import NAMELESS, Named, names_in, sefa_names
from psp.config import Settings
from psp.errors import PspError
from psp.files.bundled import directions_file
from psp.inference.inputs import read_file
from psp.registry.lookup import find_entry
from psp.registry.table import BUNDLED
from psp.ui.controls import file_input
from psp.ui.words import escape, in_words

_SPARE = 8
_STEP = 0.05
_NONE = "Further directions: none loaded."


@dataclass(frozen=True)
class EditSliders:
    """The sliders, and where further directions come from.

    Attributes:
        named: Names of the directions that have a slider of their own.
        sliders: These sliders, in the same order.
        own: The sliders of the directions that come along, together.
        directions: A file of further directions.
        spare: Sliders for these, hidden until they are needed.
        names: Names of the directions that the spare sliders have, with commas between them; not shown.
        about: What was loaded.
        none: Sets all to 0.
    """

    named: tuple[str, ...]
    sliders: Sequence[gr.Slider]
    own: gr.Column
    directions: gr.File
    spare: Sequence[gr.Slider]
    names: gr.Textbox
    about: gr.Markdown
    none: gr.Button

    def all(self) -> list[gr.Slider]:
        """Return all sliders."""
        return [*self.sliders, *self.spare]


def has_named(model: str, settings: Settings) -> bool:
    """Return whether ``model`` is the one that the directions that come along are for."""
    try:
        return find_entry(model, "edit", settings).family == BUNDLED
    except PspError:  # the run says it
        return False


def named_sliders(settings: Settings) -> tuple[gr.Column, dict[str, gr.Slider], gr.Button]:
    """Make the sliders of the directions that come along, by name, in the current layout; what undoes all."""
    names = names_in(directions_file().read_bytes())
    with gr.Column(visible=has_named("auto", settings), elem_classes="by-name") as column:
        sliders = _groups(names)
    return column, _by_name(names, sliders), gr.Button("Undo all edits", size="sm")


def more_sliders(own: gr.Column, sliders: Mapping[str, gr.Slider], none: gr.Button) -> EditSliders:
    """Make the sliders of SeFa's directions and of those in a file, closed, inside the current layout.

    Args:
        own: What ``named_sliders`` made.
        sliders: As ``own``.
        none: As ``own``.
    """
    more = sefa_names()
    with gr.Accordion("More directions: found in the weights, or in a file", open=False):
        gr.Markdown(
            "SeFa: what changes the picture most, without names. Shen and Zhou, CVPR 2021.",
            elem_classes="note",
        )
        sliders = {**sliders, **_by_name(more, _groups(more))}
        directions = file_input("Directions: a .safetensors file of vectors in W", ".safetensors", 120)
        about = gr.Markdown(_NONE, elem_classes="note")
        with gr.Row(elem_classes="edit-sliders"):
            spare = [_slider(_unused(index), visible=False) for index in range(_SPARE)]
        names = gr.Textbox(visible="hidden", label="Names", info="Of what was loaded", container=False)
    return EditSliders(tuple(sliders), [*sliders.values()], own, directions, spare, names, about, none)


def connect_edit_sliders(
    made: EditSliders, edits: gr.components.Component, model: gr.Dropdown, settings: Settings
) -> None:
    """Keep the sliders and the text of the edits together.

    Args:
        made: The sliders.
        edits: The text.
        model: Name of the model; the directions that come along are for one generator.
        settings: Name the models.
    """
    ours, every = json.dumps(made.named), made.all()
    by_spare = f"names => [...{ours}, ...names.split(',').filter(Boolean)]"
    gr.on(
        [slider.input for slider in every],
        None, [made.names, edits, *every], edits,
        js=f"(names, text, ...amounts) => editing.written(({by_spare})(names), text, amounts)",
        api_visibility="private",
    )  # fmt: skip
    there = gr.Button("There", elem_id="there-edit", visible="hidden")
    gr.on(
        [edits.change, made.names.change, there.click],  # type: ignore[attr-defined]  # all controls have it
        None, [made.names, edits, *every], every,
        js=f"(names, text, ...amounts) => editing.moved(({by_spare})(names), text, amounts)",
        api_visibility="private",
    )  # fmt: skip
    made.none.click(None, None, edits, js="() => editing.none()", api_visibility="private")
    made.directions.change(
        in_words(_load), made.directions, [*made.spare, made.names, made.about],
        api_visibility="private", queue=False,
    )  # fmt: skip
    model.change(
        lambda name: gr.update(visible=has_named(name, settings)), model, made.own,
        api_visibility="private", queue=False,
    )  # fmt: skip


def _load(path: str | None) -> list[Any]:
    """Return what the spare sliders, their names and the words about them become."""
    names = names_in(read_file(path)) if path else ()
    shown = names[:_SPARE]
    updates = [
        gr.update(visible=True, value=0, label=each.title, info=escape(_info(each)),
                  minimum=each.low, maximum=each.high)  # a stranger's words: the page reads HTML in them
        for each in shown
    ]  # fmt: skip
    updates += [gr.update(visible=False, value=0) for _ in range(_SPARE - len(shown))]
    said = _NONE
    if names:
        rest = f" Those beyond {_SPARE} have no slider: write them into Edits." if names[_SPARE:] else ""
        said = f"Loaded: {', '.join(each.name for each in names)}.{rest}"
    return [*updates, ",".join(each.name for each in shown), said]


def _unused(index: int) -> Named:
    """Return what a spare slider is called until a file gives it a direction."""
    return Named(f"spare-{index}", f"Further {index + 1}", about=NAMELESS)


def _by_name(names: Sequence[Named], sliders: Sequence[gr.Slider]) -> dict[str, gr.Slider]:
    return {each.name: slider for each, slider in zip(names, sliders, strict=True)}


def _groups(names: Sequence[Named]) -> list[gr.Slider]:
    """Make the sliders under their headings."""
    sliders = []
    for group, members in itertools.groupby(names, lambda each: each.group):
        gr.Markdown(f"**{group}**", elem_classes="note")
        with gr.Row(elem_classes="edit-sliders"):
            sliders += [_slider(each) for each in members]
    return sliders


def _slider(named: Named, *, visible: bool = True) -> gr.Slider:
    return gr.Slider(
        named.low, named.high, value=0, step=_STEP, label=named.title, info=_info(named), visible=visible,
        elem_classes="group", buttons=[], min_width=130,
    )  # fmt: skip


def _info(named: Named) -> str:
    """Return what a slider does to the left and to the right."""
    left, _, right = named.about.partition("; ")
    return f"{left} – {right}" if right else named.about

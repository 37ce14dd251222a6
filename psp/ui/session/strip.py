"""The results of a visit in a strip: a click brings back input, settings and result.

They are kept in the visitor's own browser, as the addresses of files that the server deletes after a day; the
server keeps no list. Gradio encrypts what it keeps there with a key of this start of the server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import gradio as gr

from psp.ui.layout import Tab

_KEY = "psp-studio-results"


def result_strip() -> tuple[gr.BrowserState, gr.HTML, gr.Button]:
    """Make the strip, inside the current layout: what it holds, how it is shown, and what empties it."""
    strip = gr.HTML(elem_classes="strip", padding=False)
    forget = gr.Button("Forget", elem_id="strip-forget", visible="hidden")
    return gr.BrowserState([], storage_key=_KEY), strip, forget


def connect_strip(
    state: gr.BrowserState, strip: gr.HTML, forget: gr.Button, tabs: gr.Tabs, known: Sequence[Tab]
) -> None:
    """Keep each result that a run makes, and bring back the one that is clicked.

    Args:
        state: What the strip holds.
        strip: Shows it.
        forget: Empties it; the page presses it.
        tabs: All tabs.
        known: What is in them.
    """
    state.change(None, state, strip, js="session.render", api_visibility="private")
    forget.click(None, None, state, js="() => [[]]", api_visibility="private")
    for tab in known:
        read, written = _parts(tab)
        spec = json.dumps(
            {
                "task": tab.task,
                "settings": [*tab.settings],
                "read": [*read],
                "written": [*written],
                "way": tab.inputs.ways[2] if tab.inputs.ways else "",
            }
        )
        tab.finished.success(
            None,
            [state, *read.values()],
            state,
            js=f"(...values) => session.keep({spec}, ...values)",
            api_visibility="private",
        )
        again = gr.Button("Again", elem_id=f"again-{tab.task}", visible="hidden")
        back = again.click(
            None,
            state,
            [state, tabs, *written.values()],
            js=f"(kept) => session.again({spec}, kept)",
            api_visibility="private",
        )
        tab.fresh.opened(back)


def _parts(tab: Tab) -> tuple[Mapping[str, gr.components.Component], Mapping[str, gr.blocks.Block]]:
    """Return by name what is kept of a tab, and what is filled when it is brought back."""
    inputs, results = tab.inputs, tab.results
    read: dict[str, gr.components.Component] = {"given": inputs.given}
    if inputs.style:
        read["style"] = inputs.style
    read |= tab.settings
    read |= {
        "first": results.first, "latents": results.latents, "details": results.details, "seen": results.seen,
        "slider": results.slider, "words": results.words, "numbers": results.numbers, "save": results.save,
        "archive": results.archive, "link": results.link, "chosen": results.chosen,
    }  # fmt: skip
    written: dict[str, gr.blocks.Block] = {**read, "share": results.share}
    if inputs.ways:
        written |= {"ways": inputs.ways[0], "way": inputs.ways[1]}
    if results.pasting:
        written["paste"] = results.pasting.button
    return read, written

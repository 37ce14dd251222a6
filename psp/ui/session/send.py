"""A result becomes the photo of another tab."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from psp.ui.layout import Tab


def connect_send(tabs: gr.Tabs, known: Sequence[Tab]) -> None:
    """Wire the buttons below every result that send it to another tab, in the browser alone.

    Args:
        tabs: All tabs.
        known: What is in them.
    """
    outputs: list[Any] = [tabs]
    named: list[list[str]] = []
    for tab in known:
        place = tab.inputs.photo
        outputs += [place.picture, place.align, place.face, *(place.ways[:2] if place.ways else ())]
        named.append([tab.task, place.ways[2] if place.ways else "", place.trace])
    for tab in known:
        ask = gr.Button("Send", elem_id=f"send-{tab.task}", visible="hidden")
        ask.click(
            None,
            [tab.results.first, tab.results.chosen],
            outputs,
            js=f"(first, chosen) => session.send({json.dumps(tab.task)}, {json.dumps(named)}, first, chosen)",
            api_visibility="private",
        )

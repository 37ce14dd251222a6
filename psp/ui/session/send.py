"""A result becomes the photo of another tab."""

from __future__ import annotations

import json
from collections.abc import Sequence

import gradio as gr

from psp.ui.layout import Tab


def connect_send(tabs: gr.Tabs, known: Sequence[Tab]) -> None:
    """Wire the buttons below every result that send it to another tab, in the browser alone.

    Args:
        tabs: All tabs; one that is opened takes what was sent there (``psp.ui.session.follow``).
        known: What is in them.
    """
    for tab in known:
        ask = gr.Button("Send", elem_id=f"send-{tab.task}", visible="hidden")  # the page presses it
        ask.click(
            None,
            [tab.results.first, tab.results.chosen],
            tabs,
            js=f"(first, chosen) => session.send({json.dumps(tab.task)}, first, chosen)",
            api_visibility="private",
        )

"""One photo for all tabs: what is given in one of them, or sent from it, is there when another is opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from psp.ui.layout import Tab


def connect_follow(tabs: Sequence[gr.Tab], known: Sequence[Tab]) -> None:
    """Let a photo that was given by hand follow into each tab that is opened, in the browser alone.

    An example does not: each tab has its own, with its result.

    Args:
        tabs: The tabs.
        known: What is in them, in the same order.
    """
    for tab, parts in zip(tabs, known, strict=True):
        place, task = parts.inputs.photo, json.dumps(parts.task)
        for event, by_hand in ((place.picture.input, True), (place.picture.change, False)):
            event(
                None,
                place.picture,
                js=f"photo => session.given({task}, photo, {json.dumps(by_hand)})",
                api_visibility="private",
            )
        tab.select(None, js=f"() => session.enter({task})", api_visibility="private")
        outputs: list[Any] = [place.picture, place.align, place.face, *(place.ways[:2] if place.ways else ())]
        way = json.dumps([place.ways[2], place.trace] if place.ways else [])
        take = gr.Button("Take", elem_id=f"follow-{parts.task}", visible="hidden")  # the page presses it
        take.click(
            None, None, outputs, js=f"() => session.follow({task}, ...{way})", api_visibility="private"
        )

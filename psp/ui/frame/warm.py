"""The page says which tab is open, so that its model is loaded before its button is pressed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from psp.inference.warmup import Warmth
from psp.tasks import TASKS

_FIRST = next(iter(TASKS))


def warm_when_opened(page: gr.Blocks, warmth: Warmth) -> None:
    """Warm up for the tab that is open when ``page`` is; nothing is shown of it.

    Args:
        page: The page, inside of which this is called.
        warmth: Starts it.
    """
    opened = gr.JSON(visible=False, label="The tab that is open")

    def warm(opened: Any) -> None:  # noqa: ANN401  (whatever a browser sends)
        warmth.start(task_of(opened))

    page.load(
        warm,
        opened,
        None,
        js="async () => [{tab: await tabs.wanted()}]",
        api_visibility="private",
        show_progress="hidden",
    )


def task_of(opened: object) -> str:
    """Return the task of a tab that a browser names; the first for what is none.

    Args:
        opened: ``{"tab": NAME}``, the name as it stands in the page's address: anybody may have written it.
    """
    name = opened.get("tab") if isinstance(opened, dict) else None
    return next((task.name for task in TASKS.values() if name in (task.name, task.tab.lower())), _FIRST)

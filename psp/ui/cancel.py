"""Events that end what runs or waits for a visitor, because nobody wants it any more.

Gradio's own ``cancels`` describes all functions of the page for each run that it looks for, and adds a
function that does nothing for each event without one. A page pays for each function when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradio.context import get_blocks_context
from gradio.events import Dependency, EventListenerMethod


def cancel(when: Sequence[Any], runs: Sequence[Dependency]) -> None:
    """Let events end runs, inside the current Blocks.

    Args:
        when: Events of components (``photo.input``), as ``gr.on`` takes them.
        runs: What is ended, whichever of it waits or runs.
    """
    blocks = get_blocks_context()
    assert blocks is not None, "called where a page is built"
    blocks.set_event_trigger(
        [EventListenerMethod(event.__self__, event.event_name) for event in when],
        fn=None,
        inputs=None,
        outputs=None,
        queue=False,
        preprocess=False,
        api_visibility="private",
        cancels=[run["id"] for run in runs],
        is_cancel_function=True,
    )

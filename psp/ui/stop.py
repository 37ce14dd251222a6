"""The Stop button: how work that runs already learns that nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from psp.errors import StoppedError
from psp.inference.network import Step
from psp.ui.fresh import Fresh
from psp.ui.gate.turn import current_turn


class Stop:
    """One visitor's wish to stop; a session has its own.

    Gradio takes a waiting job out of the queue, but lets a running one go on to its end, with everybody else
    waiting behind it. So running work asks here between its steps.
    """

    def __init__(self) -> None:
        self._count = 0

    def request(self) -> None:
        """Stop what runs now for this visitor."""
        self._count += 1

    def watch(self, progress: gr.Progress) -> Step:
        """Return what shows each step on the page and stops the work started now, once that is asked for."""
        begun, turn = self._count, current_turn()

        def step(words: str, share: float | None) -> None:
            if self._count != begun:
                raise StoppedError("Stopped.", "Nothing was changed.")
            turn.check(words)
            progress(share, desc=words)

        return step


def connect_stop(
    button: gr.Button, stop: gr.State, runs: Sequence[gr.events.Dependency], fresh: Fresh
) -> None:
    """Make ``button`` stop ``runs``, whether they wait or run; the result before stays, as ``fresh`` says."""

    def request(wish: Stop) -> None:
        wish.request()

    fresh.listen(button.click, "stopped")
    button.click(request, inputs=stop, cancels=[*runs], queue=False, api_visibility="private")

"""The Stop button: how work that runs already learns that nobody waits for it any more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from psp.errors import EnoughError
from psp.inference.network import APPROACHING, Step
from psp.ui.cancel import cancel
from psp.ui.fresh import Fresh
from psp.ui.gate.turn import current_turn


class Stop:
    """One visitor's wish to stop; a session has its own.

    Gradio takes a waiting job out of the queue, but lets a running one go on to its end, with everybody else
    waiting behind it. So running work asks here between its steps.

    Attributes:
        count: How often there was the wish.
        keeps: Whether what runs hands out what it has by now, once that is asked for.
        shown: What it has by now, as a small picture that was not fetched yet.
    """

    def __init__(self) -> None:
        self.count = 0
        self.keeps = False
        self.shown: Image.Image | None = None

    def request(self) -> None:
        """Stop what runs now for this visitor."""
        self.count += 1

    def fetch(self) -> Image.Image | None:
        """Return the picture that was shown last, once."""
        shown, self.shown = self.shown, None
        return shown

    def watch(self, progress: gr.Progress) -> Step:
        """Return what shows each step on the page and stops the work started now, once that is asked for."""
        return _Watch(self, progress)

    @contextmanager
    def watching(self, progress: gr.Progress) -> Iterator[Step]:
        """Do as :meth:`watch` does, for work that can be kept: it is over with the block."""
        try:
            yield self.watch(progress)
        finally:
            self.keeps, self.shown = False, None


class _Watch:
    """A step that is shown and may end the work; see :meth:`Stop.watch`."""

    def __init__(self, stop: Stop, progress: gr.Progress) -> None:
        self._stop, self._begun, self._turn = stop, stop.count, current_turn()
        self._progress = progress

    def __call__(self, words: str, share: float | None) -> None:
        if self._stop.count != self._begun:
            raise EnoughError("Stopped.", "Nothing was changed.")
        self._turn.check(words)
        self._stop.keeps = APPROACHING in words
        self._progress(share, desc=words)

    def show(self, picture: Image.Image) -> None:
        """Keep a picture until the page asks for it."""
        self._stop.shown = picture

    def __reduce__(self) -> tuple[Callable[[gr.Progress], Step], tuple[gr.Progress]]:
        # In the process that has a lent GPU nobody hears of a wish to stop; what is shown comes back from it.
        return _Show, (self._progress,)


@dataclass(frozen=True)
class _Show:
    """A step that is shown."""

    progress: gr.Progress

    def __call__(self, words: str, share: float | None) -> None:
        self.progress(share, desc=words)


def connect_stop(
    button: gr.Button, stop: gr.State | None, runs: Sequence[gr.events.Dependency], fresh: Fresh
) -> None:
    """Make ``button`` stop ``runs``, whether they wait or run; the result before stays, as ``fresh`` says.

    Args:
        button: The button.
        stop: The visitor's wish; None where it was told already (:func:`connect_enough`).
        runs: What is stopped.
        fresh: Keeps results together with what they were made of.
    """
    fresh.listen(button.click, "stopped")
    if stop is None:
        cancel([button.click], runs)
    else:
        watch_stop(button, stop, runs)


def show_stop(button: gr.Button, *events: Any) -> None:  # noqa: ANN401  (events of Gradio's)
    """Show ``button``, in the browser, with the events that begin work.

    To be called before these events are given the work: the page does what follows a click one after the
    other, and would show the button when the work is done.
    """
    _show(button, events, visible=True)


def hide_stop(button: gr.Button, *events: Any) -> None:  # noqa: ANN401  (events of Gradio's)
    """Hide ``button``, in the browser, with the events that end work."""
    _show(button, events, visible=False)


def _show(button: gr.Button, events: Sequence[Any], *, visible: bool) -> None:
    js = f"() => ({{ __type__: 'update', visible: {str(visible).lower()} }})"
    for event in events:
        event(None, None, button, js=js, api_visibility="private")


def watch_stop(button: gr.Button, stop: gr.State, runs: Sequence[gr.events.Dependency]) -> None:
    """Make ``button`` stop ``runs``, whether they wait or run."""

    def request(wish: Stop) -> None:
        wish.request()

    button.click(request, inputs=stop, queue=False, api_visibility="private")
    cancel([button.click], runs)


def connect_enough(button: gr.Button, drop: gr.Button, stop: gr.State) -> None:
    """Make ``button`` take what there is of what runs by then; ``drop`` stops that where there is nothing."""
    kept = gr.Checkbox(visible=False, label="Kept", info="Set by the page")

    def enough(wish: Stop) -> bool:
        wish.request()
        return wish.keeps

    press = f"sheets.press({json.dumps(drop.elem_id)})"
    asked = button.click(enough, stop, kept, queue=False, show_progress="hidden", api_visibility="private")
    js = f"kept => {{ if (!kept) {press}; return []; }}"
    asked.success(None, kept, None, js=js, api_visibility="private")
    asked.failure(None, None, None, js=f"() => {{ {press}; return []; }}", api_visibility="private")

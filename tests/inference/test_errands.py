"""Jobs that cross to a process with a GPU: for how long they ask for it, and what can cross."""

from __future__ import annotations

import pickle
from functools import partial

import gradio as gr
import numpy as np

from psp.inference.errands import Errand, Work, crossing, seconds_of
from psp.ui.stop import Stop


def errand(task: str = "encode", variants: int = 1, size: int = 1024, *, waits: bool = True) -> Errand:
    strength = 0.5 if task == "toonify" else 1.0
    inputs = np.zeros((1, 3, 2, 2), np.float32)
    return Errand(
        Work("auto", task, inputs, alphas=(1.0,) * variants, strength=strength), "", size, waits=waits
    )


def test_seconds_grow_with_task_size_variants_and_faces() -> None:
    assert seconds_of([errand()]) == 5
    assert seconds_of([errand(variants=16)]) == 7
    assert seconds_of([errand("toonify", variants=16)]) == 9
    assert seconds_of([errand(variants=16, size=128)]) == 5
    assert seconds_of([errand()] * 64) == 14
    assert seconds_of([errand(waits=False)]) == 13


def test_steps_of_the_page_cross_and_others_are_left_out() -> None:
    step = Stop().watch(gr.Progress())
    crossed = crossing(step)
    assert crossed is step
    pickle.loads(pickle.dumps(crossed))("Face 1 of 2", 0.5)
    assert crossing(lambda words, share: None) is None
    assert crossing(partial(step, "words")) is not None
    assert crossing(None) is None

"""Events end what runs, with one function an event and none that does nothing."""

from __future__ import annotations

import gradio as gr

from psp.ui.cancel import cancel


def test_each_event_ends_all_the_runs_and_nothing_else() -> None:
    with gr.Blocks() as page:
        photo, button, other = gr.Image(), gr.Button(), gr.Button()
        first = button.click(lambda: None)
        done = first.success(lambda: None)
        other.click(lambda: None)
        before = set(page.fns)
        cancel([photo.input, other.click], [first, done])
    (made,) = [function for key, function in page.fns.items() if key not in before]
    assert made.cancels == [first["id"], done["id"]] and made.is_cancel_function
    assert made.targets == [(photo._id, "input"), (other._id, "click")]
    assert made.fn is None and not made.queue and made.api_visibility == "private"


def test_it_is_what_gradio_makes_of_the_same_wish() -> None:
    with gr.Blocks() as page:
        button, stop = gr.Button(), gr.Button()
        run = button.click(lambda: None)
        stop.click(None, cancels=[run])
        cancel([stop.click], [run])
    gradios, ours = [function.get_config() for function in page.fns.values()][-2:]
    assert {**gradios, "id": 0, "api_name": ""} == {**ours, "id": 0, "api_name": ""}

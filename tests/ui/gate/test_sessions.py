"""Sessions: each has its own state, and beginning one costs next to nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr
import pytest

from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.gate.sessions import Sessions
from psp.ui.stop import Stop
from tests.ui.raw_http import Raw
from tests.ui.served import served


@pytest.fixture
def page(pipeline: PspPipeline) -> Iterator[gr.Blocks]:
    page = build_app(pipeline)
    with served(page) as url:
        Raw(url).send("/healthz")
        yield page


def test_the_page_that_is_served_has_them(page: gr.Blocks) -> None:
    assert isinstance(page.state_holder, Sessions)
    assert page.app.state_holder is page.state_holder


def test_each_has_its_own_state_and_keeps_it(page: gr.Blocks) -> None:
    stop = next(key for key, block in page.blocks.items() if isinstance(getattr(block, "value", None), Stop))
    one, other = page.state_holder["one"], page.state_holder["other"]
    one[stop].request()
    assert (one[stop].count, other[stop].count) == (1, 0)
    assert page.state_holder["one"] is one
    slider = next(key for key, block in page.blocks.items() if isinstance(block, gr.Slider))
    one[slider] = gr.Slider(0, 1, label="of one visit")
    assert one[slider].label == "of one visit" != other[slider].label


def test_a_hundred_begin_in_a_moment_and_describe_no_control(page: gr.Blocks) -> None:
    began = time.perf_counter()
    sessions = [page.state_holder[f"visit {index}"] for index in range(100)]
    assert time.perf_counter() - began < 1  # Gradio's own take 20 seconds
    sessions[0]._update_config(next(iter(page.blocks)))
    assert list(sessions[0].components) == []

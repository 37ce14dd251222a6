"""Close likeness at the page: pictures on the way, Stop that keeps what was reached, codes of a file."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from psp.config import Settings
from psp.errors import EnoughError, StoppedError
from psp.inference.network import APPROACHING, Step
from psp.inference.pipeline import PspPipeline
from psp.inference.refine import Shows
from psp.inference.result import Result
from psp.ui.app import build_app
from psp.ui.stop import Stop
from tests.ui.browsing import CHROMIUM, block, press, run, told, upload
from tests.ui.served import served

expect.set_options(timeout=60_000)  # the first request loads torch and the model
WORDS = ".block.words:visible"


class _Slow(PspPipeline):
    """A pipeline that takes its time to come closer."""

    def encode(self, *args: Any, step: Step | None = None, **kwargs: Any) -> Result:
        return super().encode(*args, step=step and _Slowly(step), **kwargs)


class _Slowly:
    def __init__(self, step: Step) -> None:
        self.step = step

    def __call__(self, words: str, share: float | None) -> None:
        if APPROACHING in words:
            time.sleep(0.2)
        self.step(words, share)

    def show(self, picture: Image.Image) -> None:
        assert isinstance(self.step, Shows)
        self.step.show(picture)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache"))
    with served(build_app(_Slow(settings))) as url:
        yield url


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.slow
def test_it_comes_closer_before_ones_eyes_until_one_has_enough(page: Page, inputs: dict[str, Path]) -> None:
    upload(page, "Photo", inputs["photo"])
    page.get_by_label("Close").first.check()
    press(page, "Encode")
    expect(page.locator(".large:visible .coming")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Coming closer - [234]\d")).first).to_be_visible()
    press(page, "Stop")
    expect(page.locator(WORDS)).to_contain_text("Closer to the photo: 0.")
    expect(page.locator(WORDS)).to_contain_text("of 40 steps")
    expect(page.locator(".large:visible .coming")).to_have_count(0)
    expect(told(page)).to_have_count(0)

    block(page, "Latents").locator("input[type=file]").set_input_files(str(inputs["latents"]))
    expect(block(page, "Latents")).to_contain_text("latents")
    press(page, "Bring the codes closer to the photo")
    expect(page.locator(WORDS)).not_to_contain_text("of 40 steps")
    expect(page.locator(WORDS)).to_contain_text("Closer to the photo: 0.")
    expect(page.locator("a[download='refine.safetensors']")).to_have_count(1)
    page.get_by_label("Quick").first.check()
    run(page, "Encode")  # another run has nothing to do with it
    expect(page.locator(WORDS)).not_to_contain_text("Closer")


def test_a_wish_is_heard_and_forgotten_with_the_work() -> None:
    wish = Stop()
    with wish.watching(gr.Progress()) as step:
        assert isinstance(step, Shows)
        step(APPROACHING, 0.5)
        assert wish.keeps
        small = Image.new("RGB", (8, 8))
        step.show(small)
        assert wish.fetch() is small and wish.fetch() is None
        step.show(small)
        wish.request()
        with pytest.raises(EnoughError):
            step(APPROACHING, 0.6)
    assert not wish.keeps and wish.fetch() is None
    with wish.watching(gr.Progress()) as step:
        step("Drawing the face", None)  # another run
        assert not wish.keeps
    assert issubclass(EnoughError, StoppedError)

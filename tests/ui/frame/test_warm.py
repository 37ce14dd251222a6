"""A page that is opened warms up for its tab, once, and only where the studio is served for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.frame.warm import task_of
from psp.ui.gate.studio import Studio
from tests.ui.browsing import CHROMIUM, tab
from tests.ui.served import served

expect.set_options(timeout=60_000)  # the page may take long to be there on a busy machine


@pytest.mark.parametrize(
    ("opened", "task"),
    [
        ({"tab": "toonify"}, "toonify"),
        ({"tab": "upscale"}, "super_resolution"),
        ({"tab": "super_resolution"}, "super_resolution"),
        ({"tab": "about"}, "encode"),
        ({"tab": ["toonify"]}, "encode"),
        ({}, "encode"),
        ("toonify", "encode"),
        (None, "encode"),
    ],
)
def test_whatever_a_browser_sends_names_a_task(opened: object, task: str) -> None:
    assert task_of(opened) == task


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_model_of_the_open_tab_is_loaded_before_anything_is_pressed(
    browser: Browser, tmp_path: Path
) -> None:
    pipeline = PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path))
    page = build_app(pipeline)
    assert isinstance(page, Studio) and page.warmth is not None
    with served(page) as url:
        asleep = browser.new_page()
        asleep.goto(f"{url}#sketch")
        expect(tab(asleep, "Sketch → face", selected=True)).to_be_visible()
        asleep.wait_for_timeout(1000)
        assert pipeline.network.loaded_count == 0  # not before it is allowed
        asleep.close()
        page.warmth.allow()
        awake = browser.new_page()
        awake.goto(f"{url}#sketch")
        expect(tab(awake, "Sketch → face", selected=True)).to_be_visible()
        for _ in range(200):
            if page.warmth.wait(0.1):
                break
            awake.wait_for_timeout(100)
        assert pipeline.network.loaded_count == 1
        loaded = pipeline.network.load("auto", "sketch_to_face")
        assert pipeline.network.loaded_count == 1 and loaded.name == "mobile-1024"
        awake.close()

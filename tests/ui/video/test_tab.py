"""The Video tab: what a video costs is told first, the choices write the settings, the result is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from psp.inference.video.cost import Cost
from psp.ui.video.tab import cost_words
from tests.ui.browsing import CHROMIUM, block, open_tab, press

expect.set_options(timeout=60_000)
browsed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def test_a_cost_beyond_the_limit_says_what_will_be_made() -> None:
    assert cost_words(Cost(96, 40.0), 120) == "**96 frames, about 40 seconds on this machine.**"
    words = cost_words(Cost(240, 480.0, ("Only the first 10 seconds are used, of 34.",)), 120)
    assert "120 seconds here, so about the first 60 frames" in words and "of 34" in words


@browsed
def test_a_video_is_priced_made_and_shown(page: Page, inputs: dict[str, Path]) -> None:
    open_tab(page, "Video")
    give = page.locator("#video-input input[type=file]")
    give.set_input_files(str(inputs["video"]))
    cost = page.locator(".prose.cost")
    expect(cost).to_contain_text("5 frames, about")
    page.locator("#video-task").get_by_label("Edit").check()
    expect(block(page, "Edits").locator("visible=true").locator("textarea, input")).to_have_value("smile:0.8")
    expect(page.get_by_label("What changes")).to_be_visible()
    page.locator("#video-task").get_by_label("Toonify").check()
    expect(page.get_by_label("What changes")).to_be_hidden()
    press(page, "Make the video")
    expect(page.locator(".video-result video")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("5 frames in")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@browsed
def test_what_is_no_video_is_told_before_the_button_is_pressed(page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    open_tab(page, "Video")
    clear = page.locator("#video-input").get_by_role("button", name="Clear")
    if clear.count():  # the page is shared
        clear.click()
    page.locator("#video-input input[type=file]").set_input_files(str(fake))
    expect(page.get_by_text("no video that can be read here").first).to_be_visible()

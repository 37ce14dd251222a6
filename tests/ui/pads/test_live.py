"""The pads in a real browser: shares of the classes, the redrawn portrait, the guide, what is offered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    clear_pad,
    draw,
    open_example,
    open_pad,
    open_tab,
    oval,
    press,
    told,
    upload,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model
MAP, SKETCH = "Segmentation → face", "Sketch → face"


def live(page: Page) -> Locator:
    """Return the portrait beside the pad that is open."""
    return page.locator(".live-picture figure").locator("visible=true")


def expect_share(page: Page, name: str, wanted: str) -> None:
    """Wait until the legend says how much of the sheet a class has; ``wanted`` is a pattern."""
    label = page.locator(".legend label", has_text=name).first
    expect(label).to_have_attribute("data-share", re.compile(f"^{wanted}$"), timeout=20_000)


@pytest.mark.slow
def test_the_legend_counts_what_is_on_the_sheet(page: Page) -> None:
    pad = open_pad(page, MAP)
    page.get_by_label("Redraw after each stroke").locator("visible=true").uncheck()
    draw(page, [(0.1, 0.5), (0.9, 0.5)])
    expect_share(page, "skin", "[4-9] %")
    expect_share(page, "background", "9[0-9] %")
    pad.get_by_role("button", name="Undo").locator("visible=true").click()
    expect_share(page, "skin", "")
    pad.get_by_role("button", name="Redo").locator("visible=true").click()
    expect_share(page, "skin", "[4-9] %")
    pad.locator(".top-panel button").last.click()
    expect_share(page, "skin", "")
    expect_share(page, "background", "100 %")


def test_the_portrait_follows_the_strokes_and_is_no_result(page: Page) -> None:
    pad = open_pad(page, MAP)
    page.get_by_label("Redraw after each stroke").locator("visible=true").check()
    clear_pad(page)
    expect(live(page)).to_contain_text("appears here")
    draw(page, [(0.4, 0.4), (0.6, 0.6)])
    portrait = live(page).locator("img")
    expect(portrait).to_be_visible()
    expect(live(page)).to_contain_text("Preview")
    expect(told(page)).to_contain_text("The drawing has changed")  # the result is still the example's
    pad.locator(".top-panel button").last.click()
    expect(live(page)).to_contain_text("appears here")


@pytest.mark.slow
def test_without_the_switch_nothing_is_asked(page: Page) -> None:
    open_pad(page, MAP)
    clear_pad(page)
    page.get_by_label("Redraw after each stroke").locator("visible=true").uncheck()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    draw(page, [(0.3, 0.5), (0.7, 0.5)])
    expect_share(page, "skin", "[0-9]+ %")
    assert not [url for url in asked if "queue" in url]


@pytest.mark.slow
def test_sketches_are_redrawn_where_that_is_switched_on(page: Page) -> None:
    open_pad(page, SKETCH)
    expect(live(page)).to_have_count(0)
    draw(page, oval(0.5, 0.53, 0.26, 0.34, 6))
    page.get_by_label("Redraw after each stroke").locator("visible=true").check()
    expect(live(page).locator("img")).to_be_visible()


@pytest.mark.slow
def test_the_guide_is_no_part_of_the_drawing_and_can_be_switched_off(page: Page) -> None:
    pad = open_pad(page, SKETCH)
    clear_pad(page)

    def style() -> str:
        return str(
            pad.evaluate("e => getComputedStyle(e.querySelector('.pixi-target'), '::after').backgroundImage")
        )

    assert "svg" in style()
    press(page, SKETCH)
    expect(page.get_by_text("There is nothing on the pad yet.").first).to_be_visible()
    page.get_by_label("Show where the face goes").uncheck()
    assert style() == "none"


@pytest.mark.slow
@pytest.mark.parametrize(("title", "what"), [(MAP, "map"), (SKETCH, "sketch")])
def test_an_example_is_edited_on_the_pad(page: Page, title: str, what: str) -> None:
    open_example(page, title)
    press(page, f"Edit this {what} on the pad")
    expect(page.get_by_role("tab", name="Draw", exact=True).locator("visible=true")).to_have_attribute(
        "aria-selected", "true"
    )
    if what == "map":
        page.get_by_label("Redraw after each stroke").locator("visible=true").check()
        expect_share(page, "hair", "[0-9]+ %")
        expect(live(page).locator("img")).to_be_visible()
    else:
        expect(page.locator(".pad.filled").locator("visible=true")).to_have_count(1)


@pytest.mark.slow
@pytest.mark.parametrize(("title", "what"), [(MAP, "map"), (SKETCH, "sketch")])
def test_a_photo_is_recognised_and_traced(page: Page, title: str, what: str) -> None:
    open_tab(page, title)
    open_tab(page, "Upload")
    offer = page.get_by_text(f"This looks like a photo, not a {what}.").locator("visible=true")
    expect(offer).to_have_count(0)
    upload(page, what.capitalize(), PHOTO)
    expect(offer).to_have_count(1)
    press(page, "Use it as a photo")
    expect(page.get_by_role("tab", name="Draw", exact=True).locator("visible=true")).to_have_attribute(
        "aria-selected", "true"
    )


@pytest.mark.slow
def test_where_a_gpu_is_lent_there_is_no_redrawing(pipeline: PspPipeline) -> None:
    def lend(function: Callable[..., Any], _: Callable[..., int]) -> Callable[..., Any]:
        return function

    lent = build_app(PspPipeline(pipeline.settings, lend))
    own = build_app(pipeline)
    counts = [
        sum(str(each.api_name).startswith("redraw_sheet") for each in page.fns.values())
        for page in (lent, own)
    ]
    assert counts == [0, 2]

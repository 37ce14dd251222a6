"""Two faces and three sliders in a browser: the text they write, what moves them, the preview, the swap."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from psp.codes.latents import parse_layers, write_layers
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.ui.browsing import CHROMIUM, block, open_tab, picture, ready

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model
TASK = "Style mixing"
GROUPS = ("Pose and shape", "Features", "Colours and light")


def slider(page: Page, group: str) -> Locator:
    """Return a slider by its title."""
    return page.locator(".mixer .group", has_text=group).locator("input[type=range]")


def layers(page: Page) -> Locator:
    """Return the text of the layers."""
    return page.get_by_label("Layers").locator("visible=true").first


def preview(page: Page) -> Locator:
    """Return the picture beside the sliders."""
    return page.locator(".mixture figure img").locator("visible=true")


def expect_sliders(page: Page, *shares: float) -> None:
    """Wait until the sliders stand where they should."""
    for group, share in zip(GROUPS, shares, strict=True):
        expect(slider(page, group)).to_have_value(f"{share:g}")


@needs_browser
def test_sliders_write_the_text_the_preview_follows_and_arrows_swap(page: Page) -> None:
    open_tab(page, TASK)
    expect_sliders(page, 0.5, 0.7, 0.3)  # the example's, with which the tab opens
    expect(preview(page)).to_have_attribute("src", re.compile("^http"))  # its stored result
    ready(page, TASK)
    first = str(picture(page, "Photo").get_attribute("src"))
    page.get_by_role("button", name="Swap the faces").click()
    expect(picture(page, "Another face")).to_have_attribute("src", first)
    page.wait_for_timeout(500)
    expect_sliders(page, 0.5, 0.7, 0.3)  # the faces change places, nothing else
    slider(page, "Features").fill("1")
    expect(layers(page)).to_have_value("pose:0.5,features,colours:0.3")
    expect(preview(page)).to_have_attribute("src", re.compile("^data:image/webp"))
    slider(page, "Pose and shape").fill("0")
    slider(page, "Colours and light").fill("0")
    expect(layers(page)).to_have_value("Features")  # the group's own name in the list
    expect_sliders(page, 0, 1, 0)
    made = str(preview(page).get_attribute("src"))
    before = [picture(page, label).get_attribute("src") for label in ("Photo", "Another face")]
    page.get_by_role("button", name="Swap the faces").click()
    for label, source in zip(("Another face", "Photo"), before, strict=True):
        expect(picture(page, label)).to_have_attribute("src", str(source))
    expect(preview(page)).not_to_have_attribute("src", made)
    expect(page.locator(".mixture")).not_to_have_class(re.compile("behind"))
    expect(block(page, "Result").locator("img")).to_have_count(0)  # it was another mixture's


@needs_browser
@pytest.mark.slow
def test_a_recipe_an_example_and_a_text_move_the_sliders(page: Page, url: str, pipeline: PspPipeline) -> None:
    sizes = pipeline.network.told_resolutions("auto", "style_mix")
    assert sizes
    numbers = write_layers(parse_layers("pose:0.25,features,colours:0.6", sizes))  # as recipes have it
    page.goto(f"{url}?task=style_mix&model=mobile-1024&layers={numbers}&variants=2")
    expect(layers(page)).to_have_value(numbers)
    expect_sliders(page, 0.25, 1, 0.6)
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.post_data or "") if "join" in request.url else None
    )
    block(page, "Examples").locator("button").nth(1).click()
    expect_sliders(page, 0, 0, 1)
    page.wait_for_timeout(500)
    assert not [data for data in asked if '"colours"' in data]  # no model is run for an example
    layers(page).fill("0,pose:0.35,9")
    layers(page).press("Enter")
    expect_sliders(page, 0.35, 0, 0)
    expect(layers(page)).to_have_value("0,pose:0.35,9")
    expect(preview(page)).to_have_attribute("src", re.compile("^data:image/webp"))


def test_where_a_gpu_is_lent_there_is_no_preview(pipeline: PspPipeline) -> None:
    def lend(function: Callable[..., Any], _: Callable[..., int]) -> Callable[..., Any]:
        return function

    counts = [
        sum(str(each.api_name).startswith("blend_faces") for each in build_app(studio).fns.values())
        for studio in (PspPipeline(pipeline.settings, lend), pipeline)
    ]
    assert counts == [0, 1]

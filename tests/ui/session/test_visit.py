"""A visit in a real browser: the photo follows, results are sent on, the strip brings results back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from psp.tasks import TASKS
from psp.ui.send_row import send_buttons
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    block,
    open_example,
    open_tab,
    ready,
    run,
    shown,
    told,
    upload,
)

browsed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model


def photo(page: Page) -> Locator:
    """Return the photo of the open tab."""
    return block(page, "Photo").locator("img").first


def strip(page: Page) -> Locator:
    """Return the results in the strip."""
    return page.locator(".strip button[data-again]")


def test_a_result_can_be_sent_to_every_other_tab() -> None:
    for name in TASKS:
        buttons = re.findall(r'data-from="(\w+)" data-send="(\w+)"', send_buttons(name))
        assert buttons == [(name, other) for other in TASKS if other != name]


@browsed
@pytest.mark.slow
def test_a_photo_follows_into_every_tab_and_an_example_does_not(
    new_page: Page, inputs: dict[str, Path]
) -> None:
    page = new_page
    open_example(page, "Encode", 1)
    open_tab(page, "Toonify")
    expect(photo(page)).to_have_attribute("src", re.compile("synthetic_1"))  # its own example
    upload(page, "Photo", inputs["style"])
    page.get_by_label("Strength").locator("visible=true").first.fill("0.4")
    for title in ("Encode", "Frontalise", "Mix", "Upscale"):
        open_tab(page, title)
        expect(photo(page)).to_have_attribute("src", re.compile("style"))
        expect(page.get_by_text("Found a face, about").locator("visible=true")).to_have_count(1)
        expect(shown(page)).to_have_count(0)  # nothing was made of it here
    # What belonged to the example went with it.
    expect(page.get_by_label("Shrink first").locator("visible=true")).to_have_value("As it is")
    expect(page.get_by_label("Variants").locator("visible=true").first).to_have_value("4")
    open_tab(page, "Sketch")
    open_tab(page, "From a photo")
    expect(block(page, "Photo to start from").locator("img").first).to_be_visible()
    open_tab(page, "Encode")
    upload(page, "Photo", inputs["two"])
    open_tab(page, "Toonify")
    expect(page.get_by_text("Found 2 faces").locator("visible=true")).to_have_count(1)
    expect(page.get_by_label("Strength").locator("visible=true").first).to_have_value("0.4")


@browsed
@pytest.mark.slow
def test_a_result_that_is_sent_on_is_taken_as_it_is_and_the_next_photo_is_not(page: Page) -> None:
    open_example(page, "Toonify")
    result = shown(page).last.get_attribute("src") or ""
    page.locator("[data-send=frontalize]").locator("visible=true").click()
    expect(page.get_by_role("tab", name="Frontalise", exact=True)).to_have_attribute("aria-selected", "true")
    expect(photo(page)).to_have_attribute("src", result)
    align = page.get_by_label("Find and crop the face").locator("visible=true")
    expect(align).not_to_be_checked()
    expect(page.get_by_text("taken as it is").locator("visible=true").first).to_be_visible()
    upload(page, "Photo", PHOTO)
    expect(align).to_be_checked()
    expect(page.get_by_text("Found a face, about").locator("visible=true")).to_have_count(1)


@browsed
@pytest.mark.slow
def test_a_result_that_is_sent_to_the_pad_is_traced(page: Page) -> None:
    open_example(page, "Encode")
    page.locator("[data-send=sketch_to_face]").locator("visible=true").click()
    expect(page.locator(".pad.filled").locator("visible=true")).to_have_count(1)


@browsed
def test_the_strip_brings_back_input_settings_and_result(page: Page) -> None:
    open_example(page, "Upscale", 1)
    expect(strip(page)).to_have_count(0)  # an example is always there
    run(page, "Super-resolution")
    seed = page.get_by_label("Seed").locator("visible=true").first.input_value()
    result, given = (each.get_attribute("src") or "" for each in (shown(page).last, photo(page)))
    expect(strip(page)).to_have_count(1)
    open_example(page, "Upscale", 2)
    page.reload()
    ready(page, "Upscale")
    open_tab(page, "Sketch")
    strip(page).first.click()
    expect(page.get_by_role("tab", name="Upscale", exact=True)).to_have_attribute("aria-selected", "true")
    expect(photo(page)).to_have_attribute("src", given)
    expect(shown(page).last).to_have_attribute("src", result)
    expect(page.get_by_label("Seed").locator("visible=true").first).to_have_value(seed)
    expect(page.get_by_role("button", name="Keep", exact=True).locator("visible=true")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(told(page)).to_have_count(0)
    link = block(page, "Recipe").locator("textarea, input").first
    expect(link).to_have_value(re.compile(rf"^{page.url.partition('#')[0]}\?task=super_resolution"))


@browsed
def test_what_the_server_has_deleted_leaves_the_strip(page: Page) -> None:
    left, *others = page.evaluate(
        """() => session.again({task: "toonify", written: ["given"]},
            [{values: {slider: [null, {url: location.origin + "/gone.png"}]}}, {task: "other"}])"""
    )
    assert left == [{"task": "other"}]
    assert others == [{"__type__": "update"}] * 2  # nothing else changes

"""A photo that is sharp already is said to be, and shrunk at one press; a tiny one is not."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browsing import CHROMIUM, PHOTO, block, button, open_tab, ready, upload

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model
TINY = PHOTO.parent.parent / "tiny" / "astronaut_32.png"


@pytest.mark.slow
def test_a_sharp_photo_is_offered_to_be_shrunk(page: Page) -> None:
    open_tab(page, "Super-resolution")
    ready(page, "Super-resolution")
    offer = button(page, "Shrink it 8 times to see the effect")
    expect(page.get_by_text("Found a face").locator("visible=true").first).to_be_visible()
    expect(offer).to_be_hidden()  # the tab opens with an example that is shrunk
    factor = page.get_by_label("Shrink first").locator("visible=true")
    factor.click()
    page.get_by_role("option", name="As it is").click()
    expect(offer).to_be_visible()
    expect(page.get_by_text("already has more detail than this task can add")).to_be_visible()

    upload(page, "Photo", TINY)
    expect(offer).to_be_hidden()
    expect(page.get_by_text("about 17 pixels wide").locator("visible=true").first).to_be_visible()
    expect(offer).to_be_hidden()

    upload(page, "Photo", PHOTO)
    offer.click()
    expect(offer).to_be_hidden()
    expect(factor).to_have_value("8 times smaller")
    expect(block(page, "Results").locator("img").first).to_be_visible()
    expect(block(page, "Recipe").locator("textarea, input").first).to_have_value(re.compile("factor=8"))

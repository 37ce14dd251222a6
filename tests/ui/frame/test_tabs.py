"""The tabs: in one row on a phone, reached by keys, and in the address, which anybody may have written."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from psp.tasks import TASKS
from tests.ui.browsing import CHROMIUM, open_example, open_tab, tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the page may take long to be there on a busy machine


def test_names_of_tabs_are_one_short_word_each() -> None:
    names = [task.tab for task in TASKS.values()]
    assert all(re.fullmatch(r"[A-Z][a-z]{2,9}", name) for name in names)
    assert len({*names, "Video", "About"}) == len(names) + 2


@pytest.mark.slow
def test_the_open_tab_is_in_the_address_and_back_opens_the_one_before(new_page: Page, url: str) -> None:
    page = new_page
    assert page.url == url
    open_tab(page, "Toonify")
    expect(page).to_have_url(f"{url}#toonify")
    open_tab(page, "Super-resolution")
    expect(page).to_have_url(f"{url}#upscale")
    page.go_back()
    expect(tab(page, "Toonify", selected=True)).to_be_visible()
    page.go_back()
    expect(tab(page, "Encode", selected=True)).to_be_visible()
    page.go_forward()
    expect(tab(page, "Toonify", selected=True)).to_be_visible()
    page.reload()
    expect(tab(page, "Toonify", selected=True)).to_be_visible()
    expect(page).to_have_url(f"{url}#toonify")


@pytest.mark.slow
def test_back_leads_from_where_a_result_was_sent_to_where_it_was_made(new_page: Page, url: str) -> None:
    page = new_page
    open_example(page, "Encode", 1)
    page.locator("[data-send='toonify']").locator("visible=true").click()
    expect(tab(page, "Toonify", selected=True)).to_be_visible()
    expect(page).to_have_url(f"{url}#toonify")
    page.go_back()
    expect(tab(page, "Encode", selected=True)).to_be_visible()
    page.go_forward()
    expect(tab(page, "Toonify", selected=True)).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["about", "batch", "encode"])
def test_on_a_phone_the_tab_of_the_address_is_in_sight(browser: Browser, url: str, name: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{url}#{name}")
    opened = page.locator(f"#tab-{name}-button")
    expect(opened).to_have_attribute("aria-selected", "true")
    expect(opened).to_be_in_viewport(ratio=0.9)
    page.close()


_OTHER_NAMES = [
    "nothing",
    "%22%5D%2C*%5Bid",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("sketch-button", "tab-sketch", "Sketch")),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", _OTHER_NAMES)
def test_an_address_that_names_no_tab_opens_the_first(browser: Browser, url: str, name: str) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{url}#{name}")
    expect(tab(page, "Encode", selected=True)).to_be_visible()
    expect(page).to_have_url(f"{url}#encode")
    assert errors == []
    page.close()


@pytest.mark.slow
def test_a_recipe_says_its_tab_itself_and_is_left_with_it(page: Page, url: str) -> None:
    link = f"{url}?task=toonify&model=mobile-1024&align=true&face=0&strength=0.35"
    page.goto(f"{link}#sketch")
    expect(tab(page, "Toonify", selected=True)).to_be_visible()
    expect(page.get_by_text("Settings of a result of Toonify are restored")).to_be_visible()
    expect(page).to_have_url(f"{link}#toonify")
    open_tab(page, "Style mixing")
    expect(page).to_have_url(f"{url}#mix")  # a reload would open Toonify again, otherwise
    page.reload()
    expect(tab(page, "Style mixing", selected=True)).to_be_visible()


@pytest.mark.slow
def test_on_a_phone_all_tabs_are_one_row_that_keys_walk(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(url)
    row = page.locator(".task-tabs").first.get_by_role("tablist").first
    expect(row).to_have_class(re.compile("more-right"))
    tops = {box["y"] for each in row.get_by_role("tab").all() if (box := each.bounding_box())}
    assert len(tops) == 1
    tab(page, "Encode").focus()
    for _ in range(len(TASKS) + 2):  # Video and Batch come before it
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(tab(page, "About", selected=True)).to_be_in_viewport(ratio=0.99)  # its last hundredth is a margin
    expect(tab(page, "About")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tab(page, "Encode")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()

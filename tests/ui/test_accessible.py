"""The page as axe-core judges it: all tabs, light and dark, with a result and without; what it cannot see.

Nothing serious or critical may be found, and there is no list of exceptions: what Gradio's own markup leaves
without a name, ``assets/names.js`` names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from psp.tasks import TASKS
from tests.ui.browsing import CHROMIUM, button, open_tab, ready, shown, tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the page may take long to be there on a busy machine

TITLES = [task.title for task in TASKS.values()]
_TABS = [
    pytest.param(title, marks=[] if title in ("Encode", "Segmentation → face", "About") else pytest.mark.slow)
    for title in [*TITLES, "About"]
]
_WIDE = {"width": 1440, "height": 900}


def findings(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds that is serious or critical: rule, selector, and the beginning of the element."""
    # Colours that are on their way somewhere are no colours to judge.
    page.add_style_tag(
        content="*, *::before, *::after { transition: none !important; animation: none !important }"
    )
    page.wait_for_timeout(300)
    rules: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        (rule["id"], str(node["target"][-1]), node["html"][:120])
        for rule in rules
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.fixture(scope="module", params=[pytest.param("light", marks=pytest.mark.slow), "dark"])
def seen(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Page]:
    """The page in one of its two looks."""
    page = browser.new_page(viewport=_WIDE)  # type: ignore[arg-type]  # a TypedDict of Playwright's own
    page.set_default_timeout(60_000)
    page.goto(f"{url}?__theme={request.param}")
    expect(tab(page, "Encode", selected=True)).to_be_visible()
    yield page
    page.close()


@pytest.mark.parametrize("title", _TABS)
def test_a_tab_has_no_serious_fault(seen: Page, title: str) -> None:
    """Each of them has its example's result in it, all that can be pressed included."""
    open_tab(seen, title)
    if title != "About":
        ready(seen, title)
        expect(shown(seen).first).to_be_visible()
    assert findings(seen) == []


def test_a_tab_without_a_result_and_with_open_sections_has_no_serious_fault(page: Page) -> None:
    open_tab(page, "Toonify")
    ready(page, "Toonify")
    button(page, "Remove Image").first.click()
    expect(shown(page)).to_have_count(0)
    assert findings(page) == []


def test_headings_leave_none_out_and_examples_say_what_they_are(seen: Page) -> None:
    for title in [*TITLES, "About"]:
        open_tab(seen, title)
        levels = (
            seen.locator("h1, h2, h3, h4")
            .locator("visible=true")
            .evaluate_all("all => all.map(each => Number(each.tagName[1]))")
        )
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), title
        if title == "About":
            continue
        pictures = seen.locator(".examples button").locator("visible=true")
        expect(pictures.first).to_be_visible()
        names = pictures.locator("img").evaluate_all("all => all.map(each => each.alt)")
        assert all(len(name) > 5 for name in names) and len(set(names)) == len(names) >= 2, title


@pytest.mark.parametrize("look", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_what_cannot_be_pressed_can_be_read_and_what_has_the_focus_is_seen(
    browser: Browser, url: str, look: str
) -> None:
    page = browser.new_page(viewport=_WIDE)  # type: ignore[arg-type]  # a TypedDict of Playwright's own
    page.goto(f"{url}?__theme={look}")
    expect(tab(page, "Encode", selected=True)).to_be_visible()
    # axe leaves out what is disabled.
    ratios = page.locator("button:disabled").locator("visible=true").evaluate_all(_CONTRAST)
    assert ratios and min(ratios) >= 4.5
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    assert width >= 2
    page.close()


_CONTRAST = """all => {
  const shade = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return all.map((each) => {
    const { color, backgroundColor, opacity } = getComputedStyle(each);
    const [low, high] = [shade(color), shade(backgroundColor)].sort((a, b) => a - b);
    return Number(opacity) === 1 ? (high + 0.05) / (low + 0.05) : 0;
  });
}"""

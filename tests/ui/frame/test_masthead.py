"""The top of the page: links to paper, code and licences; on a Space to its files, and to nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from psp.ui.frame.masthead import PROMISE, links
from tests.ui.browsing import CHROMIUM, tab

browser_needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the page may take long to be there on a busy machine


def test_paper_code_and_licence_are_linked() -> None:
    assert [words for words, _, _ in links()] == ["Paper", "Code", "Licence"]
    assert all(address.startswith(("https://", "#")) for _, address, _ in links())


@pytest.mark.parametrize(
    ("space", "there"), [("me/psp", True), ("me/psp/../..", False), ('me/"><script>', False), ("psp", False)]
)
def test_a_space_links_its_own_files(monkeypatch: pytest.MonkeyPatch, space: str, there: bool) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", space)
    files = [address for words, address, _ in links() if words == "Files"]
    assert files == (["https://huggingface.co/spaces/me/psp/tree/main"] if there else [])


@browser_needed
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_it_is_small_and_the_tabs_follow_it(browser: Browser, url: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(url)
    expect(page.get_by_text(PROMISE)).to_be_visible()
    top, tabs = (page.locator(where).bounding_box() for where in (".masthead", ".task-tabs"))
    assert top is not None and tabs is not None
    assert top["height"] <= 80
    assert 0 <= tabs["y"] - top["y"] - top["height"] <= 20
    page.close()


@browser_needed
@pytest.mark.slow
def test_the_licence_is_a_tab(page: Page) -> None:
    page.get_by_role("link", name="Licence").click()
    expect(tab(page, "About", selected=True)).to_be_visible()
    expect(page.get_by_text("Your pictures").first).to_be_visible()

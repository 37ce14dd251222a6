"""A gallery in a real browser: it asks nobody, its line moves by hand and keys, links open the studio."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from psp.inference.examples import find_example, rendered
from psp.publish.gallery import make_gallery
from tests.ui.browsing import CHROMIUM, picture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first page takes longest


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, url: str) -> Path:
    """A gallery of two results of examples, whose links lead to the served studio."""
    folder = tmp_path_factory.mktemp("results")
    for link in ("encode/second_of_two", "toonify/lightly_drawn"):
        example = find_example(link)
        assert example is not None
        (folder / f"{example.name}-{example.task}.png").write_bytes(rendered(example).pngs()[0])
    return make_gallery(folder, tmp_path_factory.mktemp("web") / "site", studio=url).page


@pytest.fixture
def gallery(browser: Browser, site: Path) -> Page:
    """The page from the disk; a request to anywhere else, or an error, fails the test."""
    page = browser.new_page(viewport={"width": 900, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.on("console", lambda said: asked.append(said.text))
    page.goto(site.as_uri())
    expect(page.locator(".compare img").first).to_be_visible()
    assert all(address.startswith((site.parent.as_uri(), "data:")) for address in asked), asked
    return page


def share(page: Page) -> float:
    """Return how much of the first picture shows what was before, in percent."""
    return float(
        page.locator(".compare").first.evaluate("box => parseFloat(box.style.getPropertyValue('--at'))")
    )


def test_the_line_moves_by_keys_and_by_hand(gallery: Page) -> None:
    slider = gallery.get_by_role("slider", name="Before and after: Second of two, Encode")
    assert share(gallery) == 50
    gallery.keyboard.press("Tab")
    expect(slider).to_be_focused()
    gallery.keyboard.press("ArrowRight")
    assert share(gallery) > 50
    gallery.keyboard.press("Home")
    assert share(gallery) == 0
    expect(slider).to_have_attribute("aria-valuetext", "0 % before")
    box = gallery.locator(".compare").first.bounding_box()
    assert box is not None
    gallery.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
    gallery.mouse.down()
    gallery.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60)
    assert abs(share(gallery) - 80) < 2
    gallery.mouse.up()
    gallery.mouse.move(box["x"] + 10, box["y"] + 60)
    assert abs(share(gallery) - 80) < 2
    gallery.close()


@pytest.mark.parametrize("width", [360, 1400])
def test_it_fits_every_screen(gallery: Page, width: int) -> None:
    gallery.set_viewport_size({"width": width, "height": 800})
    assert gallery.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        gallery.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        ink, paper = (
            sum(
                map(
                    int,
                    gallery.evaluate(f"getComputedStyle(document.body).{what}.match(/\\d+/g).slice(0, 3)"),
                )
            )
            for what in ("color", "backgroundColor")
        )
        assert (ink < paper) == (scheme == "light") and abs(ink - paper) > 400
    gallery.close()


@pytest.mark.slow
def test_a_link_opens_the_studio_with_settings_and_input(gallery: Page) -> None:
    with gallery.context.expect_page() as opening:
        gallery.locator("#lightly-drawn-toonify").get_by_role("link", name="Open in the studio").click()
    studio = opening.value
    expect(studio.get_by_role("tab", name="Toonify", selected=True)).to_be_visible()
    expect(studio.get_by_text("Its input is here: run it")).to_be_visible()
    expect(studio.get_by_label("Strength").locator("visible=true").first).to_have_value("0.75")
    expect(picture(studio, "Photo")).to_be_visible()
    studio.close()
    gallery.close()

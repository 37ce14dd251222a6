"""Drawing and painting in a real browser: what is on a pad becomes a face, each class in its colour."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from psp.maps.palette import CLASSES, PALETTE
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    block,
    clear_pad,
    draw,
    expect_result,
    open_pad,
    open_tab,
    oval,
    paint_at_once,
    picture,
    press,
    run,
    upload,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model


def test_a_drawn_sketch_becomes_faces(page: Page) -> None:
    open_pad(page, "Sketch → face")
    clear_pad(page)
    for line in (
        oval(0.5, 0.53, 0.26, 0.34, 6),
        [(0.4, 0.68), (0.6, 0.68)],
    ):
        draw(page, line)
    page.get_by_label("Variants").locator("visible=true").first.fill("3")
    run(page, "Sketch → face")
    expect_result(page)
    expect(block(page, "Results").locator("img")).to_have_count(3)


def test_a_painted_map_becomes_a_face(page: Page) -> None:
    open_pad(page, "Segmentation → face")
    clear_pad(page)
    page.get_by_label("Redraw after each stroke").locator("visible=true").uncheck()
    page.get_by_label("Variants").locator("visible=true").first.fill("1")
    page.get_by_label("skin", exact=True).click()
    draw(page, [(0.4, 0.4), (0.6, 0.4), (0.5, 0.7)])
    page.get_by_label("hair", exact=True).click()
    draw(page, [(0.22, 0.55), (0.5, 0.14), (0.78, 0.55)])
    run(page, "Segmentation → face")
    expect_result(page)
    seen = picture(page, "What the model sees").get_attribute("src")
    assert seen is not None
    with Image.open(_fetched(page, seen)) as opened:
        colours = {colour for _, colour in opened.convert("RGB").getcolors(256) or []}
    assert colours == {(0, 0, 0), (204, 0, 0), (0, 0, 204)}  # background, skin, hair, and nothing between


@pytest.mark.slow
def test_ten_classes_at_once_arrive_each_in_its_colour(page: Page) -> None:
    names = ["skin", "nose", "hair", "left eye", "right eye", "mouth", "neck", "cloth", "hat", "glasses"]
    open_pad(page, "Segmentation → face")
    clear_pad(page)
    page.get_by_label("Variants").locator("visible=true").first.fill("1")
    rows = {name: [(x, 0.06 + 0.095 * row) for x in (0.1, 0.4, 0.9)] for row, name in enumerate(names)}
    paint_at_once(page, rows)
    run(page, "Segmentation → face")
    expect_result(page)
    seen = picture(page, "What the model sees").get_attribute("src")
    assert seen is not None
    with Image.open(_fetched(page, seen)) as opened:
        painted = opened.convert("RGB")
    for row, name in enumerate(names):
        at = int((0.06 + 0.095 * row) * painted.height)
        line = {painted.getpixel((int(x * painted.width), at)) for x in (0.12, 0.3, 0.5, 0.7, 0.88)}
        assert line == {tuple(PALETTE[CLASSES.index(name)])}, name


@pytest.mark.slow
def test_the_size_of_the_brush_outlives_a_change_of_class(page: Page) -> None:
    pad = open_pad(page, "Segmentation → face")
    size = pad.locator("input[type=range]")
    pad.get_by_label("Brush Size").click()
    size.fill("50")
    page.get_by_label("neck", exact=True).click()
    expect(size).to_have_count(0)  # nothing of the editor's own choices stays open
    pad.get_by_label("Brush Size").click()
    expect(size).to_have_value("50")


@pytest.mark.slow
def test_the_legend_follows_the_colours_of_the_pad_itself(page: Page) -> None:
    pad = open_pad(page, "Segmentation → face")
    pad.get_by_label("Color").click()
    pad.locator("menu.swatch button").nth(CLASSES.index("hat")).click()
    expect(page.get_by_label("hat", exact=True)).to_be_checked()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["de-DE", "en-US"])
def test_a_brush_is_in_hand_at_first_and_after_the_sheet_was_cleared(
    browser: Browser, url: str, locale: str
) -> None:
    page = browser.new_page(locale=locale)
    page.goto(url)
    for title in ("Sketch → face", "Segmentation → face"):
        pad = open_pad(page, title)
        pad.locator(".top-panel button").last.click()
        page.wait_for_timeout(50)
        expect(pad.locator(".toolbar-wrap button.highlight")).to_have_count(1)
    page.close()


def _fetched(page: Page, url: str) -> io.BytesIO:
    return io.BytesIO(page.request.get(url).body())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "button"),
    [("Sketch → face", "Draw the photo as a sketch"), ("Segmentation → face", "Map the photo")],
)
def test_a_photo_fills_the_pad(page: Page, title: str, button: str) -> None:
    open_tab(page, title)
    open_tab(page, "From a photo")
    upload(page, "Photo to start from", PHOTO)
    press(page, button)
    drawing = page.get_by_role("tab", name="Draw", exact=True).locator("visible=true")
    expect(drawing).to_have_attribute("aria-selected", "true")
    expect(page.locator(".pad.filled").locator("visible=true")).to_have_count(1)
    run(page, title)
    expect_result(page)

"""A link that names an example opens its input with the recipe; no other file can be named."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.inference.examples import EXAMPLES, find_example
from psp.ui.linked import linked_example
from tests.ui.browsing import CHROMIUM, block, picture

expect.set_options(timeout=60_000)  # the first page takes longest
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.mark.parametrize(
    "name",
    ["", "encode", "encode/nobody", "encode/../../README.md", "/etc/passwd", "encode/astronaut/", "x" * 9000],
)
def test_only_names_of_bundled_examples_are_taken(name: str) -> None:
    with pytest.raises(InputError, match="does not have") as caught:
        linked_example({"example": name}, Recipe("encode", "auto", ""))
    assert "passwd" not in str(caught.value)


def test_every_example_has_a_name_of_its_own_for_links() -> None:
    assert [find_example(example.link) for example in EXAMPLES] == list(EXAMPLES)
    assert linked_example({}, Recipe("encode", "auto", "")) is None


def test_an_input_of_another_kind_is_refused() -> None:
    recipe = Recipe("encode", "auto", "")
    assert linked_example({"example": "frontalize/with_glasses"}, recipe) == find_example(
        "frontalize/with_glasses"
    )
    with pytest.raises(InputError):
        linked_example({"example": "sketch_to_face/pencil"}, recipe)


def opened(page: Page, url: str, **query: object) -> None:
    page.goto(f"{url}?{urlencode(query)}")
    expect(page.get_by_text("Its input is here: run it")).to_be_visible()


@needs_browser
def test_a_link_opens_the_photo_of_an_example_with_its_settings(page: Page, url: str) -> None:
    opened(
        page, url, task="toonify", model="mobile-1024", strength=0.35, face=1, example="encode/second_of_two"
    )
    expect(page.get_by_role("tab", name="Toonify", selected=True)).to_be_visible()
    expect(page.get_by_label("Strength").locator("visible=true").first).to_have_value("0.35")
    expect(picture(page, "Photo")).to_be_visible()
    expect(page.get_by_text("Found 2 faces. Number 2 by size").locator("visible=true").first).to_be_visible()


@needs_browser
@pytest.mark.slow
def test_a_link_opens_the_drawing_of_an_example(page: Page, url: str) -> None:
    opened(page, url, task="sketch_to_face", variants=2, seed=41, example="sketch_to_face/pencil")
    expect(page.get_by_role("tab", name="Upload", selected=True)).to_be_visible()
    expect(picture(page, "Sketch")).to_be_visible()
    expect(page.get_by_label("Seed").locator("visible=true").first).to_have_value("41")


@needs_browser
@pytest.mark.slow
def test_a_link_opens_both_pictures_of_a_mixture(page: Page, url: str) -> None:
    opened(
        page, url, task="style_mix", variants=3, layers="features", example="style_mix/features_of_another"
    )
    expect(picture(page, "Photo")).to_be_visible()
    expect(block(page, "Another face").locator("img").first).to_be_visible()


@needs_browser
@pytest.mark.slow
def test_a_link_to_a_file_that_is_no_example_is_told(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}?task=encode&example=../../README.md")
    expect(page.get_by_text("names an example that this page does not have").first).to_be_visible()
    page.close()

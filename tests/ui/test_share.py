"""Sharing on the page: the picture that is looked at is downloaded, and opens again with its settings."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from psp.codes.recipe import Recipe, recipe_from_query, recipe_of_png
from psp.inference.examples import EXAMPLES, Example
from psp.ui.linked import LINK_WITH_EXAMPLE, linked_example, query_of
from tests.ui.browsing import CHROMIUM, PHOTO, block, button, open_example, open_tab, upload

expect.set_options(timeout=60_000)  # the first page takes longest
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


_PHONE = """async (url) => {
  const shared = [], { matchMedia } = window;
  window.matchMedia = () => ({ matches: true });
  navigator.canShare = ({ files }) => files.length === 1;
  navigator.share = async ({ files: [file] }) => shared.push(`${file.name} ${file.type} ${file.size}`);
  sharing.asked("sketch_to_face", []);
  await sharing.hand("sketch_to_face", { url, orig_name: "shared.png" });
  await sharing.hand("sketch_to_face", null); // its result has gone
  await sharing.hand("toonify", { url, orig_name: "never-asked.png" });
  window.matchMedia = matchMedia;
  return shared;
}"""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.link)
def test_a_link_of_an_example_names_one_with_the_same_pictures(example: Example, tmp_path: Path) -> None:
    given = tmp_path / "uploaded"  # whatever it is called
    given.write_bytes(example.path.read_bytes())
    style = str(example.style_path) if example.style_path else None
    recipe = Recipe(example.task, "auto", "", dict(example.settings))
    query = dict(parse_qsl(urlsplit(query_of(recipe, str(given), style)).query))
    named = linked_example(query, recipe)
    assert named is not None and recipe_from_query(query) == recipe
    assert named.path.read_bytes() == given.read_bytes()
    assert named.style_path == example.style_path or (example.style is None and named.task != "style_mix")


def test_links_name_no_picture_that_is_not_the_examples_own(tmp_path: Path) -> None:
    recipe = Recipe("encode", "auto", "")
    changed = tmp_path / "photo.jpg"
    changed.write_bytes(PHOTO.read_bytes()[:-1] + b"x")
    for given in (None, str(changed)):
        assert "example" not in query_of(recipe, given)
    mixture = Recipe("style_mix", "auto", "")
    assert "example" not in query_of(mixture, str(PHOTO), str(changed))  # not its style
    assert "example" not in query_of(Recipe("sketch_to_face", "auto", ""), str(PHOTO))  # no drawing


@needs_browser
def test_the_picture_that_is_looked_at_is_downloaded_and_opens_again(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Sketch → face")
    chosen = block(page, "Results").locator(".thumbnail-item").nth(2)
    chosen.click()
    with page.expect_download() as waiting:
        button(page, "Share picture").click()
    path = tmp_path / waiting.value.suggested_filename
    assert path.name == "psp-studio-sketch_to_face.png"
    waiting.value.save_as(path)
    with Image.open(path) as made:
        recipe = recipe_of_png(made)
        assert made.size == (1024, 584) and "Synthetic" in made.info["Description"]
    assert recipe is not None and recipe.settings["variant"] == 2

    # A phone gets the file in its own sheet; what belongs to a result that is gone is handed to nobody.
    assert page.evaluate(_PHONE, "data:image/png;base64,AAAA") == ["shared.png image/png 3"]

    open_tab(page, "Encode")
    upload(page, "A PNG that the studio made", path)
    expect(page.get_by_text("Settings of a result of Sketch → face are restored")).to_be_visible()
    expect(page.get_by_label("Seed").locator("visible=true").first).to_have_value("93")


@needs_browser
@pytest.mark.slow
def test_the_link_says_whether_the_input_is_in_it(page: Page) -> None:
    open_example(page, "Encode")
    recipe = block(page, "Recipe")
    expect(recipe).to_contain_text(LINK_WITH_EXAMPLE)
    page.goto(recipe.locator("textarea, input").first.input_value())
    expect(page.get_by_text("Its input is here: run it")).to_be_visible()

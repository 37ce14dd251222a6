"""The sliders of edits in a browser: the text they write, what moves them, the preview, further ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors.numpy import save

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    block,
    button,
    expect_result,
    open_example,
    open_tab,
    press,
    ready,
    run,
    told,
)
from tests.ui.served import served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model
TASK = "Edit"


@pytest.fixture(scope="module")
def url(true_family: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with the bundled family, whose generator the named directions are for."""
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache"))
    with served(build_app(PspPipeline(settings))) as url:
        yield url


def slider(page: Page, title: str) -> Locator:
    """Return a slider by its title."""
    return page.get_by_role("slider", name=f"range slider for {title}", exact=True).locator("visible=true")


def edits(page: Page) -> Locator:
    """Return the text of the edits."""
    return page.get_by_label("Edits", exact=False).locator("visible=true").first


def preview(page: Page) -> Locator:
    """Return the picture beside the sliders."""
    return page.locator(".edited figure img").locator("visible=true")


def moved(page: Page, title: str, to: float) -> str:
    """Move a slider, wait for the preview, and return it."""
    before = str(preview(page).get_attribute("src"))
    slider(page, title).fill(f"{to:g}")
    expect(preview(page)).not_to_have_attribute("src", before)
    expect(page.locator(".edited")).not_to_have_class(re.compile("behind"))
    return str(preview(page).get_attribute("src"))


def test_sliders_write_the_text_and_the_preview_follows(page: Page) -> None:
    open_example(page, TASK)
    expect(slider(page, "Age")).to_have_value("0.9")  # the example's
    expect(preview(page)).to_have_attribute("src", re.compile("^http"))  # its stored result
    assert moved(page, "Smile", -0.5).startswith("data:image/webp")
    expect(edits(page)).to_have_value("smile:-0.5,age:0.9")
    moved(page, "Age", 0)
    expect(edits(page)).to_have_value("smile:-0.5")
    expect(told(page).first).to_contain_text("settings have changed")
    run(page, TASK)
    expect_result(page)
    expect(told(page)).to_have_count(0)


def test_a_text_moves_the_sliders_and_keeps_what_none_of_them_says(page: Page) -> None:
    open_example(page, TASK)
    edits(page).fill("hat: 0.5, colours-2:1, nobody:1, age:7")
    expect(slider(page, "Hat")).to_have_value("0.5")
    expect(slider(page, "Colours and light 2")).to_have_value("1")
    expect(slider(page, "Age")).to_have_value("1")  # as far as it goes
    expect(slider(page, "Smile")).to_have_value("0")
    slider(page, "Smile").fill("0.3")
    expect(edits(page)).to_have_value("smile:0.3,age:1,hat:0.5,colours-2:1,nobody:1")
    expect(page.locator(".edited figcaption")).to_contain_text("no direction 'nobody'")
    press(page, "Undo all edits")
    expect(edits(page)).to_have_value("")
    expect(slider(page, "Hat")).to_have_value("0")
    expect(preview(page)).to_be_visible()


@pytest.mark.slow
def test_a_result_can_be_edited_on(page: Page) -> None:
    open_example(page, TASK, 1)
    run(page, TASK)
    button(page, "Keep this one as the base").click()
    expect(page.get_by_text("is the base. Its codes are reused")).to_be_visible()
    expect(edits(page)).to_have_value("")  # the glasses are in the codes now
    moved(page, "Smile", 0.5)
    run(page, TASK)
    expect_result(page)


@pytest.mark.slow
def test_a_file_brings_sliders_of_its_own(page: Page, tmp_path: Path) -> None:
    open_tab(page, TASK)
    ready(page, TASK)
    shift = np.zeros((23, 512), np.float32)
    shift[15:] = 0.2
    path = tmp_path / "more.safetensors"
    words = json.dumps({"cool-tint": {"title": "Cool <b>tint</b>", "about": "<img src=x onerror=alert(1)>"}})
    path.write_bytes(save({"cool-tint": shift}, metadata={"directions": words}))
    block(page, "Directions").locator("input[type=file]").set_input_files(str(path))
    expect(page.get_by_text("Loaded: cool-tint.")).to_be_visible()
    moved(page, "Cool <b>tint</b>", 0.5)
    assert page.locator(".edit-sliders img, .edit-sliders b").count() == 0  # a stranger's words are words
    expect(edits(page)).to_have_value(re.compile("cool-tint:0.5"))
    run(page, TASK)
    expect_result(page)
    path.write_bytes(b"no directions")
    block(page, "Directions").get_by_role("button", name="Clear").or_(
        block(page, "Directions").get_by_label("Remove this file")
    ).first.click()
    expect(page.get_by_text("none loaded")).to_be_visible()
    expect(slider(page, "Cool <b>tint</b>")).to_have_count(0)


def test_another_model_has_no_named_sliders_and_says_what_it_has(page: Page) -> None:
    open_example(page, TASK)
    model = page.get_by_label("Model").locator("visible=true").first
    model.fill("ffhq-1024")
    model.press("Enter")
    expect(slider(page, "Smile")).to_have_count(0)
    expect(slider(page, "Features 1")).to_be_visible()
    model.fill("auto")
    model.press("Enter")
    expect(slider(page, "Smile")).to_be_visible()


@pytest.mark.slow
def test_a_clip_goes_through_photos_and_stop_is_there_while_it_is_made(page: Page) -> None:
    open_example(page, TASK)
    places = block(page, "On the way").locator("input[type=file]")
    places.set_input_files([str(PHOTO), str(PHOTO.with_name("synthetic_2.jpg"))])
    expect(page.locator(".file-preview:visible").filter(has_text="synthetic_2")).to_be_visible()
    page.get_by_label("Seconds").locator("visible=true").first.fill("1")
    making = page.locator("#run-move").locator("xpath=..")
    stop = making.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_hidden()
    button(page, "Make the clip").click()
    expect(stop).to_be_visible()
    expect(page.locator("video[src*=move]")).to_be_hidden()  # while it is made
    expect(page.locator("video[src*=move]")).to_be_visible(timeout=120_000)
    expect(stop).to_be_hidden()

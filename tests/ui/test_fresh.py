"""What is shown belongs to what the tab says: new inputs empty it, new settings mark it, in any order."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from psp.config import Settings
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline, Result
from psp.ui.app import build_app, launch_settings
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    SECTIONS,
    block,
    button,
    draw,
    open_example,
    open_pad,
    open_tab,
    picture,
    press,
    run,
    shown,
    told,
    upload,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)

TABS = ["Toonify", "Style mixing"]  # one picture, and several with a second input
PASTE, ARCHIVE, KEEP = "Paste back into the photo", "All files (ZIP)", "Keep this one as the base"


def expect_nothing(page: Page) -> None:
    """The results are empty, and nothing can be done with them."""
    expect(shown(page)).to_have_count(0)
    expect(picture(page, "What the model sees")).to_have_count(0)
    expect(page.locator(".words").locator("visible=true")).to_have_count(0)
    expect(button(page, ARCHIVE)).to_be_disabled()
    expect(button(page, PASTE)).to_be_disabled()
    expect(block(page, "Recipe").locator("textarea, input").first).to_have_value("")
    expect(page.locator("a[download$='.safetensors']").locator("visible=true")).to_have_count(0)


def test_the_stop_button_stays_from_asking_to_the_end(page: Page) -> None:
    # What a photo's own change returned can be applied after a click: it must say nothing of the button.
    page.wait_for_function("typeof results === 'object'")
    seen = page.evaluate(
        """() => {
            const spec = { task: "tried", title: "", inputs: ["photo"], settings: [], outputs: ["halt"] };
            const photo = { path: "a.png" };
            const begun = () => (results.begun("tried", "one", ["photo"], []), results.changed(spec, photo));
            const steps = [
                () => results.asked(spec, null), () => results.changed(spec, photo), begun,
                () => results.ended(spec, "one", photo), () => results.asked(spec, photo),
                () => results.stopped(spec, photo),
            ];
            return steps.map((step) => step()[0]?.visible ?? null);
        }"""
    )
    assert seen == [True, None, None, False, True, False]


def test_a_new_photo_empties_the_results(page: Page, inputs: dict[str, Path]) -> None:
    for title in TABS:
        open_example(page, title)
        expect(button(page, PASTE)).to_be_enabled()
        press(page, PASTE)
        expect(picture(page, "In the photo")).to_be_visible()
        button(page, "Remove Image").first.click()
        expect_nothing(page)
        expect(block(page, "In the photo")).to_have_count(0)
        upload(page, "Photo", inputs["photo"])
        expect(picture(page, "The crop on the photo")).to_be_visible()
        expect_nothing(page)


@pytest.mark.slow
def test_another_face_or_alignment_or_style_empties_the_results(page: Page, inputs: dict[str, Path]) -> None:
    open_example(page, "Encode", 2)
    page.get_by_label("Face", exact=True).locator("visible=true").fill("0")
    expect_nothing(page)
    open_example(page, "Encode")
    page.get_by_label("Find and crop the face").locator("visible=true").uncheck()
    expect_nothing(page)
    open_example(page, "Style mixing")
    expect(button(page, KEEP)).to_be_enabled()
    upload(page, "Another face", inputs["style"])
    expect_nothing(page)
    expect(told(page)).to_have_text("The input is another one now: press Style mixing to see its result.")
    expect(button(page, KEEP)).to_be_disabled()


def test_another_setting_marks_the_result_and_the_same_one_again_does_not(page: Page) -> None:
    open_example(page, "Toonify")
    expect(told(page)).to_have_count(0)
    strength = page.get_by_label("Strength").locator("visible=true").first
    before = strength.input_value()
    strength.fill("0.3")
    expect(told(page)).to_have_text(re.compile("settings have changed.*press Toonify"))
    expect(shown(page).first).to_be_visible()
    expect(button(page, PASTE)).to_be_enabled()  # it is still a result of this photo
    strength.fill(before)
    expect(told(page)).to_have_count(0)


@pytest.mark.slow
def test_another_drawing_marks_the_result_and_another_upload_empties_it(
    page: Page, inputs: dict[str, Path]
) -> None:
    open_pad(page, "Sketch → face")
    open_example(page, "Sketch → face")
    open_tab(page, "Draw")
    draw(page, [(0.2, 0.2), (0.5, 0.5)])
    expect(told(page)).to_have_text(re.compile("drawing has changed.*press Sketch → face"))
    expect(shown(page).first).to_be_visible()
    open_tab(page, "Upload")
    upload(page, "Sketch", inputs["sketch"])
    expect(shown(page)).to_have_count(0)
    expect(button(page, ARCHIVE)).to_be_disabled()


@pytest.mark.slow
def test_the_face_goes_back_to_the_largest_with_a_new_photo(page: Page, inputs: dict[str, Path]) -> None:
    face = page.get_by_label("Face", exact=True).locator("visible=true")
    open_example(page, "Encode", 2)
    expect(face).to_have_value("1")  # the example's own choice stands
    upload(page, "Photo", inputs["photo"])
    expect(page.get_by_text("Found a face, about").locator("visible=true").first).to_be_visible()
    expect(face).to_have_value("0")
    expect(page.get_by_text("There is no face number")).to_have_count(0)


@pytest.mark.slow
def test_the_face_of_a_recipe_waits_for_its_photo(page: Page, url: str, inputs: dict[str, Path]) -> None:
    page.goto(f"{url}?task=frontalize&model=mobile-1024&align=true&face=1")
    expect(page.get_by_text("Settings of a result of Frontalise are restored")).to_be_visible()
    upload(page, "Photo", inputs["two"])
    expect(page.get_by_text("Found 2 faces. Number 2 by size").locator("visible=true").first).to_be_visible()
    upload(page, "Photo", inputs["photo"])
    expect(page.get_by_text("Found a face, about").locator("visible=true").first).to_be_visible()


@pytest.mark.slow
def test_keep_takes_what_is_looked_at_however_fast_and_after_another_run(page: Page) -> None:
    open_tab(page, "Style mixing")
    upload(page, "Photo", PHOTO)
    page.get_by_label("Variants").locator("visible=true").first.fill("2")
    run(page, "Style mixing")
    expect(block(page, "Results").locator("button:has(img)")).to_have_count(2)
    expect(button(page, ARCHIVE)).to_be_enabled()
    thumbnails = block(page, "Results").locator("button:has(img)")
    kept = button(page, KEEP).element_handle()
    thumbnails.nth(1).click()
    page.evaluate("button => button.click()", kept)  # before the server can know of the choice
    expect(page.get_by_text("Variant 2 is the base")).to_be_visible()
    expect(told(page)).to_have_text(re.compile("base has changed"))
    run(page, "Style mixing")
    expect(told(page)).to_have_count(0)
    expect(block(page, "Results").locator(".thumbnails")).to_have_count(0)  # nothing is chosen any more
    press(page, KEEP)
    expect(page.get_by_text("Variant 1 is the base")).to_be_visible()


class _Gated(PspPipeline):
    """A studio whose encoding waits until it may go on."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.begun, self.gate = threading.Event(), threading.Event()

    def encode(self, *args: Any, step: Step | None = None, **kwargs: Any) -> Result:
        self._wait(step)
        return super().encode(*args, **kwargs)

    def style_mix(self, *args: Any, step: Step | None = None, **kwargs: Any) -> Result:
        self._wait(step)
        return super().style_mix(*args, **kwargs)

    def _wait(self, step: Step | None) -> None:
        self.begun.set()
        for _ in range(1200):
            if step is not None:
                step("Working", 0.5)
            if self.gate.wait(0.05):
                return
        raise RuntimeError("nobody opened the gate")


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Gated, str]]:
    pipeline = _Gated(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("gated")))
    app = build_app(pipeline)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings())
    yield pipeline, url
    pipeline.gate.set()
    app.close()


@pytest.fixture
def running(browser: Browser, gated: tuple[_Gated, str]) -> Iterator[tuple[Page, _Gated]]:
    """A page with an example's result, on which another run of it goes on."""
    pipeline, url = gated
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(SECTIONS)
    page.goto(url)
    open_example(page, "Encode")
    expect(button(page, "Stop")).to_have_count(0)
    pipeline.gate.clear()
    pipeline.begun.clear()
    press(page, "Encode")
    expect(button(page, "Stop")).to_be_visible()
    assert pipeline.begun.wait(60)
    yield page, pipeline
    pipeline.gate.set()
    page.close()


def test_stop_is_there_while_something_runs_and_leaves_the_last_result(running: tuple[Page, _Gated]) -> None:
    page, pipeline = running
    press(page, "Stop")
    expect(told(page)).to_have_text("Stopped: this is the result before.")
    expect(page.locator(".large:visible .error")).to_be_hidden()
    expect(button(page, "Stop")).to_have_count(0)
    expect(shown(page).first).to_be_visible()
    expect(page.get_by_text("A close likeness.").locator("visible=true")).to_be_visible()
    expect(button(page, PASTE)).to_be_enabled()
    expect(button(page, ARCHIVE)).to_be_enabled()
    pipeline.gate.set()
    run(page, "Encode")  # and it can go on at once
    expect(told(page)).to_have_count(0)
    expect(button(page, "Stop")).to_have_count(0)
    expect(shown(page).first).to_be_visible()


def test_a_photo_that_comes_during_a_run_is_not_given_the_result_of_the_one_before(
    running: tuple[Page, _Gated], inputs: dict[str, Path]
) -> None:
    page, pipeline = running
    upload(page, "Photo", inputs["two"])
    expect(page.get_by_text("Found 2 faces. The largest").locator("visible=true").first).to_be_visible()
    expect(button(page, "Stop")).to_have_count(0)
    pipeline.gate.set()
    page.wait_for_timeout(1500)
    expect_nothing(page)
    run(page, "Encode")
    expect(shown(page).first).to_be_visible()
    expect(button(page, PASTE)).to_be_enabled()


def test_two_faces_that_change_places_during_a_run_end_it(running: tuple[Page, _Gated]) -> None:
    page, pipeline = running
    pipeline.gate.set()
    expect(button(page, "Stop")).to_have_count(0)
    open_example(page, "Style mixing")
    pipeline.gate.clear()
    pipeline.begun.clear()
    press(page, "Style mixing")
    assert pipeline.begun.wait(60)
    # Playwright's own click waits for frames, of which a busy machine gives a working page few.
    button(page, "⇄ Swap the faces").evaluate("each => each.click()")
    expect(told(page)).to_have_text("Stopped, because the input has changed.")
    expect(button(page, "Stop")).to_have_count(0)  # the gate is still shut
    expect_nothing(page)
    pipeline.gate.set()
    run(page, "Style mixing")
    expect(told(page)).to_have_count(0)


@pytest.mark.slow
def test_an_example_that_is_opened_during_a_run_keeps_its_own_result(running: tuple[Page, _Gated]) -> None:
    page, pipeline = running
    before = shown(page).first.get_attribute("src") or ""
    open_example(page, "Encode", 3)
    expect(shown(page).first).not_to_have_attribute("src", before)
    result = shown(page).first.get_attribute("src")
    pipeline.gate.set()
    page.wait_for_timeout(1500)
    expect(shown(page).first).to_have_attribute("src", result or "")
    expect(told(page)).to_have_count(0)
    expect(button(page, "Stop")).to_have_count(0)


def test_a_run_that_fails_leaves_the_last_result_and_marks_it(page: Page, tmp_path: Path) -> None:
    open_example(page, "Encode")
    model = page.get_by_label("Model", exact=True).locator("visible=true")
    model.fill("nothing")
    model.press("Enter")
    press(page, "Encode")
    expect(page.get_by_text("no model called 'nothing'").first).to_be_visible()
    expect(button(page, "Stop")).to_have_count(0)
    expect(told(page)).to_have_text(
        re.compile("The last run ended with an error: this is the result before. The settings have changed")
    )
    expect(shown(page).first).to_be_visible()
    button(page, "Remove Image").first.click()
    Image.new("RGB", (300, 300), "teal").save(tmp_path / "nobody.png")
    upload(page, "Photo", tmp_path / "nobody.png")
    press(page, "Encode")
    expect(told(page)).to_have_text("There is no result: the last run ended with an error.")


def test_a_run_that_fails_leaves_the_seed_as_it_was(page: Page) -> None:
    open_example(page, "Sketch → face")
    open_pad(page, "Sketch → face")
    press(page, "Sketch → face")
    expect(page.get_by_text("There is nothing on the pad yet").first).to_be_visible()
    expect(told(page)).to_have_text("The last run ended with an error: this is the result before.")

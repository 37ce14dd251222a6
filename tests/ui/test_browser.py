"""The page in a real browser: examples, uploads, drawing, painting, several faces, errors, stopping."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from psp.codes.recipe import recipe_of_png
from psp.config import Settings
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline, Result
from psp.tasks import TASKS
from psp.ui.app import build_app, launch_settings
from tests.ui.browsing import (
    CHROMIUM,
    PHOTO,
    block,
    button,
    expect_result,
    new_result,
    open_example,
    open_tab,
    picture,
    press,
    ready,
    run,
    tab,
    told,
    upload,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model
TITLES = [task.title for task in TASKS.values()]


def test_a_photo_becomes_a_face(page: Page, tmp_path: Path) -> None:
    upload(page, "Photo", PHOTO)
    expect(picture(page, "The crop on the photo")).to_be_visible()  # before anything was pressed
    run(page, "Encode")
    expect_result(page)
    expect(page.get_by_label("Exact").first).to_be_checked()  # which the small model of these tests cannot be
    expect(page.locator(".block.words:visible")).to_contain_text("This model knows no exact likeness")
    with page.expect_download() as download:
        page.locator("a[download$='.safetensors']").first.click()
    assert download.value.suggested_filename.endswith(".safetensors")
    with page.expect_download() as download:
        press(page, "All files (ZIP)")
    assert download.value.suggested_filename == "encode.zip"
    press(page, "Paste back into the photo")
    expect(picture(page, "In the photo")).to_be_visible()


# One picture, one of several, and a mixture; the others are made like these.
_EXAMPLES = [
    pytest.param(title, marks=[] if title == "Encode" else pytest.mark.slow) for title in TITLES
]  # fmt: skip


@pytest.mark.parametrize("title", _EXAMPLES)
def test_an_example_shows_its_stored_result_at_once_and_runs(
    page: Page, pipeline: PspPipeline, title: str
) -> None:
    before = pipeline.network.loaded_count
    open_example(page, title)
    expect_result(page)
    assert pipeline.network.loaded_count <= max(before, 1)  # no model was needed
    run(page, title)
    expect_result(page)


@pytest.mark.slow
def test_two_faces_can_be_chosen_and_made_at_once(page: Page, inputs: dict[str, Path]) -> None:
    upload(page, "Photo", inputs["two"])
    expect(page.get_by_text("Found 2 faces. The largest")).to_be_visible()
    faces = block(page, "Faces in the photo").locator("button img")
    expect(faces).to_have_count(2)
    faces.nth(1).click()
    expect(page.get_by_text("Found 2 faces. Number 2 by size").locator("visible=true").first).to_be_visible()
    run(page, "Encode")
    expect_result(page)
    press(page, "All faces in the photo")
    expect(block(page, "All faces").locator("img")).to_have_count(2)
    press(page, "Paste back into the photo")
    expect(picture(page, "In the photo")).to_be_visible()


def test_an_error_is_told_in_words_and_clears_old_results(page: Page) -> None:
    upload(page, "Photo", PHOTO)
    run(page, "Encode")
    expect_result(page)
    page.get_by_label("Face", exact=True).locator("visible=true").first.fill("4")
    press(page, "Encode")
    expect(page.get_by_text("There is no face number 4").first).to_be_visible()
    expect(page.get_by_text("model mobile-1024").locator("visible=true")).to_have_count(0)


def test_a_bad_file_is_told_where_it_was_dropped(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "broken.jpg"
    bad.write_text("no picture")
    upload(page, "Photo", bad)
    told = page.locator(".note:visible").get_by_text(
        "The file 'broken.jpg' is not a picture that can be read."
    )
    expect(told).to_be_visible()


def test_a_photo_without_a_face_says_what_to_do(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (160, 160), (99, 99, 99)).save(tmp_path / "grey.png")
    upload(page, "Photo", tmp_path / "grey.png")
    expect(page.locator(".note:visible").get_by_text("No face was found")).to_be_visible()
    press(page, "Encode")
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text("switch off “Find and crop the face” under “More settings”")
    expect(page.get_by_text("align=False").locator("visible=true")).to_have_count(0)
    error = page.locator(".large:visible .error")
    expect(error).to_be_visible()
    upload(page, "Photo", PHOTO)  # with which that has nothing to do
    expect(toast).to_have_count(0)
    expect(error).to_be_hidden()
    expect(told(page)).to_contain_text("The input is another one now: press Encode")


@pytest.mark.slow
def test_the_link_of_a_result_restores_its_controls(page: Page, browser: Browser, url: str) -> None:
    page.goto(f"{url}?task=toonify&model=mobile-1024&align=true&face=0&strength=0.35")
    expect(page.get_by_role("tab", name="Toonify", selected=True)).to_be_visible()
    expect(page.get_by_text("Settings of a result of Toonify are restored")).to_be_visible()
    expect(page.get_by_label("Strength").locator("visible=true").first).to_have_value("0.35")


def test_a_dropped_result_restores_its_controls(
    page: Page, pipeline: PspPipeline, inputs: dict[str, Path], tmp_path: Path
) -> None:
    result = pipeline.sketch_to_face(inputs["sketch"], variants=3, seed=41, layers="0-3,7")
    (tmp_path / "result.png").write_bytes(result.png(1))
    with Image.open(tmp_path / "result.png") as opened:
        assert recipe_of_png(opened) is not None
    page.get_by_text("Open a result: restore its settings").click()
    upload(page, "A PNG that the studio made", tmp_path / "result.png")
    expect(tab(page, "Sketch → face")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("It was variant 2")).to_be_visible()
    expect(page.get_by_label("Seed").locator("visible=true").first).to_have_value("41")
    expect(button(page, "Keep")).to_have_attribute("aria-pressed", "true")  # whoever opens it wants this one
    expect(page.get_by_label("Layers").locator("visible=true").first).to_have_value("0-3,7")


@pytest.mark.slow
def test_a_variant_becomes_the_base_of_the_next_mixture(page: Page) -> None:
    open_tab(page, "Style mixing")
    upload(page, "Photo", PHOTO)
    page.get_by_label("Variants").locator("visible=true").first.fill("2")
    run(page, "Style mixing")
    expect_result(page)
    block(page, "Results").locator("button:has(img)").nth(1).click()
    page.wait_for_timeout(800)
    press(page, "Keep this one as the base")
    expect(page.get_by_text("Variant 2 is the base")).to_be_visible()
    run(page, "Style mixing")
    expect_result(page)
    press(page, "Back to the photo")
    expect(page.get_by_text("The face in the photo is the base.")).to_be_visible()


@pytest.mark.slow
def test_each_run_takes_another_seed_unless_it_is_kept(page: Page) -> None:
    open_example(page, "Sketch → face")
    seed = page.get_by_label("Seed").locator("visible=true").first
    expect(seed).to_have_value("93")  # the example's
    keep = button(page, "Keep")
    if keep.get_attribute("aria-pressed") == "true":
        keep.click()
    run(page, "Sketch → face")
    expect(seed).not_to_have_value("93")
    chosen = seed.input_value()
    expect(page.get_by_text(f"seed {chosen}").first).to_be_visible()
    expect(told(page)).to_have_count(0)
    keep.click()
    expect(keep).to_have_attribute("aria-pressed", "true")
    run(page, "Sketch → face")
    expect(seed).to_have_value(chosen)
    with new_result(page, "Sketch → face"):
        press(page, "Roll the dice")  # runs at once
    expect(seed).not_to_have_value(chosen)
    before = seed.input_value()
    expect(page.get_by_text(f"seed {before}").first).to_be_visible()
    with new_result(page, "Sketch → face"):
        press(page, "Roll the dice")
        expect(button(page, "Stop")).to_be_visible()
        expect(seed).not_to_have_value(before)
        rolled = seed.input_value()
        # One run at a time: pressed again if that one has not ended meanwhile.
        pressed = page.evaluate(
            """() => {
              const seen = [...document.querySelectorAll("button")].filter((each) => each.offsetParent);
              const said = (each) => each.ariaLabel || each.title || each.textContent;
              const named = (name) => seen.find((each) => said(each).includes(name));
              if (named("Stop")) named("Roll the dice").click();
              return Boolean(named("Stop"));
            }"""
        )
        if pressed:
            assert seed.input_value() == rolled
    expect(seed).to_have_value(rolled)
    expect(page.get_by_text(f"seed {rolled}").first).to_be_visible()
    expect(told(page)).to_have_count(0)
    keep.click()
    seed.fill("7")  # whoever types one wants it
    expect(keep).to_have_attribute("aria-pressed", "true")


@pytest.mark.slow
def test_a_seed_chosen_by_chance_is_written_back(page: Page) -> None:
    open_example(page, "Sketch → face")
    seed = page.get_by_label("Seed").locator("visible=true").first
    seed.fill("-1")
    run(page, "Sketch → face")
    expect(seed).not_to_have_value("-1")
    expect(page.get_by_text(f"seed {seed.input_value()}").first).to_be_visible()


# The others have fewer.
_BY_KEYS = [
    pytest.param(title, marks=[] if title == "Segmentation → face" else pytest.mark.slow)
    for title in TITLES
]  # fmt: skip


@pytest.mark.parametrize("title", _BY_KEYS)
def test_the_keyboard_reaches_every_control(page: Page, title: str) -> None:
    open_tab(page, title)
    ready(page, title)
    tab(page, title).focus()
    wanted = """() => [...document.querySelectorAll("input, textarea, button, a[href], [tabindex]")].filter(
        e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.disabled
            && e.type !== "file" && e.tabIndex >= 0)"""
    # Of radio buttons one takes the focus, and arrows go on from there.
    names = "e => e.type === 'radio' ? e.name : (e.dataset.seen ??= String(Math.random()))"
    controls = set(page.evaluate(f"() => ({wanted})().map({names})"))
    reached = set()
    for _ in range(3 * len(controls)):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(f"() => ({names})(document.activeElement)"))
    assert len(controls) > 15
    assert controls <= reached, len(controls - reached)
    # Nothing that can be clicked is left out of the order.
    skipped = page.evaluate(
        """() => [...document.querySelectorAll("button, [role=button]")].filter(
            e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.disabled
                && e.tabIndex < 0).map(e => e.outerHTML.slice(0, 160))"""
    )
    assert skipped == []


class _Slow(PspPipeline):
    """A studio whose encoding takes half a minute, in steps."""

    steps = 0

    def encode(self, *args: Any, step: Step | None = None, **kwargs: Any) -> Result:
        for index in range(300):
            assert step is not None
            step("Working", index / 300)
            self.steps += 1
            time.sleep(0.1)
        return super().encode(*args, step=step, **kwargs)


def test_a_running_job_can_be_stopped(browser: Browser, tmp_path: Path) -> None:
    pipeline = _Slow(Settings(device="cpu", offline=True, cache_dir=tmp_path))
    app = build_app(pipeline)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings())
    page = browser.new_page()
    try:
        page.goto(url)
        ready(page)
        upload(page, "Photo", PHOTO)
        press(page, "Encode")
        expect(page.get_by_text("Working").first).to_be_visible()
        press(page, "Stop")
        expect(page.locator(".told").get_by_text("Stopped.")).to_be_visible()
        page.wait_for_timeout(1000)
        steps = pipeline.steps
        page.wait_for_timeout(1000)
        assert pipeline.steps == steps < 300  # the work itself has ended, not only its display
    finally:
        page.close()
        app.close()


@pytest.mark.slow
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(url)
    for title in [*TITLES, "About"]:
        open_tab(page, title)
        if title != "About":  # the result comes first, and the button stays in view
            ready(page, title)
            columns = [page.locator(f".{name}-column:visible").bounding_box() for name in ("result", "input")]
            result, given = columns
            assert result is not None and given is not None and result["y"] < given["y"]
            expect(page.locator(".run:visible button").first).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, title
    page.close()


@pytest.mark.slow
def test_every_control_has_a_label(page: Page) -> None:
    for title in TITLES:
        open_tab(page, title)
        ready(page, title)
        page.wait_for_timeout(300)
        # What has just appeared gets its name with the next frame.
        page.wait_for_function(
            """() => ![...document.querySelectorAll("input:not([type=file]), textarea, select, button")]
                .some(e => e.offsetParent && !(e.labels?.length || e.ariaLabel || e.title
                    || e.textContent.trim() || e.getAttribute("aria-labelledby") || e.placeholder
                    || e.closest("label")))"""
        )


@pytest.mark.slow
def test_dark_mode_is_dark(browser: Browser, url: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(url)
    expect(page.get_by_role("tab", name="Encode", exact=True)).to_be_visible()
    colour = page.evaluate("getComputedStyle(document.querySelector('gradio-app, body')).backgroundColor")
    assert max(int(value) for value in re.findall(r"\d+", colour)[:3]) < 80, colour
    page.close()

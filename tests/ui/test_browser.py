"""The page in a real browser: a photo in, a face out; an error in words; a narrow screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from psp.config import Settings
from psp.pipeline import PspPipeline
from psp.ui.app import build_app, launch_settings

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Keeps the browser from calling its maker: tests need no network.
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
expect.set_options(timeout=60_000)  # the first request loads torch and the model
PHOTO = Path(__file__).resolve().parent.parent.parent / "examples" / "photos" / "astronaut.jpg"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache"))
    page = build_app(PspPipeline(settings))
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings()
    )
    yield url
    page.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    page.goto(url)
    yield page
    page.close()


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(str(path))
    expect(page.get_by_role("button", name="Encode", exact=True)).to_be_enabled()
    page.wait_for_function("document.querySelectorAll('img[src*=\"/file=\"]').length > 0")


def press(page: Page) -> None:
    page.get_by_role("button", name="Encode", exact=True).click()


def test_a_photo_becomes_a_face(page: Page) -> None:
    upload(page, PHOTO)
    press(page)
    expect(page.get_by_text("1 face found")).to_be_visible()
    for name in ("Result", "What the model sees"):
        image = page.locator(f"[aria-label='{name}'] img, .block:has(label:has-text('{name}')) img").first
        expect(image).to_be_visible()
    with page.expect_download() as download:
        page.locator("a[download$='.safetensors']").first.click()
    assert download.value.suggested_filename.endswith(".safetensors")


def test_an_error_is_told_in_words_and_clears_old_results(page: Page, tmp_path: Path) -> None:
    upload(page, PHOTO)
    press(page)
    expect(page.get_by_text("1 face found")).to_be_visible()
    page.get_by_label("Face", exact=False).locator("visible=true").first.wait_for()
    page.locator("input[type=number]").first.fill("4")
    press(page)
    expect(page.get_by_text("There is no face number 4")).to_be_visible()
    expect(page.get_by_text("1 face found;")).to_have_count(0)


def test_a_narrow_screen_shows_everything_without_scrolling_sideways(browser: Browser, url: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(url)
    expect(page.get_by_role("button", name="Encode", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()

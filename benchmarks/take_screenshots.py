"""Take the pictures of the page that README and docs show.

    PYTHONPATH=. python benchmarks/take_screenshots.py

Needs Debian's Chromium and ``tests/requirements.txt``. Look at what comes out before it is committed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app, launch_settings
from tests.ui.browsing import CHROMIUM, QUIET, block, draw, open_tab, oval, picture, press, upload

HERE = Path(__file__).resolve().parent
OUT = HERE / "screenshots"
EXAMPLES = HERE.parent / "examples"
QUALITY = 80


def main() -> None:
    """Serve the studio, take every picture, and say where they are."""
    expect.set_options(timeout=180_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = build_app(PspPipeline(Settings(device="cpu", offline=True, cache_dir=Path(folder))))
        _, url, _ = page.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings()
        )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for take in (sketch, two_faces, segmentation, phone):
            _take(browser, url, take)
        browser.close()
        page.close()


def sketch(page: Page) -> None:
    """Draw a face with the mouse, make four of it, and look at the second one."""
    open_tab(page, "Sketch → face")
    page.wait_for_timeout(1500)  # the pad takes its brush
    for line in (
        [(0.27, 0.42), (0.28, 0.58), (0.33, 0.72), (0.42, 0.82), (0.5, 0.85), (0.58, 0.82), (0.67, 0.72)],
        [(0.67, 0.72), (0.72, 0.58), (0.73, 0.42)],
        [(0.3, 0.4), (0.37, 0.37), (0.44, 0.39)],
        [(0.56, 0.39), (0.63, 0.37), (0.7, 0.4)],
        oval(0.38, 0.45, 0.055, 0.025),
        oval(0.38, 0.45, 0.02, 0.02, 8),
        oval(0.62, 0.45, 0.055, 0.025),
        oval(0.62, 0.45, 0.02, 0.02, 8),
        [(0.48, 0.47), (0.46, 0.59), (0.48, 0.61), (0.52, 0.61), (0.54, 0.59)],
        [(0.4, 0.69), (0.46, 0.68), (0.5, 0.69), (0.54, 0.68), (0.6, 0.69)],
        [(0.4, 0.69), (0.46, 0.72), (0.5, 0.73), (0.54, 0.72), (0.6, 0.69)],
        [(0.2, 0.75), (0.2, 0.4), (0.27, 0.2), (0.4, 0.1), (0.5, 0.08), (0.6, 0.1), (0.73, 0.2), (0.8, 0.4)],
        [(0.8, 0.4), (0.8, 0.75)],
        [(0.28, 0.42), (0.32, 0.28), (0.5, 0.2), (0.68, 0.28), (0.72, 0.42)],
    ):
        draw(page, line)
    page.get_by_label("Variants").locator("visible=true").first.fill("4")
    press(page, "Sketch → face")
    expect(block(page, "Results").locator("img")).to_have_count(4)
    page.wait_for_timeout(1500)


def two_faces(page: Page) -> None:
    """Make both faces of a photo and paste them back."""
    upload(page, "Photo", EXAMPLES / "photos" / "two_people.jpg")
    expect(page.get_by_text("2 faces found").first).to_be_visible()
    press(page, "Encode")
    expect(picture(page, "Result")).to_be_visible()
    press(page, "All faces in the photo")
    expect(block(page, "All faces").locator("img")).to_have_count(2)
    press(page, "Paste back into the photo")
    expect(picture(page, "In the photo")).to_be_visible()
    page.wait_for_timeout(1500)


def segmentation(page: Page) -> None:
    """Map a photo, paint over the map, and make four faces of it."""
    open_tab(page, "Segmentation → face")
    open_tab(page, "From a photo")
    upload(page, "Photo to start from", EXAMPLES / "photos" / "synthetic_2.jpg")
    press(page, "Map the photo")
    expect(page.get_by_role("tab", name="Draw", exact=True)).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(2500)
    page.get_by_label("Variants").locator("visible=true").first.fill("4")
    press(page, "Segmentation → face")
    expect(block(page, "Results").locator("img")).to_have_count(4)
    page.wait_for_timeout(1500)


def phone(page: Page) -> None:
    """Open an example on a narrow screen."""
    page.set_viewport_size({"width": 390, "height": 1900})
    open_tab(page, "Toonify")
    page.locator(".examples button:visible").first.click()
    expect(picture(page, "Result")).to_be_visible()
    page.wait_for_timeout(1500)


def _take(browser: Browser, url: str, act: Callable[[Page], None]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(url)
    page.wait_for_timeout(1500)
    act(page)
    path = OUT / f"{act.__name__}.jpg"
    page.screenshot(path=path, type="jpeg", quality=QUALITY, full_page=act is not phone)
    print(f"saved {path.name}, {path.stat().st_size // 1024} KB")
    page.close()


if __name__ == "__main__":
    main()

"""Take the pictures of the page that README and docs show.

    PYTHONPATH=. python benchmarks/take_screenshots.py

Needs Debian's Chromium and ``tests/requirements.txt``. Look at what comes out before it is committed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app, launch_settings
from tests.ui.browsing import CHROMIUM, QUIET, open_tab, press

HERE = Path(__file__).resolve().parent
OUT = HERE / "screenshots"
QUALITY = 70


def main() -> None:
    """Serve the studio, take every picture, and say where they are."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = build_app(PspPipeline(Settings(device="cpu", offline=True, cache_dir=Path(folder))))
        _, url, _ = page.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings()
        )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for take in (studio, sketch, segmentation, phone):
            _take(browser, url, take)
        browser.close()
        page.close()


def studio(page: Page) -> None:
    """Show the page as it opens."""


def sketch(page: Page) -> None:
    """Show what the tab opens with."""
    open_tab(page, "Sketch → face")


def segmentation(page: Page) -> None:
    """Put the map that the tab opens with onto the pad."""
    open_tab(page, "Segmentation → face")
    press(page, "Edit this map on the pad")
    page.wait_for_timeout(6000)  # the portrait of the pad is redrawn


def phone(page: Page) -> None:
    """Show a tab on a narrow screen."""
    page.set_viewport_size({"width": 390, "height": 844})
    open_tab(page, "Toonify")


def _take(browser: Browser, url: str, act: Callable[[Page], None]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(url)
    page.wait_for_timeout(1500)
    act(page)
    page.wait_for_timeout(2500)
    path = OUT / f"{act.__name__}.webp"
    with Image.open(io.BytesIO(page.screenshot())) as shown:
        shown.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"saved {path.name}, {path.stat().st_size // 1024} KB")
    page.close()


if __name__ == "__main__":
    main()

"""A phone's HEIC goes through page, API and command line, and the page shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Page, expect

from psp.cli import main as cli
from psp.inference.pipeline import PspPipeline
from psp.pictures.formats import known_formats
from psp.pictures.images import load_picture
from psp.ui.shown import shown
from tests.ui.browsing import CHROMIUM, block, picture, upload

DROP = """async ([bytes, name]) => {
  const parcel = new DataTransfer();
  parcel.items.add(new File([Uint8Array.from(bytes)], name));  // no type: this browser does not know it
  const field = [...document.querySelectorAll("button")].find(
    (button) => button.offsetParent && button.querySelector("input[type=file]"));
  field.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: parcel}));
}"""


@pytest.fixture(scope="module")
def heic(astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    known_formats()
    path = tmp_path_factory.mktemp("phone") / "IMG.0001.HEIC"
    astronaut.save(path, "HEIF", quality=90)
    return path


def test_the_api_and_the_command_line_take_it(
    heic: Path, url: str, pipeline: PspPipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = np.asarray(pipeline.align(heic).image)
    path, _, details = Client(url, verbose=False).predict(handle_file(str(heic)), api_name="/align")
    assert details["alignment"]["faces"] == 1
    assert np.array_equal(load_picture(path), wanted)
    assert cli.main(["align", str(heic), "-o", str(tmp_path)]) == 0, capsys.readouterr().err
    (made,) = tmp_path.glob("*.png")
    assert np.array_equal(load_picture(made), wanted)


def test_what_is_shown_has_the_pixels_that_the_tasks_see(heic: Path, tmp_path: Path) -> None:
    path = shown(str(heic))
    assert path.endswith(".png") and np.array_equal(load_picture(path), load_picture(heic))
    labels = Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64) % 19)
    labels.save(tmp_path / "map.tif")
    kept = load_picture(shown(str(tmp_path / "map.tif")), flat=False)
    assert kept.mode == "L" and np.array_equal(kept, labels)
    (tmp_path / "broken.heic").write_bytes(b"no picture")
    labels.save(tmp_path / "a.png")
    for name in ("broken.heic", "a.png"):
        assert not isinstance(shown(str(tmp_path / name)), str)  # nothing new
    assert not isinstance(shown(None), str)


@pytest.fixture
def page(page: Page) -> Page:
    expect(page.locator("input[type=file][accept*='.heic']").first).to_be_attached(timeout=60_000)
    return page


def expect_shown(page: Page) -> None:
    expect(picture(page, "The crop on the photo")).to_be_visible(timeout=60_000)
    page.wait_for_function(
        "image => image.naturalWidth == 512", arg=block(page, "Photo").locator("img").element_handle()
    )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_takes_and_shows_it_chosen_or_dropped(page: Page, heic: Path, url: str) -> None:
    upload(page, "Photo", heic)
    expect_shown(page)
    page.goto(url)
    expect(page.locator("input[type=file][accept*='.heic']").first).to_be_attached(timeout=60_000)
    page.evaluate(DROP, [list(heic.read_bytes()), heic.name])
    expect_shown(page)

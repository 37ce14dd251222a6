"""One served studio for all tests of the page, and the inputs that they use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.ui.browsing import CHROMIUM, QUIET, SECTIONS, ready
from tests.ui.served import served


@pytest.fixture(scope="session", autouse=True)
def uploads_of_these_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An upload folder of their own: a page that is closed elsewhere clears the common one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def url(pipeline: PspPipeline) -> Iterator[str]:
    with served(build_app(pipeline)) as url:
        yield url


@pytest.fixture(scope="session")
def inputs(
    pipeline: PspPipeline,
    astronaut: Image.Image,
    two_people: Image.Image,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """A photo, a second one, one with two faces, a sketch and a map, as files."""
    folder = tmp_path_factory.mktemp("inputs")
    pictures = {
        "photo": astronaut,
        "style": astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "two": two_people,
        "sketch": pipeline.photo_to_sketch(astronaut).image,
        "mask": pipeline.photo_to_mask(astronaut).image,
    }
    paths = {}
    for name, picture in pictures.items():
        paths[name] = folder / f"{name}.png"
        picture.save(paths[name])
    paths["latents"] = folder / "latents.safetensors"
    paths["latents"].write_bytes(pipeline.encode(astronaut).latents_file() or b"")
    return paths


@pytest.fixture(scope="module")  # Playwright keeps an event loop of its own while it is open
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page with all its sections open, once its tabs have opened with their examples."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(SECTIONS)
    page.set_default_timeout(30_000)
    page.goto(url)
    ready(page)
    yield page
    page.close()

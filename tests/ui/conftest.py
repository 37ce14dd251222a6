"""One served studio for all tests of the page, and the inputs that they use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.ui.browsing import CHROMIUM, QUIET, open_tab, opened
from tests.ui.given import input_files
from tests.ui.served import served


@pytest.fixture(scope="session", autouse=True)
def uploads_of_these_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An upload folder of their own: a page that is closed elsewhere clears the common one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the uploads of one module's own studio."""
    return tmp_path_factory.mktemp("uploads")


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
    return input_files(pipeline, astronaut, two_people, tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")  # Playwright keeps an event loop of its own while it is open
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, url: str) -> Iterator[Page]:
    """A page that nobody has used yet, with all its sections open, on the Encode tab with its example."""
    page = opened(browser, url)
    yield page
    page.close()


@dataclass
class _Shared:
    """The page that the tests of a module share; None: the next one opens it."""

    page: Page | None = None


@pytest.fixture(scope="module")
def _shared() -> Iterator[_Shared]:
    shared = _Shared()
    yield shared
    if shared.page is not None:
        shared.page.close()


@pytest.fixture
def page(browser: Browser, url: str, _shared: _Shared, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page as the tests before left it, on the Encode tab; another one after a test that failed.

    To open a page takes as long as most tests. Those that share one say what they depend on: an example or an
    upload puts everything in its place.
    """
    if _shared.page is None:
        _shared.page = opened(browser, url)
    page, failed = _shared.page, request.session.testsfailed
    open_tab(page, "Encode")
    yield page
    if request.session.testsfailed != failed:
        page.close()
        _shared.page = None

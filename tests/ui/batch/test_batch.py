"""The Batch tab in a browser: photos and a zip file in, what came of each, one zip file out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.browsing import CHROMIUM, open_tab
from tests.ui.raw_http import Raw

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
expect.set_options(timeout=60_000)  # the first request loads torch and the model


@pytest.fixture
def files(astronaut: Image.Image, tmp_path: Path) -> list[str]:
    """A photo, a zip file with another, and a picture without a face."""
    astronaut.save(tmp_path / "one.png")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(tmp_path / "one.png", "trip/two.png")
    Image.new("RGB", (80, 80), (90, 120, 200)).save(tmp_path / "sky.png")
    return [str(tmp_path / name) for name in ("one.png", "more.zip", "sky.png")]


def test_photos_and_a_zip_file_become_one_zip_file_with_a_report(
    page: Page, files: list[str], tmp_path: Path
) -> None:
    open_tab(page, "Batch")
    expect(page.locator("#stop-batch")).to_be_hidden()
    page.set_input_files("#tab-batch input[type=file]", files)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#stop-batch")).to_be_visible()
    expect(page.locator("#batch-told")).to_contain_text("2 of 3 photos are made. 1 cannot be used")
    expect(page.locator("#batch-list .made")).to_have_count(2)
    expect(page.locator("#batch-list .failed")).to_contain_text("No face was found")
    expect(page.locator("#batch-results img")).to_have_count(2)
    expect(page.locator("#stop-batch")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("button", name="All results (ZIP)").click()
    download.value.save_as(tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert sorted(archive.namelist()) == ["infer-report.csv", "one.png", "trip/two.png"]


def test_the_settings_are_those_of_the_task(page: Page) -> None:
    open_tab(page, "Batch")
    tab = page.locator("#tab-batch")
    expect(tab.get_by_role("radio", name="Exact")).to_be_visible()
    tab.get_by_role("combobox", name="Task").click()
    page.get_by_role("option", name="Toonify").click()
    expect(tab.get_by_role("radio", name="Exact")).to_be_hidden()
    expect(tab.get_by_label("Strength", exact=False).first).to_be_visible()


def test_files_that_were_not_uploaded_and_what_is_no_list_are_refused(url: str) -> None:
    raw = Raw(url)
    number = next(
        each["id"]
        for each in raw.send("/config").json["dependencies"]
        if str(each["api_name"]).startswith("begin") and len(each["inputs"]) > 8
    )
    for files, words in (
        ([{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "was not uploaded"),
        ({"path": "/etc/passwd"}, "was not uploaded"),
        ("one.png", "Give a list of uploaded files"),
        ([{"url": "http://example.org/a.jpg"}], "was not uploaded"),
        ([{"url": "data:image/png;base64,AAAA"}], "was not uploaded"),
        ([raw.upload("note.txt", b"hello")], "'note.txt' is no .png or"),
        ([7], "is no file"),
        ([{}] * 2000, "2000 files"),
        ([], "no picture"),
    ):
        (output,) = raw.run_all([{"fn_index": number, "data": [1, files, *[None] * 13]}])
        assert output is not None and not output["success"]
        assert words in output["error"], (files, output["error"])

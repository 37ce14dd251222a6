"""The head of the page as readers of links see it, who run no scripts; its picture, its icon, its weight."""

from __future__ import annotations

import gzip
import io
import re

import gradio as gr
import pytest
from PIL import Image

from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.frame.card import PICTURE, head
from tests.ui.raw_http import Raw
from tests.ui.served import served


@pytest.fixture(scope="module")
def raw(url: str) -> Raw:
    return Raw(url)


def said(page: str) -> dict[str, list[str]]:
    """What the tags of a page say, by name."""
    found: dict[str, list[str]] = {}
    for name, words in re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', page):
        found.setdefault(name, []).append(words)
    return found


def test_the_page_says_once_what_it_is(raw: Raw, url: str) -> None:
    page = raw.send("/").body.decode()
    tags = said(page)
    assert page.count("<title>pSp Studio</title>") == 1
    assert tags["og:image"] == [f"{url.rstrip('/')}{PICTURE}"] and tags["og:url"] == [url]
    assert all(
        len(tags[name]) == 1 for name in tags if name.startswith(("og:", "twitter:")) or name == "description"
    )
    assert "Gradio" not in page[: page.index("<style>")]
    assert 50 < len(tags["description"][0]) < 180


def test_the_page_travels_packed_to_whoever_can_unpack_it(raw: Raw) -> None:
    plain = raw.send("/")
    packed = raw.send("/", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert len(gzip.decompress(packed.body)) == pytest.approx(len(plain.body), rel=0.01)
    assert len(packed.body) < 130_000 < len(plain.body)  # names of temporary folders are in it, some long


def test_what_makes_it_open_sooner_comes_before_all_other_scripts(raw: Raw) -> None:
    page = raw.send("/").body.decode()
    assert (
        page.index("<script>/* Runs before all other")
        < page.index("gradio_config =")
        < page.index('type="module"')
    )


def test_the_picture_has_the_size_that_sites_ask_for(raw: Raw) -> None:
    answer = raw.send(PICTURE)
    with Image.open(io.BytesIO(answer.body)) as picture:
        assert picture.size == (1200, 630)
    assert answer.headers["content-type"] == "image/webp" and len(answer.body) <= 35_000
    assert raw.send(PICTURE, b"{}").status in (404, 405)


def test_the_icon_is_ours(raw: Raw) -> None:
    answer = raw.send("/favicon.ico")
    with Image.open(io.BytesIO(answer.body)) as icon:
        assert icon.size == (192, 192)
    assert answer.headers["content-type"] == "image/png" and len(answer.body) < 4000
    assert raw.send("/manifest.json").json["name"] == "pSp Studio"


def test_words_of_an_address_are_no_markup() -> None:
    assert "<script>" not in head('https://a"><script>alert(1)</script>')


def test_a_space_is_named_by_its_public_address(
    pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_HOST", "me-psp.hf.space")
    page: gr.Blocks = build_app(pipeline)
    with served(page):
        tags = said(Raw(str(page.local_url)).send("/").body.decode())
    assert tags["og:image"] == [f"https://me-psp.hf.space{PICTURE}"]

"""The page says that a detection may be no face before anything is run, and with the result."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from psp.faces.suitability import DOUBT
from psp.inference.pipeline import PspPipeline
from psp.ui.addressed import for_page
from psp.ui.app import build_app
from psp.ui.words import summary


def test_the_page_tells_the_doubt_before_and_after(
    pipeline: PspPipeline, astronaut: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.faces.detection._cnn", lambda _: [])  # takes long, and finds nothing here
    badge = astronaut.copy()
    ImageDraw.Draw(badge).rectangle((160, 60, 290, 190), fill=(91, 141, 200))
    badge.save(tmp_path / "badge.png")
    astronaut.save(tmp_path / "face.png")
    page = build_app(pipeline)
    bare = (inspect.unwrap(each.fn) for each in page.fns.values() if each.fn is not None)
    preview = next(function for function in bare if function.__name__ == "preview")
    assert for_page(DOUBT) in preview(str(tmp_path / "badge.png"), True, 0)[0]
    assert for_page(DOUBT) not in preview(str(tmp_path / "face.png"), True, 0)[0]
    assert for_page(DOUBT) in summary(pipeline.align(badge).details)

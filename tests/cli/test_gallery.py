"""``python -m psp gallery``: from photos over ``infer`` to a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from psp.cli.main import main
from psp.inference.examples import FOLDER


@pytest.mark.slow
def test_results_of_a_folder_become_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PSP_DEVICE", "cpu")
    photos = tmp_path / "photos" / "family"
    photos.mkdir(parents=True)
    shutil.copy(FOLDER / "photos" / "astronaut.jpg", photos / "she_1.jpg")
    assert main(["infer", "photos", "out", "--task", "encode", "--couples", "--workers", "1"]) == 0
    assert main(["encode", str(photos / "she_1.jpg"), "-o", "out"]) == 0
    capsys.readouterr()
    assert main(["gallery", "out", "--inputs", "photos", "--title", "Family"]) == 0
    assert "2 results, 2 beside what they were made from, 2 of examples" in capsys.readouterr().out
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert page.count("example=encode/astronaut") == 2 and "<strong>She 1</strong>" in page
    assert str(tmp_path) not in page
    assert main(["gallery", "photos"]) == 2
    assert "no result of the studio" in capsys.readouterr().err

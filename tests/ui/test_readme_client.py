"""The README's example for a script, against a served studio."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.readme import blocks

(CLIENT,) = (block for block in blocks("python") if "gradio_client" in block)
ADDRESS = "http://127.0.0.1:7860"


def test_the_script_of_the_readme_runs(
    url: str, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(inputs["photo"], "me.jpg")
    shutil.copy(inputs["sketch"], "drawing.png")
    assert ADDRESS in CLIENT
    names: dict[str, Any] = {}
    exec(compile(CLIENT.replace(ADDRESS, url), "README.md", "exec"), names)  # as it stands there
    assert Path(names["image"]).is_file()
    assert len(names["faces"]) == 4
    assert names["details"]["recipe"]["settings"]["seed"] == 7

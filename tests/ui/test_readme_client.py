"""The scripts in README and docs, against a served studio."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.pages import Block, blocks, promised

SCRIPTS = [block for block in blocks("python") if "gradio_client" in block.body]
ADDRESS = "http://127.0.0.1:7860"


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_the_scripts_of_the_documentation_run(
    script: Block,
    url: str,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(inputs["photo"], "me.jpg")
    shutil.copy(inputs["sketch"], "drawing.png")
    assert ADDRESS in script.body
    names: dict[str, Any] = {}
    exec(compile(script.body.replace(ADDRESS, url), script.page, "exec"), names)  # as it stands there
    printed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Loaded as API")]
    assert printed == promised(script)
    if "image" in names:
        assert Path(names["image"]).is_file()
    if "faces" in names:
        assert len(names["faces"]) == 4
        assert names["details"]["recipe"]["settings"]["seed"] == 7


def test_one_of_them_gets_a_picture_and_one_an_error() -> None:
    assert any("image, latents" in script.body for script in SCRIPTS)
    assert any("AppError" in script.body for script in SCRIPTS)

"""The documentation's snippets for each endpoint, in three languages, run as they stand there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.pages import blocks
from tests.ui.test_app import CONTRACT
from tests.ui.test_readme_client import ADDRESS

NAMES = [name.strip("/") for name in CONTRACT]


def snippets(language: str) -> tuple[str, dict[str, str]]:
    """Return what each begins with, and the snippet of each endpoint."""
    head, *each = [_for_small(block.body) for block in blocks(language, ("docs/api.md",))]
    assert ADDRESS in head
    called = [re.search(r'api_name="/(\w+)"|ask (\w+) |ask\("(\w+)"', body) for body in each]
    return head, dict(
        zip([next(filter(None, found.groups())) for found in called if found], each, strict=True)
    )


def _for_small(snippet: str) -> str:
    """Return a snippet as the small family can do it: it has no named directions, and is never exact."""
    return re.sub(r"(smile:0.5,)?age:-?1", "features-1:0.5", snippet).replace('"exact"', '"quick"')


@pytest.fixture
def folder(inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the snippets name."""
    files = {"me.jpg": "photo", "her.jpg": "style", "drawing.png": "sketch", "map.png": "mask"}
    for name, kind in {**files, "me.safetensors": "latents", "me.mp4": "video"}.items():
        shutil.copy(inputs[kind], tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first_of(body: str) -> str:
    """Return what a snippet calls the first output."""
    return next(name for name in ("faces", "clip", "image") if f"{name}, latents" in body)


def check(name: str, first: Any, details: dict[str, Any]) -> None:
    """Hold what came of a snippet against what it asks for."""
    recipe = details["recipe"]
    assert recipe["task"] == ("encode" if name == "decode" else name)
    if isinstance(first, list):
        assert len(first) == recipe["settings"]["variants"] > 1


def test_each_endpoint_is_there_in_each_language() -> None:
    for language in ("py", "sh", "js"):
        assert sorted(snippets(language)[1]) == sorted(NAMES), language


def test_the_python_runs(url: str, folder: Path) -> None:
    head, each = snippets("py")
    names: dict[str, Any] = {}
    exec(head.replace(ADDRESS, url), names)
    for name, body in each.items():
        exec(body, names)
        check(name, names[first_of(body)], names["details"])


@pytest.mark.slow
def test_the_shell_runs(url: str, folder: Path) -> None:
    head, each = snippets("sh")
    script = head.replace(f"{ADDRESS}/", url) + "\n".join(each.values())
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    said = re.findall(r"event: (complete|error)\ndata: (.*)", done.stdout)
    assert [event for event, _ in said] == ["complete"] * len(NAMES)
    for name, (_, data) in zip(each, said, strict=True):
        first, _, details = json.loads(data)
        check(name, first, details)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node, which runs JavaScript, is not installed")
@pytest.mark.slow
def test_the_javascript_runs(url: str, folder: Path) -> None:
    head, each = snippets("js")
    parts = [
        f"{{\n{body}\nconsole.log(JSON.stringify([{first_of(body)}, details]));\n}}" for body in each.values()
    ]
    script = head.replace(f"{ADDRESS}/", url) + "\n".join(parts)
    (folder / "all.mjs").write_text(script)
    done = subprocess.run(["node", "all.mjs"], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    for name, line in zip(each, done.stdout.splitlines(), strict=True):
        check(name, *json.loads(line))

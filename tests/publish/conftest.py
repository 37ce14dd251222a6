"""A small checkout, and a Hub that takes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from psp.config import Settings
from tests.checkpoints.conftest import taking_uploads
from tests.publish.loopback_space import SpaceHub

CARD = """---
title: A studio
emoji: 🎭
colorFrom: indigo
colorTo: pink
sdk: gradio
sdk_version: 6.31.0
app_file: app.py
python_version: "3.12"
license: mit
short_description: Photos to faces
thumbnail: benchmarks/shot.jpg
---

# A studio

![A shot](benchmarks/shot.jpg) [how fast](benchmarks/README.md), [pages](docs/a.md), [rules](docs).

```bash
echo "[stays](tests/a.py)"
```
"""
FILES = {
    "README.md": CARD,
    "app.py": "print('studio')\n",
    "requirements.txt": "# what it needs\ngradio>=6.31,<7\n-r more.txt\n",
    "packages.txt": "",
    "psp/__init__.py": '"""The studio."""\n',
    "psp/main.py": "x = 1\n",
    "docs/a.md": "a page\n",
    "tests/test_a.py": "assert 1\n",
    "benchmarks/README.md": "fast\n",
    ".ci/run": "pytest\n",
    ".gitignore": "out/\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with Git: some files that go, some that stay."""
    root = tmp_path / "checkout"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    Image.new("RGB", (8, 8), (90, 60, 120)).save(root / "benchmarks" / "shot.jpg")
    git(root, "init", "-q")
    commit(root)
    return root


def git(root: Path, *command: str) -> None:
    subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "-A", "-f")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "All")


@pytest.fixture
def space_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpaceHub]:
    """A Hub that has Spaces, and a token for it."""
    with taking_uploads(SpaceHub(), monkeypatch) as server:
        yield server


@pytest.fixture
def online(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", offline=False)

"""Fixtures of the tests of weight files: settings without a network, folders, a Hub."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from psp.config import Settings
from tests.checkpoints.loopback_hub import Hub
from tests.checkpoints.loopback_repo import TOKEN, RepoHub

S = TypeVar("S", bound=http.server.ThreadingHTTPServer)

pytest.register_assert_rewrite("tests.checkpoints.samples")  # its asserts tell both sides, as in the tests


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return Settings(cache_dir=tmp_path / "cache", weights_dir=tmp_path / "weights", offline=True)


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Path]:
    """A folder that is emptied at once: pytest keeps those of three runs, and these files are large."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    server.content = bytes(range(256)) * 20_000
    with serving(server, monkeypatch):
        yield server


@pytest.fixture
def repo_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[RepoHub]:
    """A Hub of repositories that take uploads, and a token for it."""
    with taking_uploads(RepoHub(), monkeypatch) as server:
        yield server


@contextlib.contextmanager
def taking_uploads(server: S, monkeypatch: pytest.MonkeyPatch) -> Iterator[S]:
    """Serve a Hub that takes uploads, with a token for it."""
    import huggingface_hub.constants

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)  # read at its import
    with serving(server, monkeypatch):
        yield server


@contextlib.contextmanager
def serving(server: S, monkeypatch: pytest.MonkeyPatch) -> Iterator[S]:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    for name in ("HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def online(settings: Settings) -> Settings:
    return dataclasses.replace(settings, offline=False)

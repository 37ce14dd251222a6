"""Whoever watches over the studio learns whether it is well, by any name and without a login."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr
import httpx
import pytest

from psp.config import Settings
from psp.errors import CheckpointError, DeviceMemoryError, StoppedError
from psp.inference.pipeline import PspPipeline
from psp.ui.app import launch_settings
from psp.ui.gate.health import health
from psp.ui.gate.line import Line, take_turns
from psp.ui.gate.studio import Studio
from psp.version import __version__
from tests.ui.raw_http import Raw


@dataclass
class Served:
    """A page whose one function works until it is let go."""

    url: str = ""
    line: Line | None = None
    number: int = 0
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def raw(self) -> Raw:
        return Raw(self.url)

    def ask(self, session: str) -> None:
        body = {"data": [session], "fn_index": self.number, "session_hash": session}
        httpx.post(f"{self.url}gradio_api/queue/join", json=body, cookies=self.cookies()).raise_for_status()

    def cookies(self) -> httpx.Cookies:
        return httpx.post(f"{self.url}login", data={"username": "me", "password": "long enough"}).cookies


@pytest.fixture
def studio() -> Iterator[Served]:
    served = Served()

    def work(name: str) -> str:
        served.go.wait(20)
        return name

    with Studio(Settings()) as page:
        text = gr.Textbox()
        gr.Button().click(work, text, text, api_name="work", concurrency_id="model", concurrency_limit=1)
    served.line = take_turns(page, Settings())
    served.number = next(number for number, entry in page.fns.items() if entry.api_name == "work")
    settings = launch_settings(Settings(auth=("me", "long enough")))
    _, served.url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **settings)
    yield served
    served.go.set()
    page.close()


def test_it_says_how_much_there_is_to_do_and_nothing_of_the_machine(studio: Served) -> None:
    quiet = {"status": "ok", "version": __version__, "waiting": 0, "running": 0}
    assert studio.raw.send("/healthz").json == quiet
    for session in ("a", "b", "c"):
        studio.ask(session)
    end = time.monotonic() + 10
    while (told := studio.raw.send("/healthz").json) != {**quiet, "waiting": 2, "running": 1}:
        assert time.monotonic() < end, told
        time.sleep(0.02)


@pytest.mark.parametrize("host", ["10.0.0.7", "evil.example", "", "studio.example.org:7860"])
def test_it_answers_under_any_name_without_a_login_and_is_not_kept(studio: Served, host: str) -> None:
    said = f'{{"status":"ok","version":"{__version__}","waiting":0,"running":0}}'.encode()
    for method, body in (("GET", said), ("HEAD", b"")):
        answer = studio.raw.send("/healthz", method=method, headers={"Host": host})
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
    assert studio.raw.send("/config", headers={"Host": host}).status in (400, 401)


def test_nothing_can_be_sent_to_it(studio: Served) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = studio.raw.send("/healthz", b"{}", method)
        assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


def test_a_studio_that_stops_says_so(studio: Served) -> None:
    assert studio.line is not None
    studio.ask("a")
    studio.line.stop_soon("The studio is being stopped.", "Try again in a minute.")
    answer = studio.raw.send("/healthz")
    assert (answer.status, answer.json["status"]) == (503, "stopping")
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_with_gradios_own_queue_is_well_too() -> None:
    with gr.Blocks() as page:
        pass
    page.queue()
    told = json.loads(bytes(health(page, "GET").body))
    assert told == {"status": "ok", "version": __version__, "waiting": 0, "running": 0}


def test_a_studio_whose_default_model_cannot_be_loaded_says_so_until_it_can(tmp_path: Path) -> None:
    file = tmp_path / "me.safetensors"
    file.write_bytes(b"no model")
    pipeline = PspPipeline(
        Settings(model=str(file), device="cpu", offline=True, cache_dir=tmp_path / "cache")
    )
    with Studio(pipeline.settings) as page:
        page.pipeline = pipeline
    take_turns(page, pipeline.settings)

    def said() -> tuple[int, str]:
        answer = health(page, "GET")
        return answer.status_code, json.loads(bytes(answer.body))["status"]

    assert said() == (200, "ok")  # nobody has tried
    with pytest.raises(CheckpointError):
        pipeline.load("mobile-9999")
    assert said() == (200, "ok")  # that was not the default
    with pytest.raises(CheckpointError):
        pipeline.load()
    assert said() == (503, "default model cannot be loaded")
    assert str(tmp_path) not in bytes(health(page, "GET").body).decode()
    file.write_bytes(b"another file")
    assert said() == (200, "ok")  # somebody has mended something: the next request will tell


def test_a_model_that_was_loaded_after_all_is_no_trouble(
    pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    default = pipeline.network.default
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.network._models, "get", fail)
        for task, failed in (("toonify", False), ("encode", True)):
            with pytest.raises(DeviceMemoryError):
                pipeline.load(task=task)
            assert default.failed() is failed
    with pytest.raises(StoppedError), default.watched("auto", "encode"):
        raise StoppedError("Stopped.")
    pipeline.load(task="toonify")
    assert default.failed()
    pipeline.load("mobile-1024")  # the same by its name
    assert not default.failed()


def test_nothing_is_loaded_to_say_so() -> None:
    code = """
import sys
from psp.config import Settings
from psp.inference.default_model import DefaultModel
default = DefaultModel(Settings())
try:
    with default.watched("auto", "encode"):
        raise MemoryError
except MemoryError:
    print(default.failed(), "torch" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "True False\n"


def test_it_is_no_endpoint(studio: Served) -> None:
    listed = studio.raw.send("/gradio_api/info", headers={"Cookie": cookie(studio)})
    assert listed.status == 200 and b"health" not in listed.body and b"metrics" not in listed.body


def cookie(studio: Served) -> str:
    return "; ".join(f"{name}={value}" for name, value in studio.cookies().items())

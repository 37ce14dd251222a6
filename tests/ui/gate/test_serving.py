"""A studio that is asked to stop lets requests that run finish, for a stated time, and leaves nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

# A small page that is served and stopped as the studio is. "deep" work never asks whether it is to stop.
STUDIO = """
import sys, time
from pathlib import Path
import gradio as gr
from psp.config import Settings
from psp.ui.cache import cached
from psp.ui.gate.folder import temporary_folder
from psp.ui.gate.line import take_turns
from psp.ui.gate.serving import leave, serve_until_stopped
from psp.ui.gate.turn import current_turn
from psp.ui.words import in_words

@in_words
def work(name, seconds):
    end = time.monotonic() + seconds
    (Path(sys.argv[1]) / name).touch()
    while time.monotonic() < end:
        if name != "deep":
            current_turn().check()
        time.sleep(0.02)
    return cached(name.encode(), "result.txt")

with temporary_folder(Path(sys.argv[1]) / "cache"):
    with gr.Blocks() as page:
        name, seconds, made = gr.Textbox(), gr.Number(), gr.File()
        gr.Button().click(work, [name, seconds], made, concurrency_id="model", concurrency_limit=1)
    page.queue()
    take_turns(page, Settings(drain_seconds=int(sys.argv[2])))
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", _frontend=False)
    print(url, flush=True)
    serve_until_stopped(page)
print("gone", flush=True)
leave()
"""


class Studio:
    """A studio in a process of its own."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self.folder = folder
        self.threads = ThreadPoolExecutor(4)
        self.process = subprocess.Popen(
            [sys.executable, "-c", STUDIO, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def ask(self, name: str, seconds: float) -> Future[tuple[dict[str, Any], bytes]]:
        """Ask for work; returns the last message, and what was downloaded."""
        body = {"data": [name, seconds], "fn_index": 0, "session_hash": name}
        httpx.post(f"{self.url}gradio_api/queue/join", json=body).raise_for_status()
        return self.threads.submit(self._listen, name)

    def _listen(self, session: str) -> tuple[dict[str, Any], bytes]:
        with httpx.stream(
            "GET", f"{self.url}gradio_api/queue/data?session_hash={session}", timeout=30
        ) as told:
            for text in told.iter_lines():
                message = json.loads(text.removeprefix("data: ") or "{}")
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    file = httpx.get(output["data"][0]["url"]).content if message["success"] else b""
                    return output, file
        return {}, b""

    def wait_for(self, name: str) -> None:
        """Wait until work has begun."""
        end = time.monotonic() + 20
        while not (self.folder / name).exists():
            assert time.monotonic() < end
            time.sleep(0.02)

    def stop(self, number: int) -> float:
        """Ask it to stop; return how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began


def nothing_left(folder: Path) -> bool:
    """Whether there is no file; Gradio itself makes an empty folder when it is imported."""
    return not list(folder.glob("psp-studio-*")) and not [
        path for path in folder.rglob("*") if path.is_file()
    ]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Studio]]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temporary"))
    started: list[Studio] = []

    def start(seconds: int) -> Studio:
        started.append(Studio(tmp_path, seconds))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        each.threads.shutdown()


def test_who_runs_gets_a_result_and_who_waits_is_told(
    studio: Callable[[int], Studio], tmp_path: Path
) -> None:
    served = studio(20)
    runs = served.ask("runs", 1.5)
    served.wait_for("runs")
    waits = served.ask("waits", 0.1)
    time.sleep(0.3)
    seconds = served.stop(signal.SIGTERM)
    assert runs.result()[1] == b"runs"  # the file was fetched after the process was asked to stop
    assert "being stopped. Try again" in waits.result()[0]["error"]
    assert not (tmp_path / "waits").exists()
    assert served.process.returncode == 0
    assert seconds < 12  # not the twenty: nothing ran any more
    assert nothing_left(tmp_path / "temporary")


@pytest.mark.parametrize(
    ("name", "number"),
    [("long", signal.SIGINT), pytest.param("deep", signal.SIGTERM, marks=pytest.mark.slow)],
)
def test_what_takes_longer_is_stopped(
    studio: Callable[[int], Studio], name: str, number: int, tmp_path: Path
) -> None:
    served = studio(1)
    asked = served.ask(name, 25)
    served.wait_for(name)
    seconds = served.stop(number)
    assert 1 <= seconds < 12
    assert served.process.returncode == 0
    assert nothing_left(tmp_path / "temporary")
    if name == "long":
        assert "being stopped" in asked.result()[0]["error"]


def test_one_that_is_asked_twice_stops_at_once(studio: Callable[[int], Studio]) -> None:
    served = studio(20)
    served.ask("deep", 25)
    served.wait_for("deep")
    served.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert served.stop(signal.SIGINT) < 3
    assert served.process.returncode == 130

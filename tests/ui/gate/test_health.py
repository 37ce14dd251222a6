"""Whoever watches over the studio learns whether it is well, by any name and without a login."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import gradio as gr
import httpx
import pytest

from psp.config import Settings
from psp.ui.app import launch_settings
from psp.ui.gate.health import health
from psp.ui.gate.line import Line, take_turns
from psp.ui.gate.studio import Studio
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
    page.queue()
    served.line = take_turns(page, Settings())
    served.number = next(number for number, entry in page.fns.items() if entry.api_name == "work")
    settings = launch_settings(Settings(auth=("me", "long enough")))
    _, served.url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **settings)
    yield served
    served.go.set()
    page.close()


def test_it_says_how_much_there_is_to_do_and_nothing_of_the_machine(studio: Served) -> None:
    assert studio.raw.send("/healthz").json == {"status": "ok", "waiting": 0, "running": 0}
    for session in ("a", "b", "c"):
        studio.ask(session)
    end = time.monotonic() + 10
    while (told := studio.raw.send("/healthz").json) != {"status": "ok", "waiting": 2, "running": 1}:
        assert time.monotonic() < end, told
        time.sleep(0.02)


@pytest.mark.parametrize("host", ["10.0.0.7", "evil.example", "", "studio.example.org:7860"])
def test_it_answers_under_any_name_without_a_login_and_is_not_kept(studio: Served, host: str) -> None:
    for method, body in (("GET", b'{"status":"ok","waiting":0,"running":0}'), ("HEAD", b"")):
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
    assert (answer.status, answer.json) == (503, {"status": "stopping"})
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_with_gradios_own_queue_is_well_too() -> None:
    with gr.Blocks() as page:
        pass
    page.queue()
    assert json.loads(bytes(health(page, "GET").body)) == {"status": "ok", "waiting": 0, "running": 0}

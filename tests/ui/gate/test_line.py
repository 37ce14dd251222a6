"""Lines: clients take turns, a full one has room for a newcomer, and what nobody waits for is not made."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio.queueing import Event

from psp.config import Settings
from psp.errors import StoppedError, TimeLimitError
from psp.inference.network import DOWNLOADING
from psp.ui.gate import line as lines
from psp.ui.gate.client import client_of
from psp.ui.gate.line import Line, Mailbox, take_turns
from psp.ui.gate.turn import Turn, current_turn
from psp.ui.words import in_words


def request_from(host: str, forwarded: str = "") -> Any:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=headers)


@pytest.mark.parametrize(
    ("host", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a stranger may claim anything
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8", "8.8.8.8"),  # a proxy on this machine
        ("127.0.0.1", "1.1.1.1, 8.8.8.8, 10.0.0.9", "8.8.8.8"),  # the last who is no proxy of the house
        ("10.0.0.9", "8.8.8.8", "10.0.0.9"),
        ("2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("testclient", "", "testclient"),
    ],
)
def test_a_client_is_an_address(host: str, forwarded: str, client: str) -> None:
    assert client_of(request_from(host, forwarded)) == client


def test_the_proxy_of_a_space_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "me/studio")
    assert client_of(request_from("10.0.0.9", "8.8.8.8")) == "8.8.8.8"


@pytest.fixture
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        field = gr.Textbox()
        field.change(lambda text: text, field, field, concurrency_id="model", concurrency_limit=1)
    page.queue()
    return page


def waits(line: Line, page: gr.Blocks, host: str, session: str, *, heard: bool = True) -> Event:
    event = Event(session, next(iter(page.fns.values())), request_from(host), None)
    box = line.pending_messages_per_session.setdefault(session, Mailbox())
    if heard:
        assert isinstance(box, Mailbox)
        box._listeners = 1
    else:
        event.enqueue_time -= 10
        box._left -= 10
    return event


def test_clients_take_turns_and_so_do_their_sessions(page: gr.Blocks) -> None:
    line = Line(page, Settings())
    greedy = [waits(line, page, "9.9.9.1", f"a{i}") for i in range(4)]
    one = waits(line, page, "9.9.9.2", "b")
    two = [waits(line, page, "9.9.9.3", "c"), waits(line, page, "9.9.9.3", "c")]
    other = waits(line, page, "9.9.9.3", "d")
    everyone = [*greedy, one, *two, other]
    assert line._in_order(everyone) == [
        greedy[0], one, two[0],  # one of each client
        greedy[1], other, greedy[2], two[1], greedy[3],  # another session of the third before its first again
    ]  # fmt: skip
    line.active_jobs = [[greedy[0]], None]
    assert line._in_order([*greedy[1:], one]) == [one, *greedy[1:]]


def test_what_nobody_listens_for_comes_last(page: gr.Blocks) -> None:
    line = Line(page, Settings())
    lonely = [waits(line, page, "9.9.9.1", f"a{i}", heard=False) for i in range(3)]
    heard = waits(line, page, "9.9.9.1", "b")
    assert line._in_order([*lonely, heard]) == [heard, *lonely]


@dataclass
class Served:
    """A page with one function that works in steps, and what it did."""

    url: str
    line: Line
    number: int
    now: int = 0
    most: int = 0
    steps: dict[str, int] = field(default_factory=dict)

    def join(self, session: str, name: str, seconds: float) -> httpx.Response:
        data = {"data": [name, seconds], "fn_index": self.number, "session_hash": session}
        return httpx.post(f"{self.url}gradio_api/queue/join", json=data)

    def listen(self, session: str) -> dict[str, Any]:
        """Return the last message of a session's stream."""
        with httpx.stream(
            "GET", f"{self.url}gradio_api/queue/data?session_hash={session}", timeout=30
        ) as told:
            for text in told.iter_lines():
                message: dict[str, Any] = json.loads(text.removeprefix("data: ") or "{}")
                if message.get("msg") == "process_completed":
                    return message
        raise AssertionError("the stream ended early")

    def wait_for(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(lines, "GRACE", 8.0)
    monkeypatch.setattr(lines, "_HURRY", 3.0)
    monkeypatch.setattr(lines, "_MOMENT", 2.0)
    studio: Served

    @in_words
    def work(name: str, seconds: float) -> str:
        studio.now += 1
        studio.most = max(studio.most, studio.now)
        try:
            for step in range(int(seconds / 0.05)):
                current_turn().check()
                studio.steps[name] = step
                time.sleep(0.05)
        finally:
            studio.now -= 1
        return name

    with gr.Blocks() as page:
        name, seconds = gr.Textbox(), gr.Number()
        gr.Button().click(
            work, [name, seconds], name, api_name="work", concurrency_id="model", concurrency_limit=1
        )
    line = take_turns(page, Settings(queue_size=4))
    number = next(number for number, entry in page.fns.items() if entry.api_name == "work")
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", _frontend=False)
    studio = Served(url, line, number)
    yield studio
    line.halted = True
    page.close()


def test_a_result_comes_and_the_line_is_free_again(served: Served) -> None:
    for name in ("a", "b"):
        assert served.join("s", name, 0.1).status_code == 200
        assert served.listen("s")["output"]["data"] == [name]
    assert not served.line.busy()


def test_jobs_that_nobody_listens_for_hold_nobody_up(served: Served) -> None:
    for number in range(4):
        served.join(f"gone{number}", f"gone{number}", 20)
        served.wait_for(lambda: "gone0" in served.steps)
    for event in served.line._waiting():  # as if they had waited for long
        event.enqueue_time -= 6
        vars(served.line.pending_messages_per_session[event.session_hash])["_left"] -= 6
    began = time.monotonic()
    served.join("good", "good", 0.1)
    assert served.listen("good")["output"]["data"] == ["good"]
    assert time.monotonic() - began < 15  # at most the grace of the one that runs, not 80 seconds
    served.wait_for(lambda: len(served.line) == 0 and not served.line.busy())
    assert served.most == 1
    assert set(served.steps) == {"gone0", "good"}  # those that waited never began
    assert "Nobody listened" in served.listen("gone1")["output"]["error"]


def test_a_closed_stream_and_a_cancelled_job_stop_the_work(served: Served) -> None:
    """Gradio frees the place at once; here it is free once the work has ended: never two at a time."""
    served.join("closed", "closed", 20)
    with httpx.stream("GET", f"{served.url}gradio_api/queue/data?session_hash=closed") as told:
        next(told.iter_lines())
        served.wait_for(lambda: "closed" in served.steps)
    for number in range(3):
        event = served.join("c", f"cancelled{number}", 20).json()["event_id"]
        served.wait_for(lambda: f"cancelled{number}" in served.steps)  # noqa: B023  (called at once)
        body = {"session_hash": "c", "fn_index": served.number, "event_id": event}
        httpx.post(f"{served.url}gradio_api/cancel", json=body)
    served.join("good", "good", 0.1)
    assert served.listen("good")["output"]["data"] == ["good"]
    assert served.most == 1
    assert max(served.steps.values()) < 200


def test_a_full_line_makes_room_for_who_holds_less(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "GRACE", 60.0)
    running = served.join("greedy", "runs", 60).json()["event_id"]
    served.wait_for(lambda: "runs" in served.steps)
    assert [served.join("greedy", f"w{i}", 0.1).status_code for i in range(4)] == [200] * 4
    refused = served.join("greedy", "more", 0.1)
    assert (refused.status_code, refused.json()["detail"][:18]) == (503, "4 requests wait al")
    assert served.join("small", "small", 0.1).status_code == 200
    body = {"session_hash": "greedy", "fn_index": served.number, "event_id": running}
    httpx.post(f"{served.url}gradio_api/cancel", json=body)
    assert served.listen("small")["output"]["data"] == ["small"]
    served.wait_for(lambda: {"w0", "w1", "w2"} <= set(served.steps) and not served.line.busy())
    assert not {"w3", "more"} & set(served.steps)  # w3 was the last of the one who held most


def test_a_request_has_so_many_seconds(served: Served) -> None:
    served.line.seconds = 0.3
    served.join("long", "long", 20)
    told = served.listen("long")
    assert not told["success"]
    assert "longer than the 0 seconds" in told["output"]["error"]
    assert served.steps["long"] < 200


def test_a_closing_studio_sends_all_away_but_who_runs(served: Served) -> None:
    served.join("runs", "runs", 3)
    with ThreadPoolExecutor(1) as threads:
        runs = threads.submit(served.listen, "runs")
        served.wait_for(lambda: "runs" in served.steps)
        served.join("waits", "waits", 0.1)
        served.line.send_away("The studio is being stopped.", "Try again in a minute.")
        late = served.join("late", "late", 0.1)
        assert (late.status_code, "being stopped" in late.json()["detail"]) == (503, True)
        assert "being stopped" in served.listen("waits")["output"]["error"]
        assert runs.result()["output"]["data"] == ["runs"]
    served.line.halted = True
    with pytest.raises(StoppedError, match="being stopped"):
        Turn(10, lambda: served.line._unwanted(None)).check()


def test_a_download_is_not_the_time_of_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    turn = Turn(10, str)
    for now[0] in (9.0, 18.0, 27.0):
        turn.check(f"Face 1 of 2: {DOWNLOADING}: 5 of 10 MB")
    now[0] = 36.0
    turn.check("Drawing the face")
    assert turn.left() == 1.0
    now[0] = 38.0
    with pytest.raises(TimeLimitError, match=r"10 seconds.*fewer variants"):
        turn.check("Drawing the face")

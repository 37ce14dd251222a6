"""One line a request, of numbers and our own words: whatever becomes of it, and whatever was sent."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from playwright.sync_api import Page, expect

from psp.config import Settings
from psp.errors import FaceNotFoundError, InputError, StoppedError, TimeLimitError
from psp.inference.pipeline import PspPipeline
from psp.inference.warmup import Warmth
from psp.ui import app
from psp.ui.app import launch_settings
from psp.ui.gate.journal import NAME, Entry, outcome_of, own_run
from psp.ui.gate.line import Line, take_turns
from psp.ui.gate.printed import printed
from psp.ui.gate.studio import Studio
from psp.ui.gate.turn import current_turn
from psp.ui.words import in_words
from tests.ui.api.test_tools import call
from tests.ui.browsing import open_example, press, shown
from tests.ui.raw_http import Raw

FIELDS = [
    "time", "task", "run", "source", "model", "size", "faces", "variants", "device", "waited", "worked",
    "outcome", "kind",
]  # fmt: skip
HOSTILE = 'x\n{"task": "forged"}\r\x1b[31m secret-name.png'


class Journal(logging.Handler):
    """The lines as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    @property
    def read(self) -> list[dict[str, Any]]:
        read = [json.loads(line) for line in self.lines]
        assert all(list(entry) == FIELDS for entry in read)
        return read

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return the lines once there are so many, and no more come."""
        end = time.monotonic() + 10
        while len(self.lines) < count:
            assert time.monotonic() < end, self.lines
            time.sleep(0.02)
        time.sleep(0.1)
        assert len(self.lines) == count, self.lines
        return self.read

    def one(self, **wanted: object) -> dict[str, Any]:
        """Return the one line that there is, and forget it."""
        (entry,) = self.wait_for(1)
        self.lines.clear()
        assert {name: entry[name] for name in wanted} == wanted
        return entry


@pytest.fixture
def journal() -> Iterator[Journal]:
    kept, logger = Journal(), logging.getLogger(NAME)
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(kept)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(before)


class Served:
    """A studio with a few functions that end as they are told."""

    def __init__(self) -> None:
        self.began = threading.Event()

        @in_words
        def work(mode: str, variants: float = 1, model: str = "auto") -> str:
            self.began.set()
            errors = {
                "face": FaceNotFoundError(f"No face in {HOSTILE}."), "late": TimeLimitError("too long"),
                "broken": RuntimeError(HOSTILE), "stopped": StoppedError("Stopped."),
            }  # fmt: skip
            if mode in errors:
                raise errors[mode]
            while mode == "long":
                current_turn().check()
                time.sleep(0.02)
            return mode

        with Studio(Settings(queue_size=2)) as self.page:
            mode, variants, model = gr.Textbox(), gr.Slider(1, 8, value=1, step=1), gr.Textbox()
            button, inputs = gr.Button(), [mode, variants, model]
            button.click(work, inputs, mode, api_name="work", concurrency_id="model", concurrency_limit=1)
            button.click(work, inputs, mode, api_name="hidden", api_visibility="private")
            every = own_run("encode", "all faces", in_words(lambda mode, variants, model: mode))
            button.click(every, inputs, mode, api_name="every", api_visibility="private")
        self.line = take_turns(self.page, self.page.settings)
        self.numbers = {str(entry.api_name): number for number, entry in self.page.fns.items()}
        _, self.url, _ = self.page.launch(
            prevent_thread_lock=True,
            quiet=True,
            server_name="127.0.0.1",
            **launch_settings(self.page.settings),
        )
        self.raw = Raw(self.url)

    def run(self, *data: object, name: str = "work", **more: object) -> dict[str, Any] | None:
        return self.raw.run_all([{"fn_index": self.numbers[name], "data": list(data), **more}])[0]

    def join(self, session: str, mode: str) -> httpx.Response:
        body = {"data": [mode, 1, "auto"], "fn_index": self.numbers["work"], "session_hash": session}
        return httpx.post(f"{self.url}gradio_api/queue/join", json=body)

    def cancel(self, session: str, event: str) -> None:
        body = {"session_hash": session, "fn_index": self.numbers["work"], "event_id": event}
        httpx.post(f"{self.url}gradio_api/cancel", json=body).raise_for_status()


@pytest.fixture
def small() -> Iterator[Served]:
    served = Served()
    yield served
    served.line.halted = True
    served.page.close()


def test_a_line_has_every_field(small: Served, journal: Journal) -> None:
    small.run("done", 3, "ffhq-1024")
    entry = journal.one(
        task="work",
        run="one",
        source="api",
        model="ffhq-1024",
        variants=3,
        outcome="ok",
        kind=None,
        size=None,
        faces=None,
    )
    assert 0 <= entry["waited"] < 5 and 0 <= entry["worked"] < 5
    assert entry["time"].endswith("+00:00")
    small.run("done", None, None, trigger_id=1)
    journal.one(source="page", model=None, variants=None, device=None)


def test_an_error_is_one_line_with_its_class_and_without_its_words(small: Served, journal: Journal) -> None:
    for mode, outcome, kind in (
        ("face", "refused", "FaceNotFoundError"),
        ("late", "timeout", "TimeLimitError"),
        ("broken", "failed", "RuntimeError"),
        ("stopped", "stopped", "StoppedError"),
    ):
        small.run(mode, 2, "auto")
        journal.one(outcome=outcome, kind=kind, variants=2, model="auto")


def test_what_is_refused_before_the_function_runs_is_a_line_without_what_was_sent(
    small: Served, journal: Journal
) -> None:
    sent: list[list[object]] = [
        [HOSTILE, HOSTILE, HOSTILE],
        [HOSTILE, 10**30, "x" * 9000],
        ["a"],
        ["a", -1, ["x"]],
        [{}, [], {"a": 1}],
    ]
    for data in sent:
        small.run(*data, trigger_id=2)
        journal.wait_for(1)
        line = journal.lines[0]
        assert "secret" not in line and "forged" not in line and line.isprintable()
        entry = journal.one(task="work", outcome="refused", kind="InputError", source="page", variants=None)
        assert entry["model"] in (None, "other")
    assert not small.began.is_set()


def test_the_door_writes_whom_it_refuses_an_endpoint_and_nobody_else(small: Served, journal: Journal) -> None:
    assert small.raw.post("/gradio_api/call/v2/work", {HOSTILE: 1}).status == 422
    journal.one(task="work", source="api", outcome="refused", kind="Refusal", worked=0.0)
    small.raw.post("/gradio_api/call/work", b"{")
    journal.one(task="work", outcome="refused", kind="Refusal")
    small.raw.post("/gradio_api/call/secret", {"data": []})
    small.raw.post("/gradio_api/call/hidden", b"{")
    small.raw.post("/gradio_api/queue/join", b"{")
    small.raw.post("/gradio_api/call/work", b"{", Host="evil.example")
    assert journal.wait_for(0) == []


def test_the_pages_own_runs_are_counted_and_what_only_shows_is_not(small: Served, journal: Journal) -> None:
    assert small.run("done", 1, "auto", name="hidden")
    small.run("done", 1, "auto", name="every", trigger_id=3)
    journal.one(task="encode", run="all faces", outcome="ok", source="page")


def test_who_is_cancelled_sent_away_or_gone_is_one_line(small: Served, journal: Journal) -> None:
    running = small.join("a", "long").json()["event_id"]
    assert small.began.wait(10)
    waiting = small.join("b", "done").json()["event_id"]
    small.cancel("b", waiting)
    entry = journal.one(outcome="stopped", worked=0.0, model="auto")
    assert entry["waited"] > 0
    small.join("c", "done")
    small.join("c", "done")
    assert small.join("c", "done").status_code == 503
    journal.one(outcome="refused", kind="queue_full", waited=0.0, worked=0.0)
    with httpx.stream("GET", f"{small.url}gradio_api/queue/data?session_hash=c") as told:
        next(told.iter_lines())
    assert [(entry["outcome"], entry["worked"]) for entry in journal.wait_for(2)] == [("stopped", 0.0)] * 2
    journal.lines.clear()
    small.cancel("a", running)
    assert journal.one(outcome="stopped")["worked"] > 0


def test_a_studio_that_stops_writes_who_waits_and_whom_it_refuses(small: Served, journal: Journal) -> None:
    small.join("a", "long")
    assert small.began.wait(10)
    small.join("b", "done")
    small.line.stop_soon("The studio is being stopped.", "Try again in a minute.")
    journal.one(outcome="stopped", kind="StoppedError")
    assert small.join("c", "done").status_code == 503
    journal.one(outcome="refused", kind="stopping")
    small.line.halted = True
    journal.one(outcome="stopped", kind="StoppedError")


@pytest.mark.parametrize("broken", ["line", "know"])
def test_a_journal_that_cannot_be_written_holds_up_no_request(
    small: Served, journal: Journal, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Entry, broken, fail)
    output = small.run("done", 1, "auto")
    assert output is not None and output["success"] and output["data"] == ["done"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ("ok", "")),
        (InputError("x"), ("refused", "InputError")),
        (gr.Error("x"), ("refused", "Error")),
        (StoppedError("x"), ("stopped", "StoppedError")),
        (TimeLimitError("x"), ("timeout", "TimeLimitError")),
        (asyncio.CancelledError(), ("stopped", "CancelledError")),
        (KeyError("x"), ("failed", "KeyError")),
    ],
)
def test_how_a_request_ended(error: BaseException | None, told: tuple[str, str]) -> None:
    assert outcome_of(error) == told
    if isinstance(error, Exception):
        said = gr.Error("in words")
        said.__cause__ = error
        assert outcome_of(said) == told


def test_only_numbers_that_can_be_and_known_families_are_kept() -> None:
    entry = Entry("encode", "one", "api", 0.0, Settings())
    for value in (0, -1, float("nan"), 1e30, True, "8", None, [1]):
        entry.know(variants=value, size=value, faces=value)
    line = json.loads(entry.line())
    assert (line["variants"], line["size"], line["faces"]) == (None, None, None)
    for value, kept in (
        ("mobile-1024", "mobile-1024"),
        ("/data/me.pt", "other"),
        (["x"], "other"),
        ("auto", "auto"),
    ):
        entry.know(model=value)
        assert json.loads(entry.line())["model"] == kept


def test_every_endpoint_waits_in_a_line(pipeline: PspPipeline) -> None:
    """What does not wait is not written."""
    page = app.build_app(pipeline)
    assert isinstance(page._queue, Line)
    assert all(entry.queue for entry in page.fns.values() if entry.api_visibility == "public" and entry.fn)


def test_a_task_tells_its_model_size_and_faces(
    url: str, pipeline: PspPipeline, inputs: dict[str, Path], journal: Journal
) -> None:
    raw = Raw(url)
    photo = raw.upload("secret-name.png", inputs["photo"].read_bytes())
    assert raw.call("encode", [photo, "auto", True, 0, "quick"])[0] == "complete"
    journal.one(
        task="encode",
        run="one",
        source="api",
        model="mobile-1024",
        size=128,
        faces=None,
        variants=1,
        outcome="ok",
    )
    raw.call("encode", [photo, HOSTILE[:100].replace("\n", ""), True, HOSTILE, "quick"])
    journal.one(outcome="refused", model="other", kind="InputError")
    raw.call("align", [photo, 7])
    journal.one(task="align", model=None, outcome="refused", kind="FaceIndexError")
    call(url, "align", {"photo": photo["path"]})
    journal.one(task="align", run="one", source="api", size=256, outcome="ok")
    call(url, "align", {"photo": photo["path"], HOSTILE: 1})
    journal.one(task="align", source="api", outcome="refused", kind="InputError")
    number = next(
        each["id"] for each in raw.send("/config").json["dependencies"] if each["api_name"] == "make_every"
    )
    two = raw.upload("two.png", inputs["two"].read_bytes())
    assert raw.run_all([{"fn_index": number, "data": [two, "auto", None], "trigger_id": 5}])[0]
    entry = journal.one(
        task="encode", run="all faces", source="page", faces=2, variants=1, model="mobile-1024"
    )
    assert entry["worked"] > 0


@pytest.mark.slow
def test_a_button_of_the_page_is_told_from_a_program(page: Page, journal: Journal) -> None:
    open_example(page, "Sketch → face")
    assert journal.wait_for(0) == []  # what is stored is not made
    press(page, "Sketch → face")
    entry = journal.one(task="sketch_to_face", source="page", outcome="ok")
    assert entry["variants"] >= 1
    expect(shown(page).first).to_be_visible()


def test_lines_go_to_standard_output_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger(NAME)
    with printed("requests"):
        Entry("encode", "one", "api", time.monotonic(), Settings()).write()
        Entry("align", "one", "api", time.monotonic(), Settings()).write()
    tasks = [json.loads(line)["task"] for line in capsys.readouterr().out.splitlines()]
    assert tasks == ["encode", "align"]
    with printed("off"):
        Entry("encode", "one", "api", time.monotonic(), Settings()).write()
    assert capsys.readouterr() == ("", "")
    assert not logger.handlers and logger.propagate


def test_a_reader_who_stands_still_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    class Still(io.StringIO):
        def write(self, text: str) -> int:
            go.wait(20)
            return super().write(text)

    stream = Still()
    monkeypatch.setattr("psp.ui.gate.printed._MOST", 5)
    monkeypatch.setattr("sys.stdout", stream)
    with printed("requests"):
        began = time.monotonic()
        for _ in range(50):
            Entry("encode", "one", "api", time.monotonic(), Settings()).write()
        assert time.monotonic() - began < 5
        go.set()
        time.sleep(0.2)
    assert 1 <= len(stream.getvalue().splitlines()) <= 7  # what found no room is lost


@pytest.mark.parametrize(("log", "count"), [("requests", 1), ("off", 0)])
def test_the_studio_prints_its_journal_as_long_as_it_serves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, log: str, count: int
) -> None:
    with Studio(Settings(log=log)) as page:
        text = gr.Textbox()
        gr.Button().click(lambda text: text, text, text, api_name="work")
    take_turns(page, page.settings)

    def serve(served: gr.Blocks) -> None:
        Raw(str(served.local_url)).call("work", ["secret"])
        served.close()

    monkeypatch.setattr(app, "serve_until_stopped", serve)
    monkeypatch.setattr(app, "offer_tools", lambda page: None)  # made of a studio's own endpoints
    page.warmth = Warmth(PspPipeline(page.settings))
    monkeypatch.setenv("GRADIO_SERVER_NAME", "127.0.0.1")
    app.launch(page)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [json.loads(line)["task"] for line in lines] == ["work"] * count


def test_a_request_without_anything_is_no_fault() -> None:
    function = SimpleNamespace(fn=None, api_name="x", api_visibility="public", inputs=[])
    assert Entry.of(function, None, 0.0, Settings()) is None  # type: ignore[arg-type]  # as little as there can be

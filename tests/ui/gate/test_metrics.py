"""Figures for Prometheus: off unless asked for, of our own words alone, behind the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
import pytest

from psp.config import Settings
from psp.errors import InputError
from psp.inference.memory import resident_bytes
from psp.inference.pipeline import PspPipeline
from psp.ui.app import launch_settings
from psp.ui.gate.line import take_turns
from psp.ui.gate.metrics import metrics
from psp.ui.gate.studio import Studio
from psp.ui.gate.tally import Histogram
from psp.ui.words import in_words
from psp.version import __version__
from tests.ui.raw_http import Answer, Raw

HOSTILE = 'x"} 1\npsp_forged{a="'
SAMPLE = re.compile(r'[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? [0-9.]+')


@contextmanager
def served(settings: Settings, pipeline: PspPipeline | None = None) -> Iterator[Raw]:
    """A studio with one endpoint and one function of the page's own."""

    @in_words
    def work(mode: str) -> str:
        if mode != "done":
            raise InputError(f"{HOSTILE} is not known.")
        return mode

    with Studio(settings) as page:
        mode = gr.Textbox()
        gr.Button().click(work, mode, mode, api_name="work", concurrency_id="model", concurrency_limit=1)
        gr.Button().click(work, mode, mode, api_name="hidden", api_visibility="private")
    page.pipeline = pipeline
    take_turns(page, settings)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings(settings)
    )
    yield Raw(url)
    page.close()


def figures(answer: Answer) -> dict[str, float]:
    """Return the samples of an answer, each of which is written as Prometheus reads it."""
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    told = {}
    for line in answer.body.decode().splitlines():
        if not line.startswith("# "):
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in told
            told[name] = float(value)
    return told


def test_nothing_is_told_unless_it_is_asked_for() -> None:
    with served(Settings()) as raw:
        answer = raw.send("/metrics")
        assert answer.status == 404 and b"psp_" not in answer.body


def test_requests_are_counted_by_endpoint_and_outcome(pipeline: PspPipeline) -> None:
    with served(Settings(metrics=True), pipeline) as raw:
        before = figures(raw.send("/metrics"))
        assert before[f'psp_info{{version="{__version__}"}}'] == 1
        assert before["psp_requests_waiting"] == before["psp_requests_running"] == 0
        assert before["psp_models_loaded"] == pipeline.network.loaded_count
        assert before["psp_wait_seconds_count"] == 0
        raw.call("work", ["done"])
        raw.call("work", ["done"])
        raw.call("work", [HOSTILE])
        raw.post("/gradio_api/call/v2/work", {HOSTILE: 1})  # refused at the door: no work began
        answer = raw.send("/metrics")
        told = figures(answer)
    requests = {name: value for name, value in told.items() if name.startswith("psp_requests_total")}
    assert requests == {
        'psp_requests_total{endpoint="work",run="one",outcome="ok"}': 2,
        'psp_requests_total{endpoint="work",run="one",outcome="refused"}': 2,
    }
    assert told['psp_request_seconds_count{endpoint="work"}'] == told["psp_wait_seconds_count"] == 3
    assert told['psp_request_seconds_bucket{endpoint="work",le="+Inf"}'] == 3
    assert b"forged" not in answer.body


def test_the_memory_of_the_process_is_told_where_the_system_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    size = resident_bytes()
    assert size is None or 10 << 20 < size < 64 << 30
    with gr.Blocks() as page:
        pass
    page.queue()
    monkeypatch.setattr("psp.ui.gate.metrics.resident_bytes", lambda: None)
    assert b"process_resident" not in bytes(metrics(page, "GET").body)
    monkeypatch.setattr("psp.ui.gate.metrics.resident_bytes", lambda: 12345)
    assert b"process_resident_memory_bytes 12345" in bytes(metrics(page, "GET").body)


def test_buckets_hold_all_that_took_no_longer() -> None:
    histogram = Histogram()
    for seconds in (0.1, 0.2, 3.0, 500.0):
        histogram.add(seconds)
    told = dict(line.rsplit(" ", 1) for line in histogram.lines("s"))
    counts = [int(value) for name, value in told.items() if "bucket" in name]
    assert counts == [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4]
    assert (told["s_count"], told["s_sum"]) == ("4", "503.3")


def test_a_password_is_asked_for_and_a_foreign_name_is_not_answered() -> None:
    with served(Settings(metrics=True, auth=("me", "long enough"))) as raw:
        refused = raw.send("/metrics")
        assert refused.status == 401 and b"psp_" not in refused.body
        assert "www-authenticate" in refused.headers
        assert raw.send("/metrics", headers={"Authorization": "Bearer wrong one"}).status == 401
        figures(raw.send("/metrics", headers={"Authorization": "Bearer long enough"}))
        foreign = {"Authorization": "Bearer long enough", "Host": "evil.example"}
        assert raw.send("/metrics", headers=foreign).status == 400
        for method in ("POST", "DELETE"):
            right = {"Authorization": "Bearer long enough"}
            assert raw.send("/metrics", b"{}", method, right).status == 405

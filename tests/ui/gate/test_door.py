"""Who is let in over plain HTTP: own names and own pages, requests of a size and a shape that can be read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import gradio as gr
import pytest

from psp.ui.gate.door import Door
from psp.ui.gate.hosts import Hosts
from tests.ui.raw_http import Raw


@pytest.fixture(scope="module")
def raw(url: str) -> Raw:
    return Raw(url)


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", "/gradio_api/file=/etc/passwd", "/nothing"]
)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "8.8.8.8", "", "a b"]
)
def test_a_foreign_host_is_told_and_gets_nothing(raw: Raw, path: str, host: str) -> None:
    answer = raw.send(path, headers={"Host": host, "Origin": f"http://{host}"})
    assert answer.status == 400
    if answer.body != b"Invalid HTTP request received.":  # the server's own, of a header that is none
        assert b"PSP_ALLOWED_HOSTS" in answer.body
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1:1234", "LOCALHOST:80", "[::1]:7860", "127.9.9.9", "me.localhost", "localhost."],
)
def test_loopback_is_its_own_name(raw: Raw, host: str) -> None:
    assert raw.send("/config", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://evil.example", "null", "file://", "http://localhost@evil.example"],
)
def test_pages_of_other_sites_may_not_ask(raw: Raw, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method, headers in (("GET", {"Origin": origin}), ("OPTIONS", asked), ("POST", {"Origin": origin})):
        answer = raw.send("/gradio_api/upload", b"" if method == "POST" else None, method, headers)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
    assert raw.send("/config", headers={"Origin": "http://localhost:7860"}).status == 200


def test_two_hosts_are_none(url: str) -> None:
    import socket

    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /config HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert b" 400 " in connection.recv(4096).splitlines()[0]
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /config HTTP/1.0\r\n\r\n")
        assert b" 400 " in connection.recv(4096).splitlines()[0]


@pytest.mark.parametrize(
    ("allowed", "listens", "env", "host", "welcome"),
    [
        ((), "127.0.0.1", {}, "studio.example.org", False),
        (("studio.example.org",), "127.0.0.1", {}, "studio.example.org:8080", True),
        (("*.example.org",), "127.0.0.1", {}, "a.example.org", True),
        (("*.example.org",), "127.0.0.1", {}, "example.org", False),
        (("*.example.org",), "127.0.0.1", {}, "badexample.org", False),
        (("*",), "127.0.0.1", {}, "anything.example", True),
        ((), "0.0.0.0", {}, "192.168.1.5:7860", True),
        ((), "127.0.0.1", {}, "192.168.1.5:7860", False),
        ((), "0.0.0.0", {}, "rebound.example", False),
        ((), "studio.lan", {}, "studio.lan:7860", True),
        ((), "::", {}, "[fe80::1]:7860", True),
        ((), "0.0.0.0", {"SPACE_ID": "me/psp", "SPACE_HOST": "me-psp.hf.space"}, "me-psp.hf.space", True),
        ((), "0.0.0.0", {"SPACE_ID": "me/psp"}, "me-psp.hf.space", True),
        ((), "0.0.0.0", {"SPACE_ID": "me/psp"}, "evil.example", False),
        ((), "127.0.0.1", {}, "me-psp.hf.space", False),
        ((), None, {"GRADIO_SERVER_NAME": "0.0.0.0"}, "10.0.0.3", True),
        ((), None, {"GRADIO_ROOT_PATH": "https://proxy.example.org/psp"}, "proxy.example.org", True),
        ((), None, {"GRADIO_SHARE": "True"}, "abc.gradio.live", True),
    ],
)
def test_names_of_the_machine_the_space_and_the_owner(
    allowed: tuple[str, ...], listens: str | None, env: dict[str, str], host: str, welcome: bool
) -> None:
    hosts = Hosts.of(allowed, listens, env)
    assert hosts.has(host) is welcome
    assert hosts.welcomes(f"https://{host}") is (welcome or "SPACE_ID" in env)


def test_the_machines_own_name_is_known() -> None:
    import socket

    hosts = Hosts.of((), None, {})
    assert hosts.has(socket.gethostname())
    assert hosts.has(f"{socket.gethostname()}.local:7860")


@pytest.mark.parametrize("route", ["call", "run", "api", "call/v2"])
@pytest.mark.parametrize(
    "name", ["nothing", "predict", "x" * 5000, "%00", "..%2f..", "<b>", "preview", "show"]
)
def test_an_unknown_endpoint_is_told_with_those_that_there_are(raw: Raw, route: str, name: str) -> None:
    answer = raw.post(f"/gradio_api/{route}/{name}", {"data": []})
    assert answer.status == 404
    if b"Not Found" not in answer.body:
        assert "There is no endpoint" in answer.json["detail"] and "/encode" in answer.json["detail"]
    assert len(answer.body) < 1500


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"), (b"{", "no JSON"), (b"\xff\xfe", "no JSON"), (b"[" * 3000, "no JSON"),
        ([], "JSON object"), ("text", "JSON object"), (None, "JSON object"),
        ({}, "'data'"), ({"data": "x" * 100_000}, "'data'"), ({"data": {"a": 1}}, "'data'"),
        ({"data": [], "session_hash": 5}, "session_hash"),
        ({"data": [], "session_hash": "\ud800"}, "session_hash"),
        ({"data": [], "session_hash": "x" * 5000}, "session_hash"),
        ({"data": [], "session_hash": ["x"]}, "session_hash"),
        ({"data": [], "fn_index": "one"}, "fn_index"), ({"data": [], "fn_index": 10**30}, "number"),
        ({"data": [], "fn_index": -1}, "number"), ({"data": [], "fn_index": True}, "fn_index"),
        ({"data": [], "trigger_id": "x"}, "trigger_id"), ({"data": [], "batched": True}, "batched"),
        ({"data": [0] * 60_000}, "too many"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_told(raw: Raw, body: object, words: str) -> None:
    for route in ("call/encode", "run/encode", "queue/join"):
        answer = raw.post(f"/gradio_api/{route}", body)
        assert answer.status in (400, 404, 413, 422)
        assert words in answer.json["detail"]
        assert answer.json["error"] == answer.json["detail"]
        assert len(answer.body) < 1000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"photo": None, "strenght": 1}, "no parameter 'strenght'. It has: photo, model, align, face"),
        ({}, "The photo is missing"),
        ({"x" * 100_000: 1}, "no parameter"),
    ],
)
def test_parameters_by_name_are_told(raw: Raw, body: object, words: str) -> None:
    answer = raw.post("/gradio_api/call/v2/encode", body)
    assert answer.status == 422
    assert words in answer.json["detail"] and len(answer.body) < 1000


def test_who_joins_the_line_says_where_the_answer_is_listened_for(raw: Raw) -> None:
    answer = raw.post("/gradio_api/queue/join", {"data": [], "fn_index": 0})
    assert answer.status == 422 and "'session_hash' is missing. Choose one" in answer.json["detail"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"garbage"),
        ("multipart/form-data", b"--x\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nA: " + b"b" * 20_000 + b"\r\n\r\n--x--\r\n"),
    ],
)
def test_an_upload_that_is_no_form_is_told(raw: Raw, kind: str, body: bytes) -> None:
    answer = raw.send("/gradio_api/upload", body, headers={"Content-Type": kind})
    assert answer.status in (400, 413)
    assert "no form that can be read. Send multipart/form-data" in answer.json["detail"]


def test_too_much_is_refused_before_it_is_kept(raw: Raw) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(100 << 20)}
    answer = raw.send("/gradio_api/call/encode", b"{}", headers=headers)
    assert answer.status == 413 and "larger than 16 MB" in answer.json["detail"]
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(1 << 40)}
    assert raw.send("/gradio_api/upload", b"{}", headers=headers).status == 413


def test_an_upload_without_a_length_is_counted() -> None:
    read: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            read.append(1)

    parts = iter([True] * 3000)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 1000, "more_body": next(parts, False)}

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    with gr.Blocks() as page:
        pass
    asyncio.run(Door(app, page, (), 5000)(scope, receive, send))  # type: ignore[arg-type]  # plain functions
    assert sent[0]["status"] == 413
    assert len(read) <= (5000 + (1 << 20)) // 1000


def test_direct_calls_do_not_go_round_the_queue(raw: Raw) -> None:
    answer = raw.post("/gradio_api/run/encode", {"data": [None, "auto", True, 0, None]})
    assert answer.status == 404 and "queue" in answer.json["detail"]


def test_the_page_may_call_by_number_what_does_not_wait(raw: Raw) -> None:
    """As the Stop button does: the address says "predict", the number counts."""
    functions = raw.send("/config").json["dependencies"]
    number = next(each["id"] for each in functions if each["backend_fn"] and each["queue"] is False)
    answer = raw.post("/gradio_api/run/predict", {"data": [None], "fn_index": number, "session_hash": "me"})
    assert answer.status == 200 and "data" in answer.json


def test_what_gradio_cannot_read_is_no_bare_error(raw: Raw) -> None:
    for path, body in (
        ("component_server", {"data": 1, "component_id": 10**9, "session_hash": "x", "fn_name": "y"}),
        ("component_server", {}),
        ("cancel", {"session_hash": ["x" * 100_000]}),
        ("reset", []),
    ):
        answer = raw.post(f"/gradio_api/{path}", body)
        assert answer.status in (400, 404)
        assert json.loads(answer.body)["detail"] and len(answer.body) < 1000

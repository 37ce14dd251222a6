"""Messages that the protocol's library cannot read get words of ours, and leave nothing in the log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from psp.ui.api.messages import MOST_BYTES
from tests.hostile.judging import HOMES, judge
from tests.ui.raw_http import Answer, Raw

MCP = "/gradio_api/mcp/"
ACCEPT = {"Accept": "application/json, text/event-stream"}
SECRET = "my-own-photo"


@pytest.fixture(scope="module")
def raw(url: str) -> Raw:
    return Raw(url)


def send(raw: Raw, content: object, **headers: str) -> Answer:
    return raw.post(MCP, content, **{**ACCEPT, **headers})


def result_of(answer: Answer) -> Any:
    """Return what an answer says, of either of its forms."""
    text = answer.body.decode()
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return json.loads(lines[-1] if lines else text)


def call(name: object, arguments: object, asked: object = 7) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": asked, "method": "tools/call", "params": params}


MALFORMED = {
    "nothing": b"",
    "a bracket": b"{",
    "a list": [],
    "null": b"null",
    "several at once": [call("encode", {}), call("encode", {})],
    "a number of 5000 digits": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":'
    + b"9" * 5000
    + b"}}",
    "brackets": b"[" * 40_000,
    "deep arguments": json.dumps(call("align", {"photo": SECRET}))
    .encode()
    .replace(f'"{SECRET}"'.encode(), b"[" * 3000 + b"]" * 3000),
    "60000 values": call("encode", {"photo": [0] * 60_000}),
    "another version": {**call("encode", {}), "jsonrpc": "1.0"},
    "no version": {"id": 1, "method": "ping"},
    "params in a list": {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [SECRET]},
    "no id that there is": {"jsonrpc": "2.0", "id": None, "method": "ping"},
    "half an id": {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
    "a list for an id": {"jsonrpc": "2.0", "id": [1], "method": "ping"},
    "half a character for an id": {"jsonrpc": "2.0", "id": "\ud800", "method": "ping"},
    "no method": {"jsonrpc": "2.0", "id": 1, SECRET: SECRET},
    "a number for a method": {"jsonrpc": "2.0", "id": 1, "method": 5},
}
UNKNOWN = {
    "no arguments but a list": (call("encode", [SECRET]), -32602),
    "no name": ({**call("encode", {}), "params": {"photo": SECRET}}, -32602),
    "a name of numbers": (call(5, {}), -32602),
    "no such method": ({"jsonrpc": "2.0", "id": 7, "method": "tool/list"}, -32601),
    "a method like a book": ({"jsonrpc": "2.0", "id": 7, "method": SECRET * 900}, -32601),
    "a resource": ({"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {}}, -32601),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_message_is_told_in_words(raw: Raw, name: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = send(raw, MALFORMED[name])
    assert answer.status in (400, 413) and answer.headers["content-type"] == "application/json"
    error = result_of(answer)["error"]
    assert judge(error["message"], "", HOMES) == "", error
    assert caplog.text == ""


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_request_that_cannot_be_answered_is_told_under_its_id(
    raw: Raw, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    content, code = UNKNOWN[name]
    answer = send(raw, content)
    said = result_of(answer)
    assert (answer.status, said["id"], said["error"]["code"]) == (200, 7, code)
    assert judge(said["error"]["message"], "", HOMES) == "", said
    assert caplog.text == ""


def test_a_tool_that_there_is_not_is_told_and_not_written_down(
    raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = result_of(send(raw, call(f"{SECRET}\nforged", {})))
    assert said["result"]["isError"] and "There is no tool" in said["result"]["content"][0]["text"]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"photo": SECRET}},
        {
            "jsonrpc": "2.0",
            "method": "tools/call",
            "params": {"name": "encode", "arguments": {"photo": SECRET}},
        },
        {"jsonrpc": "2.0", "id": 3, "result": {"photo": SECRET}},
    ],
)
def test_what_wants_no_answer_gets_none_and_is_not_written_down(
    raw: Raw, content: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = send(raw, content)
    assert (answer.status, answer.body) == (202, b"")
    assert SECRET not in caplog.text


@pytest.mark.parametrize("asked", [7, "seven"])
def test_a_message_that_is_too_large_is_told_under_its_id(raw: Raw, asked: object) -> None:
    large = "data:image/png;base64," + "A" * MOST_BYTES
    for order in (("method", "params", "jsonrpc", "id"), ("id", "jsonrpc", "method", "params")):
        content = call("align", {"photo": large}, asked)
        answer = send(raw, {key: content[key] for key in order})
        said = result_of(answer)
        assert (answer.status, said["id"]) == (200, asked)
        assert "larger than 16 MB. Upload files" in said["error"]["message"]


def test_a_picture_of_eight_megabytes_is_read(raw: Raw) -> None:
    said = result_of(send(raw, call("align", {"photo": "data:image/png;base64," + "A" * (8 << 20)})))
    assert said["result"]["isError"] and "megabytes" not in said["result"]["content"][0]["text"]


def test_it_has_to_be_json(raw: Raw) -> None:
    answer = send(raw, call("encode", {}), **{"Content-Type": "text/plain"})
    assert answer.status == 415 and "application/json" in result_of(answer)["error"]["message"]
    charset = send(raw, call("encode", {}), **{"Content-Type": "application/json; charset=utf-8"})
    assert result_of(charset)["result"]["isError"]


def test_no_address_is_repeated(raw: Raw) -> None:
    for path in ("<script>alert(1)</script>", "x", "sse", "messages/?session_id=x", "http/x"):
        answer = raw.send(f"{MCP}{path.replace('<', '%3C').replace('>', '%3E')}")
        assert answer.status == 404 and b"script" not in answer.body
        assert answer.headers["x-content-type-options"] == "nosniff"
    strange = send(raw, call("encode", {}), **{"MCP-Protocol-Version": "9" * 3000})
    assert strange.status == 400 and len(strange.body) < 300

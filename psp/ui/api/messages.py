"""What is let through to the library that speaks the Model Context Protocol: messages that it can read.

Of others it tells the sender how it is made, or nothing, and writes what was sent into the log, which may be
a photo.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from psp.ranges import shown
from psp.ui.gate.requests import Refusal, read_object

MOST_BYTES = 16 << 20
"""Of a message: a file of 12 MB as a data URL."""

_PATHS = ("/gradio_api/mcp", "/gradio_api/mcp/http")
_JSON = "application/json"
# Codes of JSON-RPC 2.0, section 5.1.
_NO_JSON, _NO_MESSAGE, _NO_METHOD, _WRONG = -32700, -32600, -32601, -32602
# Where clients have the id of a request: ahead of what may be long, or after it.
_ID = re.compile(rb'"id"\s*:\s*(?:(\d{1,18})|"([\w.-]{1,100})")')
_EDGE = 400  # bytes that are looked through for it, at either end
_LONGEST_VERSION = 40


class Messages:
    """The layer before the library's.

    Args:
        app: Answers messages that can be read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what cannot be read, and what wants no answer; hand on all else."""
        if not str(scope["path"]).rstrip("/").endswith(_PATHS):
            nothing = _refused(404, _NO_MESSAGE, "There are no tools here. They are at /gradio_api/mcp/.")
            await nothing(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if len(headers.get("mcp-protocol-version", "")) > _LONGEST_VERSION:  # it would be repeated
            strange = _refused(
                400, _NO_MESSAGE, "There is no such version of the protocol. Send one like 2025-06-18."
            )
            await strange(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, asked = await _read(receive)
        if body is None:
            await _too_large(asked)(scope, receive, send)
        elif answer := answer_to(body) if _is_json(headers) else _no_json():
            await answer(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)


def answer_to(body: bytes) -> Response | None:
    """Return the answer to a message that the library is not given; None: it answers itself.

    Each request has a session of its own, so a message that wants no answer changes nothing.
    """
    from mcp import types  # noqa: PLC0415  (an optional part)

    try:
        read = read_object(body)
    except Refusal as refusal:
        return _refused(refusal.status, _NO_JSON, str(refusal))
    try:
        message = types.JSONRPCMessage.model_validate(read).root
        message.model_dump_json().encode()
    except (ValueError, RecursionError):  # pydantic's errors are ValueErrors
        return _no_message()
    if not isinstance(message, types.JSONRPCRequest):
        return _no_message() if "id" in read and "method" in read else Response(status_code=202)
    try:
        types.ClientRequest.model_validate(message.model_dump(by_alias=True, mode="json", exclude_none=True))
    except (ValueError, RecursionError):
        if message.method == "tools/call":
            said = "The call cannot be understood. Send the name of a tool, and an object of arguments."
            return _refused(200, _WRONG, said, message.id)
        said = f"There is no {shown(message.method)} like that. Ask for tools/list or tools/call."
        return _refused(200, _NO_METHOD, said, message.id)
    return None


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON


def _too_large(asked: str | int | None) -> Response:
    said = (
        f"The message is larger than {MOST_BYTES >> 20} MB. "
        "Upload files with POST /gradio_api/upload, and give what that returns."
    )
    return _refused(413 if asked is None else 200, _WRONG, said, asked)


def _no_json() -> Response:
    return _refused(415, _NO_JSON, "The message is no JSON. Send it as Content-Type application/json.")


def _no_message() -> Response:
    said = (
        "This is no message of JSON-RPC 2.0. Send one object with jsonrpc, id (a text or a number), method "
        "and an object of params."
    )
    return _refused(400, _NO_MESSAGE, said)


def _refused(status: int, code: int, said: str, asked: str | int | None = None) -> Response:
    """Return an error as the protocol has it.

    Args:
        status: Of HTTP.
        code: Of JSON-RPC.
        said: Names the problem and the next step.
        asked: Id of the request; None where there is none that could be read.
    """
    error = {"jsonrpc": "2.0", "id": asked, "error": {"code": code, "message": said}}
    return JSONResponse(error, status, {"x-content-type-options": "nosniff"})


async def _read(receive: Receive) -> tuple[bytes | None, str | int | None]:
    """Return a message, or None and its id where it is too large: what comes then is let pass by."""
    kept, length, head, tail, more = bytearray(), 0, b"", b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return b"", None
        part = message.get("body", b"")
        length += len(part)
        head, tail = (head + part)[:_EDGE], (tail + part)[-_EDGE:]
        if length <= MOST_BYTES:
            kept += part
        else:
            kept.clear()
        more = message.get("more_body", False)
    if length <= MOST_BYTES:
        return bytes(kept), None
    found = [*_ID.finditer(tail), *_ID.finditer(head)]
    if not found:
        return None, None
    number, text = found[0].groups()
    return None, int(number) if number else text.decode()


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read once more, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def once_more() -> Message:
        return waiting.pop() if waiting else await receive()

    return once_more

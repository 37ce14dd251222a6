"""What is let in to the page: hosts, sizes, routes and the shape of requests, before Gradio reads a byte.

Everything here is written as if a stranger held the other end. Refusals are sentences; nothing that Gradio
says about its own insides goes out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

import gradio as gr
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from psp.errors import PspError
from psp.ui.gate.health import HEALTH, health
from psp.ui.gate.hosts import Hosts
from psp.ui.gate.line import Line
from psp.ui.gate.login import MCP, METRICS, Login, asks_by_header
from psp.ui.gate.metrics import metrics
from psp.ui.gate.requests import Refusal, check_body, check_listener, function_name, path_of, without

_log = logging.getLogger(__name__)

_API = "/gradio_api/"
# Routes of Gradio that the page has no use for: they fetch foreign addresses, keep files of their own, show
# the machine's state, or run what nobody here asked for.
_CLOSED = (
    "/monitoring", f"{_API}deep_link", f"{_API}proxy=", f"{_API}file=http:", f"{_API}file=https:",
    f"{_API}file/", f"{_API}stream/", f"{_API}vibe-", f"{_API}undo-vibe-edit", f"{_API}process_recording",
    f"{_API}run-history", f"{_API}runs", f"{_API}custom_component", f"{_API}dev/", f"{_API}profiling",
    f"{_API}mcp/sse", f"{_API}mcp/messages",
)  # fmt: skip
# Routes whose bodies are read here first.
_BODIES = ("call/", "run/", "api/", "queue/join")
_MB = 1 << 20
# Bytes. A form has its edges and fields besides the file; JSON becomes many times larger when it is read; a
# stroke on the pad is a picture of 512 pixels.
_FORM, _JSON, _STROKE = _MB, 16 * _MB, 4 * _MB
# Bytes of a refused body that are read and forgotten, and seconds that each part of it may take.
_PASSED_BY, _PATIENCE = 256 * _MB, 2.0


class Door:
    """The outermost layer of the served page.

    Args:
        app: The page, behind ``login`` where there is one.
        page: The page's Blocks: knows its functions, and where it listens.
        allowed: ``Settings.allowed_hosts``.
        max_upload: Bytes of the largest upload.
        login: Where there is a password: knows who has given it.
        tells: ``Settings.metrics``.
    """

    def __init__(
        self,
        app: ASGIApp,
        page: gr.Blocks,
        allowed: tuple[str, ...],
        max_upload: int,
        login: Login | None = None,
        tells: bool = False,
    ) -> None:
        self._app = app
        self._tells = tells
        self._login = login
        self._page = page
        self._allowed = allowed
        self._max_upload = max_upload
        self._hosts: Hosts | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page uses no websockets
            await send({"type": "websocket.close", "code": 1008})
            return
        scope, path = self._as_known(scope), path_of(scope)
        if path == HEALTH:
            await health(self._page, scope["method"])(scope, receive, send)
            return
        inner = _Guarded(scope, path, receive, send, self._limit(path))
        try:
            self._check_sender(scope)
            if path.lower().startswith(_CLOSED):
                raise Refusal(404, "The studio has nothing here.", "Its API is described at /?view=api.")
            inner.check_length()
            if self._login:
                await self._login.check(scope)
            if self._tells and path == METRICS:
                await metrics(self._page, scope["method"])(scope, inner.receive, inner.send)
                return
            check_listener(self._page, path.removeprefix(_API), scope)
            if scope["method"] == "POST" and path.startswith(_API):
                name = path.removeprefix(_API)
                if name.startswith(_BODIES):
                    inner.replay(self._checked(name, await inner.read_all()))
            await self._app(scope, inner.receive, inner.send)
        except Refusal as refusal:
            if not inner.started:
                await inner.drain()
                await _answer(refusal, path)(scope, receive, send)
        except Exception as error:
            if not inner.replaced:
                raise
            # Ours is no fault of the server's: a line, not the page that a stranger could fill the log with.
            ours = isinstance(error, PspError)
            _log.warning("A request to %s could not be read", path[:80], exc_info=not ours)

    def _check_sender(self, scope: Scope) -> None:
        """Let in who calls the page by a name of its own, and pages of the same.

        Raises:
            Refusal: The Host or the Origin is foreign.
        """
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._names().has(hosts[0]):
            raise Refusal(
                400,
                "The studio does not answer under this name.",
                "Open it by its own address; its owner can allow more names with PSP_ALLOWED_HOSTS.",
            )
        if not all(self._names().welcomes(origin) for origin in _values(scope, b"origin")):
            raise Refusal(
                403,
                "Pages of other sites may not use this studio.",
                "Its owner can allow them with PSP_ALLOWED_HOSTS.",
            )

    def _as_known(self, scope: Scope) -> Scope:
        """Return a request as it may be known: a page of another site is not its browser's visitor."""
        own = all(self._names().owns(origin) for origin in _values(scope, b"origin"))
        return scope if own else without(scope, b"cookie")

    def _names(self) -> Hosts:
        if self._hosts is None:
            # Only now: the address is known once the server listens.
            listens_on = getattr(self._page, "server_name", None)
            self._hosts = Hosts.of(self._allowed, listens_on)
        return self._hosts

    def _checked(self, name: str, body: bytes) -> bytes:
        """Return a body that Gradio can read; one that is refused to an endpoint stands in the journal.

        Raises:
            Refusal: It cannot.
        """
        try:
            return check_body(self._page, name, body)
        except Refusal as refusal:
            if isinstance(line := self._page._queue, Line):
                line.write_refused(function_name(name), refusal)
            raise

    def _limit(self, path: str) -> int:
        """Return how many bytes a request may have."""
        if path.startswith((f"{_API}upload", MCP)):  # the tools' own limit is told in the protocol's way
            return self._max_upload + _FORM
        return _STROKE if path.startswith(f"{_API}component_server") else _JSON


class _Guarded:
    """One request on its way: its body is counted, and bare errors become sentences."""

    def __init__(self, scope: Scope, path: str, receive: Receive, send: Send, limit: int) -> None:
        self.started = False
        self._scope, self._path = scope, path
        self._receive, self._send = receive, send
        self._limit, self._left = limit, limit
        self._again: bytes | None = None
        self._refusal: Refusal | None = None
        self.replaced = False
        self._more = True

    def check_length(self) -> None:
        """Refuse a body whose declared length is too large, before any of it is kept.

        Raises:
            Refusal: It is.
        """
        declared = dict(self._scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 18 or int(declared) > self._limit:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        return Refusal(413, f"The request is larger than {self._limit >> 20} MB.", "Send a smaller file.")

    async def receive(self) -> Message:
        """Hand on a part of the body.

        Raises:
            Refusal: It has become too large.
        """
        if self._again is not None:
            body, self._again = self._again, None
            return {"type": "http.request", "body": body, "more_body": False}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        self._more = message.get("more_body", False)
        if self._left < 0:
            self._refusal = self._too_large()
            raise self._refusal
        return message

    async def read_all(self) -> bytes:
        """Return the whole body.

        Raises:
            Refusal: It is too large.
        """
        parts, more = [], True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                return b""
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def drain(self) -> None:
        """Let the rest of a body that is refused pass by, up to a limit: who still sends hears no answer."""
        left = _PASSED_BY
        with contextlib.suppress(asyncio.TimeoutError):
            while self._more and left > 0:
                message = await asyncio.wait_for(self._receive(), _PATIENCE)
                left -= len(message.get("body", b""))
                self._more = message.get("more_body", False)

    def replay(self, body: bytes) -> None:
        """Let the page read ``body``."""
        self._again = body

    async def send(self, message: Message) -> None:
        """Hand on a part of the answer; of an error that shows Gradio's insides, say a sentence instead."""
        if message["type"] == "http.response.start" and not self.started:
            bare = message["status"] == 422 or (
                message["status"] >= 500 and b"application/json" not in _content_type(message)
            )
            unread = message["status"] in (400, 413) and self._path.startswith(f"{_API}upload")
            if unread and self._refusal is None:  # the reader of forms has words of its own
                self._refusal = Refusal(
                    400,
                    "The upload is no form that can be read.",
                    "Send multipart/form-data, the file under 'files'.",
                )
            if self._refusal or (bare and self._path.startswith(_API)):
                self.replaced = self.started = True
                refusal = self._refusal or Refusal(
                    400,
                    "The request cannot be understood.",
                    "Its parameters are described at /?view=api, and as data at /gradio_api/info.",
                )
                await _answer(refusal, self._path)(self._scope, self._receive, self._send)
        self.started = True
        if not self.replaced:
            await self._send(message)


def _values(scope: Scope, header: bytes) -> list[str]:
    """Return what a request has under the name of a header, which may stand there more than once."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


def _content_type(message: Message) -> bytes:
    return bytes(dict(message.get("headers", [])).get(b"content-type", b""))


def _answer(refusal: Refusal, path: str) -> Response:
    """Return a refusal: as data for programs, as text for people."""
    said = str(refusal)
    headers: Mapping[str, str] = {"x-content-type-options": "nosniff", "connection": "close"}
    if refusal.status == 401 and asks_by_header(path):  # elsewhere browsers would open a window of their own
        headers = {**headers, "www-authenticate": 'Basic realm="pSp Studio", charset="UTF-8"'}
    if path.startswith(_API):
        return JSONResponse({"detail": said, "error": said}, refusal.status, headers)
    return PlainTextResponse(said, refusal.status, headers)

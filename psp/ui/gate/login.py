"""A password for the whole page (``PSP_AUTH``): who has not given it sees the login page and nothing else.

Gradio's own login keeps the cookies and draws the page on which one logs in. It leaves doors open beside it,
though (MCP, cancelling, heartbeats, the list of endpoints in the login page itself); so whoever has no cookie
is stopped here, ahead of all routes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable

from gradio.routes import App
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from psp.ui.gate.requests import Refusal, path_of, without

MCP = "/gradio_api/mcp"
"""Where programs come that cannot fill in a form: they send the password with each request."""

METRICS = "/metrics"
"""Where figures are told; see ``psp.ui.gate.metrics``."""

# What the login page is made of. "startup-events" is what Gradio asks itself when it starts; it answers
# true or false.
_OPEN = (
    "/",
    "/favicon.ico",
    "/card.webp",
    "/manifest.json",
    "/robots.txt",
    "/theme.css",
    "/gradio_api/startup-events",
)
_OPEN_FOLDERS = ("/assets/", "/static/")
_FORM = ("/login", "/login/")

# Seconds that a wrong try takes, one after another, and how many may wait for theirs.
_PAUSE, _MOST_WAITING = 0.5, 20
# Bytes of a filled in form, and seconds that its parts may take.
_LONGEST_FORM, _PATIENCE = 16_384, 10.0
# What Gradio writes into every page, the login page too: all endpoints with their choices, the owner's own
# models among them.
_INFO = re.compile(rb"(gradio_api_info\s*=\s*)\{.*?\}(;?\s*</script>)", re.DOTALL)


class Login:
    """The layer between the door and Gradio, where there is a password.

    Args:
        app: What is behind it.
        gradio: The application that keeps the cookies.
        account: Name and password.
    """

    def __init__(self, app: ASGIApp, gradio: App, account: tuple[str, str]) -> None:
        self._app, self._gradio = app, gradio
        self._account = account
        self._one_by_one = asyncio.Lock()
        self._waiting = 0

    async def check(self, scope: Scope) -> None:
        """Let in who is logged in, and everybody to the login page.

        Raises:
            Refusal: Somebody else.
        """
        path, method = path_of(scope), scope["method"]
        if self._has_cookie(scope) or (method == "POST" and path in _FORM):
            return
        if method in ("GET", "HEAD") and (path in _OPEN or path.startswith(_OPEN_FOLDERS)):
            return
        if asks_by_header(path) and (given := _authorization(scope)):

            async def asked() -> bool:
                return self._matches(given)

            if await self._try(asked):
                return
            raise Refusal(401, "The name or the password is wrong.", "Ask the studio's owner for them.")
        how = (
            "Send the header Authorization: Bearer PASSWORD, or Basic with name and password."
            if asks_by_header(path)
            else "Log in on the page; the Gradio client takes auth=(name, password)."
        )
        raise Refusal(401, "This studio has a password.", how)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on: a filled in form in its turn, the login page without what others may not see."""
        path = path_of(scope) if scope["type"] == "http" else ""
        if path in _FORM and scope["method"] == "POST":
            await self._log_in(scope, receive, send)
        elif path == "/" and not self._has_cookie(scope):
            await self._app(without(scope, b"accept-encoding"), receive, _Bare(send))
        elif is_mcp(path):  # the password goes no further
            await self._app(without(scope, b"authorization"), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Gradio look at a form, one at a time."""
        try:
            body = await asyncio.wait_for(_short_body(receive), _PATIENCE)
        except asyncio.TimeoutError as error:
            raise Refusal(408, "The form did not come.", "Log in again.") from error
        parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        status = 0

        async def again() -> Message:
            return parts.pop() if parts else await receive()

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        async def asked() -> bool:
            await self._app(scope, again, noted)
            return status == 200

        await self._try(asked)

    async def _try(self, attempt: Callable[[], Awaitable[bool]]) -> bool:
        """Return whether an attempt succeeded; all wait for each other, and a wrong one for a while.

        A right one waits too: an answer that came at once would tell it from the wrong ones beside it.

        Raises:
            Refusal: Too many wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise Refusal(429, "Too many try to log in at once.", "Try again in a minute.")
        self._waiting += 1
        try:
            async with self._one_by_one:
                right = await attempt()
                if not right:
                    await asyncio.sleep(_PAUSE)
                return right
        finally:
            self._waiting -= 1

    def _matches(self, given: bytes) -> bool:
        """Return whether a header has the password."""
        name, password = self._account
        kind, _, value = given.strip().partition(b" ")
        if kind.lower() == b"bearer":
            return _same(value.strip(), password.encode())
        try:
            pair = base64.b64decode(value.strip(), validate=True)
        except binascii.Error:
            return False
        return kind.lower() == b"basic" and _same(pair, f"{name}:{password}".encode())

    def _has_cookie(self, scope: Scope) -> bool:
        cookies = HTTPConnection(scope).cookies
        names = [f"access-token{kind}-{self._gradio.cookie_id}" for kind in ("", "-unsecure")]
        return any(cookies.get(name) in self._gradio.tokens for name in names)


def checker(account: tuple[str, str]) -> Callable[[str, str], bool]:
    """Return what Gradio asks whether a name and a password are right: ``auth`` of ``gr.Blocks.launch``."""
    right = ":".join(account).encode()

    def knows(name: str, password: str) -> bool:
        return _same(f"{name}:{password}".encode(errors="surrogatepass"), right)

    return knows


def is_mcp(path: str) -> bool:
    """Return whether a path is one of the MCP server's."""
    return path == MCP or path.startswith(f"{MCP}/")


def asks_by_header(path: str) -> bool:
    """Return whether programs come there that send the password with each request: MCP, or a watch."""
    return is_mcp(path) or path == METRICS


def _same(given: bytes, right: bytes) -> bool:
    """Compare in a time that tells nothing, of the length neither."""
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(right).digest())


def _authorization(scope: Scope) -> bytes:
    """Return the one header of that name, or nothing."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return bytes(found[0]) if len(found) == 1 else b""


async def _short_body(receive: Receive) -> bytes:
    """Return the body of a form.

    Raises:
        Refusal: It is too long to be one.
    """
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _LONGEST_FORM:
            raise Refusal(413, "The form is too long.", "Log in on the page.")
    return body


class _Bare:
    """The answer with the login page: what it says of the endpoints is left out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if self._start is None or message.get("more_body"):
            return
        body = _INFO.sub(rb'\g<1>{"named_endpoints":{},"unnamed_endpoints":{}}\g<2>', self._body)
        headers = [pair for pair in self._start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

"""What is said of the page before it is open: its words and picture where a link to it is shown, its icon.

Gradio writes its own name and picture into the head of every page, ahead of what a page can add, and readers
of links run no scripts; so the head is mended on its way out, and gets what has to run before all other
scripts. The page is packed there too: a megabyte of settings becomes a tenth of it.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from html import escape

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from psp.files.bundled import assets_dir
from psp.ui.frame.masthead import PROMISE, TITLE
from psp.ui.gate.requests import path_of
from psp.ui.gate.studio import Studio

PICTURE = "/card.webp"
"""Where the picture of the page is, 1200×630."""
ICON = assets_dir() / "favicon.png"
"""The icon of the page."""

_SUMMARY = (
    "Photos, sketches, painted maps and tiny pictures become portraits, in seconds: a studio for "
    "pixel2style2pixel (CVPR 2021). Encode, frontalise, upscale, toonify and mix faces."
)
_SEEN = "Portraits that pSp Studio made from a sketch, a painted map and tiny pictures"
_THEIRS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_FIRST = b'<meta charset="utf-8" />'
_DAY = 86_400


class Card:
    """The layer that mends the head of the page and serves its picture.

    Args:
        app: The page.
        page: Its Blocks: knows its address.
    """

    def __init__(self, app: ASGIApp, page: Studio) -> None:
        self._app, self._page = app, page
        self._early = f"<script>{(assets_dir() / 'opening.js').read_text('utf-8')}</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the picture, mend the page, and hand on all else."""
        path = path_of(scope) if scope["type"] == "http" else ""
        if path == PICTURE and scope["method"] in ("GET", "HEAD"):
            kept = {"cache-control": f"public, max-age={_DAY}"}
            await FileResponse(assets_dir() / "card.webp", headers=kept)(scope, receive, send)
        elif path == "/" and scope["method"] == "GET":
            mended = _Mended(scope, send, head(self._address(scope)) + self._early)
            await self._app(scope, receive, mended.send)
        else:
            await self._app(scope, receive, send)

    def _address(self, scope: Scope) -> str:
        """Return the address of the page: its public one, or that which was asked for, as the door allows."""
        public = self._page.address()
        if public.startswith("https://"):
            return public.rstrip("/")
        host = Headers(scope=scope).get("host", "")
        return f"{scope['scheme']}://{host}{scope.get('root_path', '')}".rstrip("/")


class _Mended:
    """One page on its way out: held until it is whole, then mended, packed, and sent."""

    def __init__(self, scope: Scope, send: Send, said: str) -> None:
        self._packs = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        self._send, self._said = send, said
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        """Take a part of the answer; what is no page passes as it is."""
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = _THEIRS.sub(b"", b"".join(self._parts))
        body = body.replace(_FIRST, _FIRST + self._said.encode(), 1)
        headers = MutableHeaders(raw=start["headers"])
        headers.add_vary_header("accept-encoding")
        if self._packs:
            body = await asyncio.to_thread(gzip.compress, body, 5)
            headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def head(address: str) -> str:
    """Return what the head of the page says of it.

    Args:
        address: Of the page, without a slash at its end.
    """
    about = {
        "og:type": "website", "og:site_name": TITLE, "og:title": f"{TITLE}: {PROMISE}",
        "og:description": _SUMMARY, "og:url": f"{address}/", "og:image": f"{address}{PICTURE}",
        "og:image:width": "1200", "og:image:height": "630", "og:image:alt": _SEEN,
    }  # fmt: skip
    lines = [
        f"<title>{TITLE}</title>",
        f'<meta name="description" content="{escape(_SUMMARY)}" />',
        '<meta name="theme-color" content="#f3f2ee" media="(prefers-color-scheme: light)" />',
        '<meta name="theme-color" content="#131311" media="(prefers-color-scheme: dark)" />',
        '<link rel="icon" type="image/png" href="favicon.ico" />',
        '<meta name="twitter:card" content="summary_large_image" />',
        *(f'<meta property="{name}" content="{escape(words)}" />' for name, words in about.items()),
    ]
    return "\n\t\t" + "\n\t\t".join(lines)

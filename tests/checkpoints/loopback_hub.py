"""A Hub of one file on the loopback, so that downloads are tested without a network."""

from __future__ import annotations

import contextlib
import http.server
import time


class Hub(http.server.ThreadingHTTPServer):
    """A stand-in for the Hub on the loopback: serves one file, with ranges, and can break off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = b""
        self.break_after: list[int] = []  # bytes after which each of the next answers breaks off
        self.ranges = True
        self.refuse: list[int] = []  # statuses of the next answers; 0: none, the file
        self.stall = 0.0  # seconds that an answer that breaks off stays open before
        self.lie = 0  # bytes by which it says a wrong length
        self.asked: list[tuple[str, str | None]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        if not self.path.startswith(f"/some/repo/resolve/{'a' * 40}/"):
            self.send_error(404)
            return
        if self.server.refuse and (status := self.server.refuse.pop(0)):
            self.send_error(status)
            return
        start, total = 0, len(self.server.content)
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start < total else 416)
            self.send_header(
                "Content-Range", f"bytes {start}-{total - 1}/{total}" if start < total else f"bytes */{total}"
            )
        else:
            self.send_response(200)
        body = self.server.content[start:]
        self.send_header("ETag", '"etag"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Content-Length", str(len(body) + (0 if asked else self.server.lie)))
        self.end_headers()
        breaks = bool(self.server.break_after)
        with contextlib.suppress(OSError):  # the client had enough
            self.wfile.write(body[: self.server.break_after.pop(0)] if breaks else body)
            time.sleep(self.server.stall if breaks else 0.0)

    def log_message(self, format: str, *args: object) -> None:
        pass

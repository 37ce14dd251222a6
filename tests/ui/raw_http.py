"""The served studio over plain HTTP, as a stranger calls it: no client that would send only what is right."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

META = {"_type": "gradio.FileData"}


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers in lower case, the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Raw:
    """One served studio."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc

    def send(
        self,
        path: str,
        body: bytes | None = None,
        method: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request and return all of the answer; ``headers`` may name another Host."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            said = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, said, answer.read())
        finally:
            connection.close()

    def post(self, path: str, content: object, **headers: str) -> Answer:
        """Send JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.send(path, body, headers={"Content-Type": "application/json", **headers})

    def form(self, path: str, fields: dict[str, str], name: str, data: bytes) -> Answer:
        """Send a form with one file."""
        edge = uuid.uuid4().hex
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), data, f"\r\n--{edge}--\r\n".encode()])
        return self.send(path, body, headers={"Content-Type": f"multipart/form-data; boundary={edge}"})

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """Upload a file and return it as a request names it."""
        path = self.form("/gradio_api/upload", {}, name, data).json[0]
        return {"path": path, "orig_name": name, "meta": META}

    def call(self, endpoint: str, data: list[Any]) -> tuple[str, Any]:
        """Call an endpoint by its name as curl does; return "complete" or "error", and what came with it."""
        joined = self.post(f"/gradio_api/call/{endpoint}", {"data": data})
        if joined.status != 200:
            return str(joined.status), joined.json
        lines = self.send(f"/gradio_api/call/{endpoint}/{joined.json['event_id']}").body.decode().splitlines()
        events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
        values = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return events[-1], json.loads(values[-1])

    def run_all(
        self, requests: list[dict[str, Any]], queries: Sequence[str] = ()
    ) -> list[dict[str, Any] | None]:
        """Run functions by their numbers, as the page does; return each output, None if it was refused.

        All in one session, so that one stream brings everything.

        Args:
            requests: What is sent.
            queries: What stands in the address of each behind a question mark, as in that of the page.
        """
        session, numbers = uuid.uuid4().hex, []
        for request, query in zip_longest(requests, queries, fillvalue=""):
            assert isinstance(request, dict), "more queries than requests"
            joined = self.post(f"/gradio_api/queue/join?{query}", {**request, "session_hash": session})
            numbers.append(joined.json["event_id"] if joined.status == 200 else None)
        outputs: dict[str, dict[str, Any]] = {}
        stream = self.send(f"/gradio_api/queue/data?session_hash={session}").body.decode()
        for line in stream.splitlines():
            message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                outputs[message["event_id"]] = message["output"] | {"success": message["success"]}
        return [outputs.get(number or "") for number in numbers]

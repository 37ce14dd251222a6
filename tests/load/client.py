"""One client of many: uploads its files, asks, listens, and knows what it got and how long it waited."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.ui.raw_http import META, Raw

Values = Mapping[str, object]

# What a result says of the moment, not of the picture: what it took, and what videos have cost so far.
_OF_THE_MOMENT = ("timings", "video")


@dataclass(frozen=True)
class Ask:
    """A request.

    Attributes:
        endpoint: Its name, with the slash.
        values: By parameter; a file is ``Path``, several are a tuple of them.
    """

    endpoint: str
    values: Values


@dataclass(frozen=True)
class Got:
    """What came back.

    Attributes:
        words: Why it was refused; nothing if it was made.
        mark: A hash of all files and details that came; what belongs to the moment left out.
        seconds: From asking to the answer.
        worked: How much of that the studio says it worked.
    """

    words: str = ""
    mark: str = ""
    seconds: float = 0.0
    worked: float = 0.0


class LoadClient:
    """A client with an address of its own.

    Args:
        raw: The studio.
        number: Which client; it says that it comes from another address than all others.
    """

    def __init__(self, raw: Raw, number: int) -> None:
        self.raw = raw
        self.headers = {"X-Forwarded-For": f"8.8.{number // 250}.{number % 250 + 1}"}
        self._uploaded: dict[Path, dict[str, Any]] = {}

    def ask(self, ask: Ask) -> Got:
        """Ask and wait for the answer."""
        began = time.monotonic()
        event = self.join(ask)
        if event.status != 200:
            return Got(words=event.json.get("error") or event.json.get("detail") or str(event.status))
        name = ask.endpoint.strip("/")
        answer = self.raw.send(f"/gradio_api/call/{name}/{event.json['event_id']}", headers=self.headers)
        seconds = time.monotonic() - began
        kind, data = _last(answer.body.decode())
        if kind != "complete":
            said = data.get("error") if isinstance(data, dict) else data
            return Got(words=said or "an error without words", seconds=seconds)
        *files, details = data
        paths = [path for each in files for path in _paths(each)]
        parts = [hashlib.sha256(self._file(path)).hexdigest() for path in paths]
        told = {key: value for key, value in details.items() if key not in _OF_THE_MOMENT}
        mark = hashlib.sha256(json.dumps([parts, told], sort_keys=True).encode()).hexdigest()
        return Got(mark=mark, seconds=seconds, worked=sum(details["timings"].values()))

    def leave(self, ask: Ask, after: float, *, cancels: bool) -> None:
        """Ask, listen for a moment and go, with or without saying so."""
        joined = self.join(ask)
        if joined.status != 200:
            return
        event, name = joined.json["event_id"], ask.endpoint.strip("/")
        connection = http.client.HTTPConnection(self.raw.address, timeout=60)
        connection.request("GET", f"/gradio_api/call/{name}/{event}", headers=self.headers)
        time.sleep(after)
        if cancels:
            self.raw.post("/gradio_api/cancel", {"session_hash": "", "fn_index": 0, "event_id": event})
        connection.close()

    def join(self, ask: Ask) -> Any:
        """Upload what the request needs and get into the line."""
        data = {name: self._given(value) for name, value in ask.values.items()}
        return self.raw.post(f"/gradio_api/call/v2/{ask.endpoint.strip('/')}", data, **self.headers)

    def _given(self, value: object) -> object:
        if isinstance(value, tuple):
            return [self._given(each) for each in value]
        if not isinstance(value, Path):
            return value
        if value not in self._uploaded:
            self._uploaded[value] = {**self.raw.upload(value.name, value.read_bytes()), "meta": META}
        return self._uploaded[value]

    def _file(self, path: str) -> bytes:
        return self.raw.send(f"/gradio_api/file={quote(path)}", headers=self.headers).body


def _last(stream: str) -> tuple[str, Any]:
    """Return the last event of a stream and its data."""
    lines = stream.splitlines()
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    values = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return (kinds[-1], json.loads(values[-1])) if kinds else ("none", None)


def _paths(value: object) -> list[str]:
    """Return the paths of all files in an output."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            return [value["path"]]
        return [path for each in value.values() for path in _paths(each)]
    return [path for each in value for path in _paths(each)] if isinstance(value, list) else []

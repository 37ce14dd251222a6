"""Two visitors and a stranger: nobody sees anything of another's by any route, and no guess gives it away."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio import processing_utils
from PIL import Image

import psp.cli.serve
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.batch.visit import Visit
from psp.ui.cache import cached, name_by_secret
from psp.ui.stop import Stop
from tests.ui.raw_http import META, Raw
from tests.ui.served import served


@dataclass(frozen=True)
class Visitor:
    """Somebody who has had a photo encoded.

    Attributes:
        session: The session's key.
        event: The request's.
        photo: The file that was uploaded.
        content: Its bytes.
        files: Picture and codes that came back.
        stream: All that was sent to the session.
    """

    session: str
    event: str
    photo: str
    content: bytes
    files: tuple[str, ...]
    stream: bytes

    @property
    def secrets(self) -> set[str]:
        """What nobody else may ever see."""
        return {self.session, self.event, self.photo, *self.files}


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline, uploads: Path) -> Iterator[gr.Blocks]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        patch.setattr(processing_utils, "hash_seed", b"")
        name_by_secret()
        page = build_app(pipeline)
        with served(page):
            yield page


@pytest.fixture(scope="module")
def raw(page: gr.Blocks) -> Raw:
    return Raw(str(page.local_url))


def number_of(page: gr.Blocks, name: str) -> int:
    return next(number for number, each in page.fns.items() if each.api_name == name)


def visit(page: gr.Blocks, raw: Raw, photo: Image.Image) -> Visitor:
    out = io.BytesIO()
    photo.save(out, "PNG")
    file, session = raw.upload("me.png", out.getvalue()), uuid.uuid4().hex
    body = {"data": [file, "auto", False, 0, "quick"], "fn_index": number_of(page, "encode")}
    event = raw.post("/gradio_api/queue/join", {**body, "session_hash": session}).json["event_id"]
    stream = raw.send(f"/gradio_api/queue/data?session_hash={session}").body
    told = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]
    (done,) = (each for each in told if each["msg"] == "process_completed")
    assert done["success"], done
    files = tuple(value["path"] for value in done["output"]["data"] if value and "path" in value)
    return Visitor(session, event, file["path"], out.getvalue(), files, stream)


@pytest.fixture(scope="module")
def both(page: gr.Blocks, raw: Raw, astronaut: Image.Image) -> tuple[Visitor, Visitor]:
    """Two at the same time."""
    photos = [astronaut.crop((140, 0, 308, 168)), astronaut.crop((130, 0, 298, 168)).rotate(9)]
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda photo: visit(page, raw, photo), photos)
    return one, other


def test_each_hears_of_what_is_its_own_and_of_nothing_else(both: tuple[Visitor, Visitor]) -> None:
    for mine, other in (both, both[::-1]):
        assert len(mine.files) == 2 and mine.event.encode() in mine.stream
        assert not [secret for secret in other.secrets if secret.encode() in mine.stream]
        assert not set(mine.files) & set(other.files)


ADDRESSES = (
    *("/", "/config", "/healthz", "/metrics", "/monitoring/summary", "/manifest.json"),
    *("/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/mcp/schema", "/gradio_api/token"),
    *("/gradio_api/queue/status", "/gradio_api/startup-events", "/gradio_api/app_id", "/gradio_api/user"),
    "/gradio_api/run-history/records",
)


def test_no_address_tells_of_visitors(raw: Raw, both: tuple[Visitor, Visitor]) -> None:
    for path in ADDRESSES:
        said = raw.send(path).body.decode(errors="replace")
        for visitor in both:
            folders = {Path(file).parent.name for file in (visitor.photo, *visitor.files)}
            assert not [secret for secret in visitor.secrets | folders if secret in said], path


def guesses(visitor: Visitor, uploads: Path) -> dict[str, str]:
    """Return names for a file of somebody's that one may come to without having been told."""
    plain = hashlib.sha256(visitor.content).hexdigest()
    photo = Path(visitor.photo)
    return {
        "all of them": f"{uploads}",
        "all of them, as a folder": f"{uploads}/",
        "its folder": f"{photo.parent}",
        "any": f"{uploads}/*/me.png",
        "by what is in it": f"{uploads}/{plain}/me.png",
        "nearly": f"{photo.parent.with_name(photo.parent.name[:-1])}/{photo.name}",
        "above": f"{photo.parent}/..",
        "beside": f"{uploads}/../{uploads.name}",
        "relative": f"{photo.parent.name}/{photo.name}",
        "in capitals": str(photo.with_name("ME.PNG")),
    }


def test_no_file_can_be_guessed_or_listed(raw: Raw, both: tuple[Visitor, Visitor], uploads: Path) -> None:
    for kind, path in guesses(both[0], uploads).items():
        for route in ("gradio_api/file=", "gradio_api/file/", "file=", "static/", "assets/"):
            answer = raw.send(f"/{route}{path}".replace(" ", "%20"))
            assert answer.status in (400, 403, 404, 405), (kind, route)
            assert both[0].content not in answer.body
        file = {"path": path, "orig_name": "me.png", "meta": META}
        event, told = raw.call("encode", [file, "auto", False, 0, "quick"])
        assert event == "error" and "was not uploaded" in told["error"], kind


def test_no_key_can_be_guessed(raw: Raw, both: tuple[Visitor, Visitor]) -> None:
    mine = both[0]
    nearly = (mine.session[:-1], mine.session.upper(), mine.event[:8])
    for key in ("", "*", "%", "null", "undefined", "once-", *nearly):
        for route in (
            "queue/data?session_hash={}",
            "call/encode/{}",
            "call/v2/encode/{}",
            "stream/{}/0/0/x.ts",
        ):
            path = f"/gradio_api/{route.format(key or '-')}".replace("%", "%25").replace("*", "%2A")
            answer = raw.send(path)
            assert answer.status == 404, path
            assert not [secret for secret in mine.secrets if secret.encode() in answer.body], path


def test_what_was_fetched_once_is_given_to_nobody_again(raw: Raw, both: tuple[Visitor, Visitor]) -> None:
    for route in (f"call/encode/{both[0].event}", f"call/v2/encode/{both[0].event}"):
        answer = raw.send(f"/gradio_api/{route}")
        assert answer.status == 404 and "fetched already" in answer.json["error"]


def test_the_state_of_a_visit_is_its_own(page: gr.Blocks, both: tuple[Visitor, Visitor]) -> None:
    states = {key: block.value for key, block in page.blocks.items() if isinstance(block, gr.State)}
    keys = [key for key, value in states.items() if isinstance(value, Stop | Visit)]
    assert {type(states[key]) for key in keys} == {Stop, Visit}
    visits = [page.state_holder[name] for name in (both[0].session, both[1].session, "stranger")]
    for key in keys:
        assert len({id(value) for value in (states[key], *(each[key] for each in visits))}) == 4


def test_nobody_cancels_what_is_anothers(
    page: gr.Blocks,
    raw: Raw,
    both: tuple[Visitor, Visitor],
    pipeline: PspPipeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on, real = threading.Event(), threading.Event(), pipeline.encode

    def slow(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return real(*args, **kwargs)

    monkeypatch.setattr(pipeline, "encode", slow)
    number = number_of(page, "encode")
    with Image.open(both[0].photo) as photo, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(visit, page, raw, photo.rotate(3))
        try:
            assert begun.wait(60)
            for session in ("stranger", both[1].session, "", "*"):
                for event in ("", "*", "0", both[1].event, uuid.uuid4().hex):
                    body = {"session_hash": session, "fn_index": number, "event_id": event}
                    assert raw.post("/gradio_api/cancel", body).status == 200
                    raw.post("/gradio_api/reset", {"event_id": event})
        finally:
            go_on.set()
        assert len(asked.result().files) == 2


def test_a_studio_that_serves_has_a_secret_of_its_own(uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing_utils, "hash_seed", b"of the image that it was started from")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads / "studios"))
    made: list[str] = []
    monkeypatch.setattr(psp.cli.serve, "open_pipeline", lambda _: None)
    monkeypatch.setattr(
        "psp.ui.app.build_app", lambda _: made.append(Path(cached(b"the same", "a.txt")).parent.name)
    )
    monkeypatch.setattr("psp.ui.app.launch", lambda _: None)
    monkeypatch.setattr("psp.ui.gate.serving.leave", lambda: None)
    psp.cli.serve.serve()
    psp.cli.serve.serve()
    assert len(set(made)) == 2

"""The table itself: each case gets words that tell nothing of the server; the studio stays what it was."""

from __future__ import annotations

import base64
import ctypes
import gc
import io
import itertools
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.numpy import save

from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from tests.hostile import files, pictures, wire, written
from tests.hostile.case import DIRECTIONS, ENDPOINTS, LATENTS, PHOTO, VIDEO, Case, File, Sent, values
from tests.hostile.damaged import sound
from tests.hostile.judging import HOMES, INSIDES, judge
from tests.moving_pictures import frames_of, write_video
from tests.pages import text_of
from tests.ui.raw_http import Answer, Raw
from tests.ui.served import served
from tests.ui.test_app import CONTRACT

AT_ONCE = 24
"""Requests that wait together: the queue holds 32."""

MEGABYTES = 96
"""What the process may have more after a group than before it."""


@dataclass
class Studio:
    """The served studio, and what its answers to good requests are.

    Attributes:
        raw: Speaks HTTP to it.
        client: Speaks to it as Gradio's own client does.
        folder: Where its uploads are.
        numbers: Numbers of its functions by name.
        functions: What it says of them.
        uploads: What is uploaded already, by name and content.
        good: Bytes of the good files.
        before: What good requests gave before anything else.
    """

    raw: Raw
    client: Client
    folder: Path
    numbers: dict[str, int]
    functions: list[dict[str, Any]]
    good: dict[str, tuple[str, bytes]]
    uploads: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)
    before: list[bytes] = field(default_factory=list)

    @property
    def homes(self) -> set[str]:
        """Folders of the server, which no answer may name."""
        return {str(self.folder.parent), *HOMES}

    def upload(self, file: File) -> dict[str, Any]:
        """Upload a file once and return it as a request names it."""
        key = (
            self.good.get(file.name)
            if file in (PHOTO, LATENTS, DIRECTIONS, VIDEO)
            else (file.name, file.make())
        )
        assert key is not None
        if key not in self.uploads:
            self.uploads[key] = self.raw.upload(*key)
        return self.uploads[key]

    def filled(self, value: Any) -> Any:
        """Return a value with its files uploaded and its paths written out."""
        if isinstance(value, File):
            return self.upload(value)
        if isinstance(value, list | tuple):
            return [self.filled(each) for each in value]
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            return {**value, "path": value["path"].replace("{uploads}", str(self.folder))}
        return value

    def ask(self, cases: list[Case]) -> list[dict[str, Any] | None]:
        """Send cases together and return their outputs; None: the request was not let in."""
        requests = [
            {
                "fn_index": self.numbers[case.endpoint],
                "data": self.filled(case.data),
                "event_data": case.click,
            }
            for case in cases
        ]
        return self.raw.run_all(requests, [case.query for case in cases])

    def good_answers(self) -> list[bytes]:
        """Return the bytes of what good requests give."""
        cases = [Case("good", "good", name, values(name, **more)) for name, more in _GOOD.items()]
        found = []
        for case, output in zip(cases, self.ask(cases), strict=True):
            assert output is not None and output["success"], (case, output)
            for value in output["data"][:2]:
                for each in value if isinstance(value, list) else [value]:
                    path = each.get("image", each)["path"]
                    found.append(Path(path).read_bytes())
            found.append(json.dumps(output["data"][2]["recipe"]).encode())
        return found


_GOOD: dict[str, dict[str, Any]] = {
    "encode": {"align": False},
    "decode": {},
    "sketch_to_face": {"variants": 2},
    "segmentation_to_face": {},
}


@pytest.fixture(scope="module")
def studio(
    pipeline: PspPipeline, astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("uploads")
    face = astronaut.crop((140, 0, 308, 168))
    out = io.BytesIO()
    face.save(out, "PNG")
    film = write_video(folder.parent / "film.mp4", frames_of(astronaut, [(60, 10, 340)] * 3, (480, 360)))
    good = {
        "photo": ("photo.png", out.getvalue()),
        "latents": ("latents.safetensors", pipeline.encode(face, align=False).latents_file() or b""),
        "directions": ("directions.safetensors", save({"tint": np.full(512, 0.1, np.float32)})),
        "video": ("film.mp4", film.read_bytes()),
    }
    secret = tmp_path_factory.mktemp("home") / "secret.png"
    secret.write_bytes(sound())
    (folder / "link.png").symlink_to(secret)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        patch.setattr("psp.inference.decoders.STEPS", 2)  # some cases are let through to what takes long
        with served(build_app(pipeline)) as url:
            raw = Raw(url)
            functions = [each for each in raw.send("/config").json["dependencies"] if each["backend_fn"]]
            numbers = {each["api_name"]: each["id"] for each in functions}
            client = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("down")))
            studio = Studio(raw, client, folder, numbers, functions, good)
            studio.before = studio.good_answers()
            yield studio


def memory() -> float:
    """Return what the process has, in MB, after giving back what it can."""
    gc.collect()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).malloc_trim(0)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


def hold(studio: Studio, cases: list[Case]) -> None:
    """Send a group of cases; tell of all that fell, by name, and look that nothing is left behind."""
    assert len({str(case) for case in cases}) == len(cases), "two cases of one name"
    before = memory()
    send(studio, cases)
    if memory() - before >= MEGABYTES:  # what is kept for good may fill at the first time, never again
        before = memory()
        send(studio, cases)
        assert memory() - before < MEGABYTES, [str(case) for case in cases][:3]
    assert not Path("evil-was-here").exists()


def send(studio: Studio, cases: list[Case]) -> None:
    """Send cases, look at each answer, and that good requests get what they got before."""
    fallen = []
    for start in range(0, len(cases), AT_ONCE):
        some = cases[start : start + AT_ONCE]
        for case, output in zip(some, studio.ask(some), strict=True):
            if output is None:
                fallen.append(f"{case}: not let in")
            elif output["success"]:
                fallen += [] if case.served else [f"{case}: served"]
            elif wrong := judge(str(output["error"]), "" if case.served else case.said, studio.homes):
                fallen.append(f"{case}: {wrong}: {output['error']!r}")
    assert not fallen, f"{len(fallen)} of {len(cases)}:\n" + "\n".join(fallen)
    assert studio.good_answers() == studio.before


def grouped(cases: Iterator[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.kind, []).append(case)
    return found


GROUPS = grouped(itertools.chain(pictures.cases(), written.cases(), files.cases(), wire.cases()))


@pytest.mark.parametrize("kind", GROUPS)
def test_hostile_requests_are_told_and_the_next_good_one_is_the_same(studio: Studio, kind: str) -> None:
    """Every third of a kind; the slow test beside it sends the others too."""
    hold(studio, GROUPS[kind][::3])


@pytest.mark.slow
@pytest.mark.parametrize("kind", GROUPS)
def test_the_whole_table_is_told_and_the_next_good_one_is_the_same(studio: Studio, kind: str) -> None:
    hold(studio, GROUPS[kind])


def test_private_functions_take_nothing_from_strangers(studio: Studio) -> None:
    hold(studio, list(wire.private_cases(studio.functions))[::3])


@pytest.mark.slow
def test_no_private_function_takes_anything_from_strangers(studio: Studio) -> None:
    hold(studio, list(wire.private_cases(studio.functions)))


def told_over_http(answer: Answer) -> str:
    """Return what an answer says."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        return str(answer.json.get("detail"))
    return answer.body.decode(errors="replace")


def test_hostile_routes_and_bodies_are_told(studio: Studio) -> None:
    fallen, requests = [], list(wire.sent())
    for each in requests:
        answer = _send(studio.raw, each)
        said = told_over_http(answer)
        if answer.status not in each.statuses:
            fallen.append(f"{each}: status {answer.status}: {said[:200]}")
        elif found := INSIDES.search(said):
            fallen.append(f"{each}: tells of the insides: {found[0]}")
        elif len(said) > 1500 or str(studio.folder.parent) in said or "root:" in said:
            fallen.append(f"{each}: tells too much: {said[:200]}")
    assert not fallen, f"{len(fallen)} of {len(requests)}:\n" + "\n".join(fallen)
    assert studio.good_answers() == studio.before


def _send(raw: Raw, each: Sent) -> Answer:
    if each.body is None:
        return raw.send(each.path, headers=each.headers)
    return raw.post(each.path, each.body, **each.headers)


def test_names_of_uploads_lead_nowhere(studio: Studio) -> None:
    fallen = []
    for name, filename in wire.NAMES.items():
        answer = studio.raw.form("/gradio_api/upload", {}, filename, sound())
        if answer.status != 200:
            if not 400 <= answer.status < 500 or INSIDES.search(told_over_http(answer)):
                fallen.append(f"uploads: {name}: {answer.status} {answer.body[:200]!r}")
            continue
        for path in answer.json:
            real = os.path.realpath(path)
            if not real.startswith(os.path.realpath(studio.folder) + os.sep) or not Path(real).is_file():
                fallen.append(f"uploads: {name}: lies in {path!r}")
            (output,) = studio.raw.run_all(
                [
                    {
                        "fn_index": studio.numbers["decode"],
                        "data": [{"path": path, "orig_name": filename}, "auto"],
                    }
                ]
            )
            if output is None or output["success"] or (wrong := judge(output["error"], "", studio.homes)):
                fallen.append(f"uploads: {name}: {output and output.get('error')!r} {wrong}")
    assert not fallen, "\n".join(fallen)
    assert studio.good_answers() == studio.before


def one_of_each() -> list[Case]:
    """Return one case of each kind and endpoint, as a program would send it."""
    chosen = {
        (case.kind, case.endpoint): case
        for kind in GROUPS
        for case in GROUPS[kind]
        if case.endpoint in ENDPOINTS
        and not case.served
        and kind not in ("paths", "counts")
        and "half a character" not in case.name  # which no program can write
    }
    return list(chosen.values())


def test_tools_are_told_in_words_too(studio: Studio) -> None:
    def written(value: Any) -> Any:
        if isinstance(value, File):
            data = studio.good[value.name][1] if value.name in studio.good else value.make()
            return f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"
        return [written(each) for each in value] if isinstance(value, list | tuple) else value

    fallen, cases = [], one_of_each()[1::2]
    for case in cases:
        named = zip(CONTRACT[f"/{case.endpoint}"][0], case.data, strict=True)
        params = {"name": case.endpoint, "arguments": {name: written(value) for name, value in named}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = studio.raw.post("/gradio_api/mcp/", message, Accept="application/json, text/event-stream")
        (line,) = (each for each in answer.body.decode().splitlines() if each.startswith("data: "))
        result = json.loads(line.removeprefix("data: "))["result"]
        if not result["isError"]:
            fallen.append(f"{case}: served")
        elif wrong := judge(result["content"][0]["text"], "", studio.homes):
            fallen.append(f"{case}: {wrong}: {result['content'][0]['text']}")
    assert not fallen, "\n".join(fallen)
    assert len(cases) >= 20
    assert studio.good_answers() == studio.before


def test_gradios_own_client_hears_the_same_words(studio: Studio, tmp_path: Path) -> None:
    cases = one_of_each()[::2]

    def local(value: Any) -> Any:
        if isinstance(value, File):
            name, data = (
                studio.good[value.name]
                if value in (PHOTO, LATENTS, VIDEO, DIRECTIONS)
                else (value.name, value.make())
            )
            (tmp_path / name).write_bytes(data)
            return handle_file(str(tmp_path / name))
        return [local(each) for each in value] if isinstance(value, list | tuple) else value

    fallen = []
    for case, output in zip(
        cases,
        itertools.chain(*(studio.ask(cases[i : i + 24]) for i in range(0, len(cases), 24))),
        strict=True,
    ):
        try:
            studio.client.predict(*local(case.data), api_name=f"/{case.endpoint}")
            fallen.append(f"{case}: served")
        except AppError as error:
            if output is None or str(error) != output["error"]:
                fallen.append(f"{case}: {error} is not {output}")
    assert not fallen, "\n".join(fallen)
    assert len(cases) >= 20


def test_the_table_is_as_large_as_it_is_said_to_be(studio: Studio) -> None:
    count = Counter({kind: len(cases) for kind, cases in GROUPS.items()})
    count["private functions"] = len(list(wire.private_cases(studio.functions)))
    count.update(Counter(each.kind for each in wire.sent()))
    count["names of uploads"] = len(wire.NAMES)
    told = re.findall(r"^\| ([a-zA-Z ]+) \| (\d+) \|", text_of("docs/reliability.md"), re.MULTILINE)
    assert {kind: int(number) for kind, number in told if kind in count} == dict(count)
    assert sum(count.values()) >= 300

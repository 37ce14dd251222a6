"""The tools for language models, called through the protocol's own client."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ImageContent, TextContent
from PIL import Image

from psp.config import Settings
from psp.inference.network import Step
from psp.inference.pipeline import PspPipeline, Result
from psp.ui.app import build_app
from psp.ui.cache import cached
from tests.ui.raw_http import Raw
from tests.ui.served import served
from tests.ui.test_app import CONTRACT, FILES, REQUESTS, filled

T = TypeVar("T")
NAMES = [name.strip("/") for name in CONTRACT]


async def within(url: str, work: Callable[[ClientSession], Awaitable[T]], query: str = "") -> T:
    async with (
        streamable_http_client(f"{url}gradio_api/mcp/{query}") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        return await work(session)


def call(url: str, name: str, arguments: dict[str, Any]) -> CallToolResult:
    return asyncio.run(within(url, lambda session: session.call_tool(name, arguments)))


def data_url(path: Path | str) -> str:
    kind = "image/png" if Path(path).suffix == ".png" else "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def picture_in(result: CallToolResult) -> tuple[bytes, Image.Image]:
    """Return the one picture of an answer."""
    (shown,) = (part for part in result.content if isinstance(part, ImageContent))
    data = base64.b64decode(shown.data)
    picture = Image.open(io.BytesIO(data))
    assert shown.mimeType == f"image/{str(picture.format).lower()}"
    return data, picture


def words_in(result: CallToolResult) -> str:
    (words,) = (part.text for part in result.content if isinstance(part, TextContent))
    return words


def told(result: CallToolResult) -> str:
    """Return the words of an error."""
    assert result.isError
    return words_in(result)


def test_each_endpoint_is_a_tool_of_its_name_that_says_what_it_takes(url: str) -> None:
    tools = asyncio.run(within(url, lambda session: session.list_tools())).tools
    assert sorted(tool.name for tool in tools) == sorted(NAMES)
    for tool in tools:
        assert len(tool.description or "") > 100, tool.name
        wanted = CONTRACT[f"/{tool.name}"][0]
        properties = tool.inputSchema["properties"]
        assert list(properties) == list(wanted)
        assert tool.inputSchema["required"] == [name for name, value in wanted.items() if value == "required"]
        for name, value in properties.items():
            assert len(value["description"]) > 10, (tool.name, name)
            if value["type"] == "array":
                assert value["items"] == {"type": "string"}
            elif name not in FILES:
                assert value["default"] == wanted[name]


def test_an_address_may_ask_for_some_of_them(url: str) -> None:
    async def work(session: ClientSession) -> tuple[list[str], CallToolResult]:
        listed = (await session.list_tools()).tools
        return [tool.name for tool in listed], await session.call_tool("decode", {})

    names, refused = asyncio.run(within(url, work, "?tools=encode,toonify"))
    assert names == ["encode", "toonify"]
    assert "There is no tool 'decode'" in told(refused)


def test_the_list_for_spaces_names_the_same_tools(url: str) -> None:
    listed = Raw(url).send("/gradio_api/mcp/schema").json
    assert sorted(each["name"] for each in listed) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_gives_one_picture_and_the_details(
    url: str, inputs: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.inference.decoders.STEPS", 8)  # close takes long
    given = filled(REQUESTS[f"/{name}"], inputs, data_url)
    result = call(url, name, given)
    assert not result.isError, words_in(result)
    assert min(picture_in(result)[1].size) >= 128
    words = json.loads(words_in(result))
    # Codes say themselves what they were made by.
    assert words["details"]["recipe"]["task"] == ("encode" if name == "decode" else name)
    assert len(words["clip" if name in ("move", "video") else "pictures"]) == given.get("variants", 1)


def test_the_picture_is_the_one_that_the_endpoint_gives(url: str, inputs: dict[str, Path]) -> None:
    result = call(url, "encode", {"photo": data_url(inputs["photo"])})
    raw = Raw(url)
    said, values = raw.call(
        "encode", [raw.upload("me.png", inputs["photo"].read_bytes()), "auto", True, 0, "quick"]
    )
    assert said == "complete"
    link = json.loads(words_in(result))["pictures"][0]
    assert raw.send(link.removeprefix(url.rstrip("/"))).body == picture_in(result)[0]
    assert Path(values[0]["path"]).read_bytes() == picture_in(result)[0]


def test_defaults_may_be_said_or_left_out(url: str, inputs: dict[str, Path]) -> None:
    photo = data_url(inputs["photo"])
    tools = asyncio.run(within(url, lambda session: session.list_tools())).tools
    (mixing,) = (tool for tool in tools if tool.name == "style_mix")
    defaults = {name: value.get("default") for name, value in mixing.inputSchema["properties"].items()}
    said = call(url, "style_mix", {**defaults, "photo": photo})
    left_out = call(url, "style_mix", {"photo": photo})
    assert picture_in(said)[0] == picture_in(left_out)[0]


def test_an_upload_and_the_link_of_a_result_are_files_too(url: str, inputs: dict[str, Path]) -> None:
    upload = Raw(url).upload("me.png", inputs["photo"].read_bytes())["path"]
    first = call(url, "encode", {"photo": upload})
    words = json.loads(words_in(first))
    assert picture_in(call(url, "decode", {"latents": words["latents"]}))[0] == picture_in(first)[0]
    assert not call(url, "toonify", {"photo": words["pictures"][0], "align": False}).isError


def test_a_public_link_is_fetched_where_all_links_are(
    url: str, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(address: str, most: int) -> str:
        assert address == "https://pictures.example/me.png"
        assert most == Settings().max_upload_mb << 20
        return cached(inputs["photo"].read_bytes(), "me.png")

    monkeypatch.setattr("psp.ui.gate.studio.fetch", fetch)
    assert not call(url, "align", {"photo": "https://pictures.example/me.png"}).isError


def test_several_variants_are_one_sheet(url: str, inputs: dict[str, Path]) -> None:
    result = call(url, "sketch_to_face", {"sketch": data_url(inputs["sketch"]), "variants": 3})
    data, sheet = picture_in(result)
    assert sheet.size == (256, 256)
    assert b"trainedAlgorithmicMedia" in data
    assert len(json.loads(words_in(result))["pictures"]) == 3


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("encode", {}, "The photo is missing"),
        ("encode", {"photo": None}, "The photo is missing"),
        ("encode", {"photo": 5}, "The photo is 5."),
        ("encode", {"photo": "/etc/passwd"}, "no file that may be read"),
        ("encode", {"photo": "file:///etc/passwd"}, "no file that may be read"),
        ("encode", {"photo": "DATA:image/png;base64,aGVsbG8="}, "not a picture"),
        ("move", {"photo": "example", "through": ["https://example.org/a.png"]}, "the link of a result"),
        ("encode", {"photo": "data:image/png;base64,§"}, "data URL of the photo cannot be read"),
        ("encode", {"photo": "data:image/png"}, "data URL of the photo cannot be read"),
        ("encode", {"photo": "data:image/png;base64,aGVsbG8="}, "not a picture"),
        ("encode", {"photo": "http://127.0.0.1:1/me.png"}, "web address cannot be read"),
        ("encode", {"foto": "x"}, "encode has no parameter 'foto'"),
        ("align", {"photo": "example", "face": "x"}, "The face is the text 'x'"),
        ("align", {"photo": "example", "face": 7}, "There is no face number 7"),
        ("super_resolution", {"photo": "example", "factor": 5}, "factor is 5. Take one of 0, 4, 8, 16, 32."),
        ("super_resolution", {"photo": "example", "variants": 99}, "variants is 99"),
        ("encode", {"photo": "example", "model": "/etc"}, "There is no model"),
        ("preview", {}, "There is no tool 'preview'"),
    ],
)
def test_errors_name_the_problem_and_nothing_of_the_server(
    url: str, inputs: dict[str, Path], name: str, arguments: dict[str, Any], words: str
) -> None:
    given = {
        key: data_url(inputs["photo"]) if value == "example" else value for key, value in arguments.items()
    }
    said = told(call(url, name, given))
    assert words in said
    assert "Traceback" not in said
    assert not any(str(path.parent) in said for path in inputs.values())


def test_work_ends_when_the_client_is_gone(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(self: PspPipeline, *given: object, step: Step, **more: object) -> Result:
        while True:
            step("Working", 0.5)
            time.sleep(0.02)

    monkeypatch.setattr(PspPipeline, "encode", endless)
    page = build_app(PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path)))

    async def go_away(url: str) -> None:
        work = within(url, lambda session: session.call_tool("encode", {"photo": data_url(inputs["photo"])}))
        task = asyncio.create_task(work)
        await until(page._queue.busy)  # type: ignore[attr-defined]  # the studio's own lines
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: not page._queue.busy())  # type: ignore[attr-defined]  # as above

    with served(page) as url:
        asyncio.run(go_away(url))
        assert not page._queue.pending_messages_per_session


async def until(true: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not true():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(wait(), 30)

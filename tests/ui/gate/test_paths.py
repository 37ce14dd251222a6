"""No request reads a file of the server that was not uploaded: all functions, routes and kinds of path."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from psp.errors import InputError
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.controls import picture_input
from psp.ui.gate.uploads import check_files, is_uploaded
from tests.ui.raw_http import META, Raw
from tests.ui.served import served

SECRET = b"token-3f81c2d0"
NOT_UPLOADED = "was not uploaded to this studio"


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the server's owner, with a secret in it, outside the upload folder."""
    path = tmp_path_factory.mktemp("home") / "secret.png"
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(out, "PNG")
    path.write_bytes(out.getvalue() + SECRET)
    return path


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline, uploads: Path) -> Iterator[gr.Blocks]:
    """A studio with an upload folder of its own, served."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        page = build_app(pipeline)
        with served(page):
            yield page


@pytest.fixture(scope="module")
def raw(page: gr.Blocks) -> Raw:
    return Raw(str(page.local_url))


@pytest.fixture(scope="module")
def good(raw: Raw, astronaut: Image.Image) -> dict[str, Any]:
    out = io.BytesIO()
    astronaut.save(out, "PNG")
    return raw.upload("me.png", out.getvalue())


def foreign_paths(secret: Path, uploads: Path) -> dict[str, str]:
    """Every kind of path that is none of an uploaded file."""
    link = uploads / "link.png"
    if not link.is_symlink():
        link.symlink_to(secret)
    return {
        "a file": str(secret),
        "a file that is not there": str(secret.with_name("nothing.png")),
        "a system file": "/etc/passwd",
        "a folder": str(secret.parent),
        "the upload folder": str(uploads),
        "nothing in the upload folder": str(uploads / "nothing.png"),
        "up and out of the upload folder": f"{uploads}/../{secret.parent.name}/{secret.name}",
        "a link out of the upload folder": str(link),
        "a folder that begins alike": f"{uploads}x/{secret.name}",
        "relative": os.path.relpath(secret),
        "an address of a file": f"file://{secret}",
        "with a NUL": f"{uploads}/\0{secret}",
        "a device": "/dev/zero",
        "a long one": "/a" * 4000,
        "on another machine": "\\\\server\\share\\x.png",
    }


def as_inputs(block: gr.blocks.Block, path: str, meta: dict[str, Any]) -> Any:
    """Return the value of a component that names a file; None for those that name none."""
    file = {"path": path, "orig_name": "x.png", **meta}
    if isinstance(block, gr.Gallery):
        return [{"image": file, "caption": None}]
    if isinstance(block, gr.ImageEditor):
        return {"background": file, "layers": [file], "composite": file, "id": None}
    return file if isinstance(block, gr.Image | gr.File | gr.Video | gr.JSON) else None


def requests_for(page: gr.Blocks, path: str) -> list[dict[str, Any]]:
    """Return a request for every function and each input that can name a file, marked as one and not."""
    requests = []
    for number, function in page.fns.items():
        if function.fn is None or not function.queue:
            continue
        for index, block in enumerate(function.inputs):
            for meta in ({}, {"meta": META}, {"meta": {}, "url": "http://127.0.0.1/x"}):
                value = as_inputs(block, path, meta)
                if value is None:
                    continue
                data: list[Any] = [None] * len(function.inputs)
                data[index] = value
                click = {"index": 0, "value": None}
                requests.append({"fn_index": number, "data": data, "event_data": click})
    return requests


def leaked(uploads: Path) -> list[Path]:
    """Return files of the upload folder that hold the secret; ZIPs of results are not compressed."""
    files = (path for path in uploads.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if SECRET in path.read_bytes()]


def test_no_function_reads_a_foreign_file_and_none_tells_whether_it_is_there(
    page: gr.Blocks, raw: Raw, secret: Path, uploads: Path
) -> None:
    names = {function.api_name for function in page.fns.values()}
    assert {"encode", "show", "paste", "take", "keep", "preview"} <= names  # private ones too
    requests = requests_for(page, str(secret)) + requests_for(page, str(secret.with_name("no.png")))
    assert len(requests) > 150
    said = set()
    for start in range(0, len(requests), 24):
        for output in raw.run_all(requests[start : start + 24]):
            assert output is not None and not output["success"], output
            said.add(output["error"])
    assert len(said) == 1 and NOT_UPLOADED in said.pop()
    assert not leaked(uploads)


@pytest.mark.parametrize("meta", [{}, {"meta": META}], ids=["unmarked", "marked"])
def test_every_kind_of_path_gets_the_same_words(
    page: gr.Blocks, raw: Raw, secret: Path, uploads: Path, meta: dict[str, Any]
) -> None:
    kinds = foreign_paths(secret, uploads)
    functions = {f.api_name: (number, f) for number, f in page.fns.items()}
    requests = []
    for name in ("encode", "show", "take", "decode"):
        number, function = functions[name]
        for path in kinds.values():
            data = [as_inputs(block, path, meta) for block in function.inputs]
            requests.append({"fn_index": number, "data": data})
    outputs = []
    for start in range(0, len(requests), 24):
        outputs += raw.run_all(requests[start : start + 24])
    assert {output and output["error"] for output in outputs} == {next(iter(outputs))["error"]}  # type: ignore[index]
    assert NOT_UPLOADED in str(outputs[0])
    assert not leaked(uploads)


def test_few_functions_are_there_that_are_no_endpoints(page: gr.Blocks) -> None:
    """Each is one more that a stranger can call, by number: what needs no model is done in the browser.

    The tabs for drawings have two more each: one redraws the portrait, which needs the model, and one tells a
    photo in the upload, which needs OpenCV. Each of the eight tabs makes a picture to share, with its recipe.
    The tab for mixing has two: one previews the mixture, and one tells what share of each group a text with
    numbers of layers takes, which only the model's file says. The tab for edits has three: its preview, what
    is in a file of directions, and whether a model has the named ones. The tab for videos has two: what one
    costs, and Stop. The tab for batches has three: it begins, goes on, and stops. Encode has what fetches a
    picture on the way to a closer one.
    """
    private = [each for each in page.fns.values() if each.fn is not None and each.api_visibility != "public"]
    assert len(private) <= 105, [each.api_name for each in private]


@pytest.mark.parametrize("route", ["call/{}", "run/{}", "api/{}", "call/v2/{}"])
@pytest.mark.parametrize("name", ["encode", "align", "photo_to_mask", "show"])
def test_every_route_by_name_is_closed(
    raw: Raw, secret: Path, page: gr.Blocks, route: str, name: str
) -> None:
    function = next(each for each in page.fns.values() if each.api_name == name)
    file = {"path": str(secret)}
    body: dict[str, Any] = {"data": [as_inputs(b, str(secret), {}) for b in function.inputs]}
    if route.startswith("call/v2"):
        body = {"photo": file} if name != "show" else {"photo": file, "result": file}
    answer = raw.post(f"/gradio_api/{route.format(name)}", body)
    if answer.status == 200 and b"event_id" in answer.body:
        answer = raw.send(f"/gradio_api/call/{name}/{answer.json['event_id']}")
        assert b"event: error" in answer.body and NOT_UPLOADED.encode() in answer.body
    else:
        assert answer.status in (400, 404, 422, 500)
    assert SECRET not in answer.body and b"secret.png" not in answer.body


def test_what_a_click_brings_along_is_checked_too(raw: Raw, page: gr.Blocks, secret: Path) -> None:
    number, function = next((n, f) for n, f in page.fns.items() if f.api_name == "_look_at")
    click = {"index": 0, "value": {"image": {"path": str(secret)}, "caption": None}}
    data: list[Any] = [None] * len(function.inputs)
    (output,) = raw.run_all([{"fn_index": number, "data": data, "event_data": click}])
    assert output is not None and NOT_UPLOADED in output["error"]


def test_an_uploaded_file_keeps_its_bytes(raw: Raw, good: dict[str, Any], pipeline: PspPipeline) -> None:
    event, (picture, latents, details) = raw.call("encode", [good, "auto", True, 0, "quick"])
    assert event == "complete"
    result = pipeline.encode(good["path"])
    assert Path(picture["path"]).read_bytes() == result.png()
    assert Path(latents["path"]).read_bytes() == result.latents_file()
    assert details["recipe"] == result.details["recipe"]
    # A picture without the mark is fine where it was uploaded.
    assert raw.call("encode", [{"path": good["path"]}, "auto", True, 0, "quick"])[0] == "complete"


def test_a_picture_may_be_inside_the_request(raw: Raw, good: dict[str, Any]) -> None:
    import base64

    data = base64.b64encode(Path(good["path"]).read_bytes()).decode()
    event, made = raw.call("encode", [{"url": f"data:image/png;base64,{data}"}, "auto", True, 0, "quick"])
    assert event == "complete", made
    event, said = raw.call("encode", [{"url": "data:image/png;base64,@@@"}, "auto", True, 0, "quick"])
    assert event == "error" and "base64" in said["error"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.png", "http://169.254.169.254/latest", "http://[::1]/", "http://"]
)
def test_addresses_within_the_network_are_not_asked(raw: Raw, url: str) -> None:
    for file in ({"path": url}, {"path": url, "meta": META}, {"url": url}):
        event, said = raw.call("encode", [file, "auto", True, 0, "quick"])
        assert event == "error" and "web address cannot be read" in said["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "etc/passwd",
        "//etc/passwd",
        "http://example.org/x",
        "HTTPS://example.org/x",
        "%2e%2e/x",
    ],
)
def test_files_are_served_from_the_upload_folder_alone(raw: Raw, secret: Path, path: str) -> None:
    assert raw.send(f"/gradio_api/file={path}").status in (403, 404)
    assert raw.send(f"/gradio_api/file={secret}").status == 403


@pytest.mark.parametrize(
    "route",
    [
        "monitoring", "monitoring/summary", "gradio_api/deep_link?session_hash=x", "gradio_api/vibe-code",
        "gradio_api/proxy=http://x.hf.space/", "gradio_api/runs", "gradio_api/dev/reload",
    ],
)  # fmt: skip
def test_routes_that_the_page_does_not_use_are_closed(raw: Raw, route: str) -> None:
    answer = raw.send(f"/{route}")
    assert answer.status == 404 and b"nothing here" in answer.body


def test_paths_are_compared_before_the_disk_is_asked(
    secret: Path, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    mine = uploads / "a" / "b.png"
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"x")
    assert is_uploaded(str(mine))
    asked: list[object] = []
    monkeypatch.setattr(Path, "is_file", asked.append)
    for kind, path in foreign_paths(secret, uploads).items():
        if "upload folder" not in kind:
            assert not is_uploaded(path), kind
    assert not asked


def test_the_picture_component_checks_by_itself(secret: Path) -> None:
    """Without Studio around it: whoever puts the component elsewhere is not open again."""
    from gradio.data_classes import ImageData

    with gr.Blocks():
        picture = picture_input("Photo", "hint")
    with pytest.raises(gr.Error, match=NOT_UPLOADED):
        picture.preprocess(ImageData(path=str(secret)))


@pytest.mark.parametrize(
    "data",
    [{"a": [{"path": "/etc/passwd"}]}, [[{"path": 7}]], {"path": {"path": "x"}}, {"path": ["/etc/passwd"]}],
)
def test_paths_are_found_however_deep(data: object) -> None:
    with pytest.raises(InputError, match=NOT_UPLOADED):
        check_files(data)


def test_deep_many_and_broken_values_are_refused() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for data in (deep, list(range(60_000)), "x" * 20_000, {"a": "\ud800"}):
        with pytest.raises(InputError):
            check_files(data)

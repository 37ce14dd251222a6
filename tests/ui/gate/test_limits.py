"""What one visitor may take of the server's memory: drawings, sessions, uploads."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.components.image_editor import EditorData
from gradio.data_classes import DataWithFiles, FileData
from PIL import Image

from psp.config import Settings
from psp.errors import InputError
from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app, launch_settings
from psp.ui.drawing import pad_input
from psp.ui.gate.line import take_turns
from psp.ui.gate.pad import MAX_LAYERS, Drawings, limited
from psp.ui.gate.studio import Studio
from tests.ui.raw_http import Raw


def png(width: int, height: int, colour: tuple[int, int, int, int] = (0, 0, 0, 255)) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline) -> Iterator[Studio]:
    page = build_app(pipeline)
    assert isinstance(page, Studio)
    page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings())
    yield page
    page.close()


@pytest.fixture(scope="module")
def raw(page: Studio) -> Raw:
    return Raw(str(page.local_url))


@pytest.fixture
def pad() -> gr.ImageEditor:
    with gr.Blocks():
        return pad_input("hint", gr.Brush())


def blob(index: object, kind: str = "layer", name: object = "one", data: bytes = b"x") -> DataWithFiles:
    return DataWithFiles(data={"type": kind, "index": index, "id": name}, files=[("blob", data)])


@pytest.mark.parametrize(
    "index", ["100000000", 10**8, "8", "-1", "null", None, "", "1e3", "0x1", "١" * 3, [1]]
)
def test_a_layer_that_there_cannot_be_is_refused(pad: gr.ImageEditor, index: object) -> None:
    with pytest.raises(InputError, match="no drawing"):
        pad.accept_blobs(blob(index))  # type: ignore[arg-type]  # as the route hands it over


@pytest.mark.parametrize(
    "bad", [blob(0, "other"), blob(0, name=5), blob(0, name="x" * 99), DataWithFiles(data=5, files=[])]
)
def test_other_fields_of_a_layer_are_checked(pad: gr.ImageEditor, bad: DataWithFiles) -> None:
    with pytest.raises(InputError, match="no drawing"):
        pad.accept_blobs(bad)  # type: ignore[arg-type]  # as above


def test_a_drawing_that_came_ahead_is_used_once(pad: gr.ImageEditor) -> None:
    for index in range(MAX_LAYERS):
        pad.accept_blobs(blob(str(index), data=png(64, 64, (index, 0, 0, 255))))  # type: ignore[arg-type]
    pad.accept_blobs(blob("null", "background", data=png(64, 64)))  # type: ignore[arg-type]
    drawing: Any = pad.preprocess(EditorData(id="one"))
    assert drawing["background"].size == (64, 64)
    assert [layer.getpixel((0, 0))[0] for layer in drawing["layers"]] == list(range(MAX_LAYERS))
    assert pad.preprocess(EditorData(id="one")) == {"background": None, "layers": [], "composite": None}


def test_what_nobody_asks_for_does_not_stay() -> None:
    drawings = Drawings()
    for number in range(200):
        drawings.put(str(number), "layer", 0, b"x" * (4 << 20))
    assert drawings.size <= 64 << 20
    assert drawings.take("199").layers and not drawings.take("0").layers
    for number in range(5000):
        drawings.put(f"small-{number}", "layer", 0, b"x")
    assert len(drawings._kept) <= 1024


def test_layers_have_the_size_of_a_pad(pad: gr.ImageEditor, tmp_path: Any) -> None:
    path = tmp_path / "layer.png"
    path.write_bytes(png(4000, 4000))
    with pytest.raises(gr.Error, match="too large"):
        pad.preprocess(EditorData(layers=[FileData(path=str(path))]))
    pad.accept_blobs(blob("0", data=path.read_bytes()))  # type: ignore[arg-type]
    with pytest.raises(gr.Error, match="too large"):
        pad.preprocess(EditorData(id="one"))
    postscript = tmp_path / "eps.png"
    postscript.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n")
    with pytest.raises(gr.Error, match="not a picture"):
        pad.preprocess(EditorData(background=FileData(path=str(postscript))))


@pytest.mark.slow
def test_too_many_layers_and_layers_of_64_megapixels_are_refused(raw: Raw, page: Studio) -> None:
    take = next(number for number, function in page.fns.items() if function.api_name == "take")
    layer = raw.upload("layer.png", png(8000, 8000, (0, 0, 0, 1)))
    small = raw.upload("small.png", png(64, 64))
    rest = [None] * (len(page.fns[take].inputs) - 2)
    drawings = [{"layers": [layer] * 2}, {"layers": [small] * 9}, {"background": layer}]
    for output in raw.run_all([{"fn_index": take, "data": ["draw", each, *rest]} for each in drawings]):
        assert output is not None and not output["success"]
        assert "too large" in output["error"] or "no drawing" in output["error"]
    # An honest drawing goes through.
    (output,) = raw.run_all([{"fn_index": take, "data": ["draw", {"layers": [small] * 2}, *rest]}])
    assert output is not None and output["success"], output


def test_a_stroke_over_http_cannot_make_room_for_a_hundred_million(raw: Raw, page: Studio) -> None:
    number = next(number for number, block in page.blocks.items() if isinstance(block, gr.ImageEditor))
    fields = {
        "component_id": str(number),
        "session_hash": "x",
        "fn_name": "accept_blobs",
        "type": "layer",
        "id": "a",
    }
    assert raw.form("/gradio_api/component_server", {**fields, "index": "0"}, "blob", png(8, 8)).status == 200
    refused = raw.form("/gradio_api/component_server", {**fields, "index": "100000000"}, "blob", b"x")
    assert refused.status == 400 and b"cannot be understood" in refused.body
    large = raw.form("/gradio_api/component_server", {**fields, "index": "0"}, "blob", b"x" * (5 << 20))
    assert large.status == 413
    for name in ("preprocess", "postprocess", "__init__", "__class__"):
        assert raw.form("/gradio_api/component_server", {**fields, "fn_name": name}, "blob", b"x").status in (
            400,
            404,
        )


def test_requests_without_a_session_leave_none_behind(raw: Raw, page: Studio) -> None:
    before = len(page.state_holder.session_data)
    for _ in range(12):
        event, _ = raw.call("align", [None, 0])
        assert event == "error"
    deadline = time.monotonic() + 5
    while len(page.state_holder.session_data) > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(page.state_holder.session_data) <= before


def test_sessions_have_a_limit(page: Studio) -> None:
    assert page.state_holder.capacity == page.state_session_capacity <= 256


def test_uploads_have_a_limit_and_nothing_tells_of_the_machine(
    pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch_settings(Settings(max_upload_mb=3))["max_file_size"] == 3 << 20
    monkeypatch.setenv("PSP_MAX_UPLOAD_MB", "5")
    settings = launch_settings()
    assert settings["max_file_size"] == 5 << 20
    assert settings["enable_monitoring"] is False and settings["run_history"] is False
    assert build_app(pipeline).api_open is False


def test_an_upload_over_the_limit_is_refused(raw: Raw) -> None:
    answer = raw.form("/gradio_api/upload", {}, "big.png", b"\0" * (66 << 20))
    assert answer.status == 413 and json.loads(answer.body)["detail"]


def test_an_update_keeps_what_is_replaced_on_a_component(pipeline: PspPipeline) -> None:
    """Gradio builds a component anew when a function updates one of its properties."""
    with Studio(pipeline.settings) as page:
        pad = limited(gr.ImageEditor())
        button = gr.Button()
        button.click(lambda: gr.update(visible=True), None, pad, api_name="change")
    take_turns(page, pipeline.settings)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings()
    )
    try:
        raw = Raw(url)
        body = {"data": [], "fn_index": next(iter(page.fns)), "session_hash": "me"}
        assert raw.post("/gradio_api/queue/join", body).status == 200
        raw.send("/gradio_api/queue/data?session_hash=me")
        anew = page.state_holder["me"][pad._id]
        assert anew is not pad
        assert anew.accept_blobs is pad.accept_blobs and anew.preprocess is pad.preprocess
    finally:
        page.close()

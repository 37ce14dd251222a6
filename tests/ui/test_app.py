"""The served studio through ``gradio_client``: the contract of the API, good requests and bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from psp.config import Settings
from psp.pipeline import PspPipeline
from psp.ui.app import build_app


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def client(pipeline: PspPipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    page = build_app(pipeline)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    page.close()


@pytest.fixture(scope="module")
def photo(astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    astronaut.save(path)
    return path


def test_the_endpoints_and_their_parameters_are_the_contract(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    parameters = {
        name: [
            (p["parameter_name"], p["parameter_default"] if p["parameter_has_default"] else "required")
            for p in endpoint["parameters"]
        ]
        for name, endpoint in api["named_endpoints"].items()
    }
    assert parameters == {
        "/encode": [("photo", "required"), ("model", "auto"), ("align", True), ("face", 0)],
    }
    assert not api["unnamed_endpoints"]
    returns = [item["label"] for item in api["named_endpoints"]["/encode"]["returns"]]
    assert returns == ["Result", "Latents (W+ codes)", "Details"]


def test_the_client_gets_the_bytes_of_the_pipeline(
    client: Client, pipeline: PspPipeline, photo: Path
) -> None:
    image, latents, details = client.predict(photo=handle_file(str(photo)), api_name="/encode")
    result = pipeline.encode(photo)
    assert Path(image).read_bytes() == result.png()
    assert Path(latents).read_bytes() == result.latents_file()
    assert details["recipe"] == result.details["recipe"]
    assert details["alignment"] == result.details["alignment"]
    assert set(details) == set(result.details)


def test_a_turned_photo_is_upright_for_the_model(
    client: Client, astronaut: Image.Image, photo: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = astronaut.transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.png", exif=exif)
    straight, *_ = client.predict(photo=handle_file(str(photo)), api_name="/encode")
    again, *_ = client.predict(photo=handle_file(str(tmp_path / "turned.png")), api_name="/encode")
    assert Path(again).read_bytes() == Path(straight).read_bytes()


def bad_file(name: str, folder: Path) -> Path:
    path = folder / name
    if name == "text.jpg":
        path.write_text("no picture")
    elif name == "empty.jpg":
        path.write_bytes(b"")
    elif name == "tiny.png":
        Image.new("RGB", (16, 16)).save(path)
    elif name == "no_face.png":
        Image.new("RGB", (160, 160), (99, 99, 99)).save(path)
    elif name == "huge.png":
        Image.new("1", (20_000, 20_000)).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.jpg", "not a picture"),
        ("empty.jpg", "empty"),
        ("tiny.png", "too small"),
        ("no_face.png", "No face was found.*align"),
        ("huge.png", "too large"),
    ],
)
def test_a_bad_file_is_told_and_the_next_request_served(
    client: Client, photo: Path, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(photo=handle_file(str(bad_file(name, tmp_path))), api_name="/encode")
    assert client.predict(photo=handle_file(str(photo)), api_name="/encode")[2]["size"] == 128


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"face": 5}, "no face number 5"),
        ({"model": "nothing"}, "no model called 'nothing'"),
        ({"model": "/etc/passwd"}, "no model called"),
    ],
)
def test_a_bad_setting_is_told(client: Client, photo: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(photo=handle_file(str(photo)), api_name="/encode", **settings)


def test_no_photo_is_told(client: Client) -> None:
    with pytest.raises(AppError, match="no photo"):
        client.predict(photo=None, api_name="/encode")


def test_an_unforeseen_error_tells_nothing_of_the_server(
    pipeline: PspPipeline, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret path /srv/secret")

    monkeypatch.setattr(pipeline, "encode", broken)
    page = build_app(pipeline)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        with pytest.raises(AppError, match="went wrong") as caught:
            Client(url, verbose=False).predict(photo=handle_file(str(photo)), api_name="/encode")
        assert "secret" not in str(caught.value)
    finally:
        page.close()


def test_the_page_is_built_without_loading_a_model(pipeline: PspPipeline) -> None:
    fresh = PspPipeline(pipeline.settings)
    assert isinstance(build_app(fresh), gr.Blocks)
    assert not fresh._models

"""The user's own models on the page and in requests: offered, named, told where they are, never by path."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from psp.codes.recipe import Recipe
from psp.inference.pipeline import PspPipeline
from psp.ui.about import _models
from psp.ui.app import build_app
from psp.ui.recipes import _told, _value
from tests.ui.served import served

TOML = """
[mine]
path = "best"
title = "My *portraits*"
licence = "CC0"
[gone]
path = "nowhere"
[toons]
hub = "me/psp-toons"
tasks = ["toonify"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_assets: Path) -> Path:
    """A file of own models, and the folder of one: the bundled encoder under another name."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "best").mkdir()
    for name in ("encode", "generator"):
        shutil.copy(small_assets / "mobile-1024" / f"{name}.safetensors", folder / "best")
    (folder / "models.toml").write_text(TOML)
    return folder


@pytest.fixture(scope="module")
def own(pipeline: PspPipeline, folder: Path) -> PspPipeline:
    return PspPipeline(dataclasses.replace(pipeline.settings, models_file=folder / "models.toml"))


@pytest.fixture(scope="module")
def page(own: PspPipeline) -> gr.Blocks:
    return build_app(own)


@pytest.fixture(scope="module")
def client(page: gr.Blocks) -> Iterator[Client]:
    with served(page) as url:
        yield Client(url, verbose=False)


def test_a_tab_offers_the_models_that_do_its_task(page: gr.Blocks) -> None:
    offered = [
        {value: label for label, value in block.choices}  # type: ignore[misc]
        for block in page.blocks.values()
        if isinstance(block, gr.Dropdown) and block.label == "Model"
    ]
    assert len(offered) == 10
    assert offered[0] == {
        "auto": "auto",
        "mobile-1024": "mobile-1024",
        "ffhq-1024": "ffhq-1024",
        "mine": "mine: My *portraits*",
        "gone": "gone (not here)",
    }
    assert [place for place, choices in enumerate(offered) if "toons" in choices] == [6, 8]  # Toonify, Video
    assert [place for place, choices in enumerate(offered) if "mine" in choices] == [
        *(0, 1, 7, 9),
    ]  # Encode, Edit, Mix, Batch


def test_a_request_gets_the_own_model_by_its_name(
    client: Client, own: PspPipeline, inputs: dict[str, Path]
) -> None:
    photo = handle_file(str(inputs["photo"]))
    picture, latents, details = client.predict(photo=photo, model="mine", api_name="/encode")
    result = own.encode(inputs["photo"], model="mine")
    assert Path(picture).read_bytes() == result.png()
    assert details["model"] == details["recipe"]["model"] == "mine"
    bundled = own.encode(inputs["photo"])
    assert result.details["recipe"]["model_sha256"] == bundled.details["recipe"]["model_sha256"]
    assert bundled.details["model"] == "mobile-1024"
    for model in ("mine", "auto"):  # "auto": the model that the file names
        again, *_ = client.predict(latents=handle_file(latents), model=model, api_name="/decode")
        assert Path(again).read_bytes() == result.png()


def test_what_cannot_be_had_is_told_and_names_no_folder(
    client: Client, folder: Path, inputs: dict[str, Path]
) -> None:
    photo = handle_file(str(inputs["photo"]))
    told: list[tuple[dict[str, Any], str]] = [
        ({"model": "gone", "api_name": "/encode"}, "'gone' is not here. Nothing is at nowhere"),
        ({"model": "mine", "api_name": "/toonify"}, "does not do 'toonify'"),
        ({"model": str(folder / "best"), "api_name": "/encode"}, "no model called"),
    ]
    for request, words in told:
        with pytest.raises(AppError, match=words) as caught:
            client.predict(photo=photo, **request)
        assert str(folder) not in str(caught.value).replace(str(request["model"]), "")


def test_about_tells_of_them(own: PspPipeline, folder: Path) -> None:
    text = _models(own.settings)
    assert "- `mine`, My &#42;portraits&#42;, a model of this studio's owner. CC0" in text
    assert "    - Encode: ready (local folder)" in text
    assert "- `toons`, from me/psp&#45;toons on the Hub. " in text
    assert "Not here: Nothing is at nowhere" in text
    assert str(folder) not in text


def test_a_recipe_with_one_is_restored(own: PspPipeline, pipeline: PspPipeline) -> None:
    sha256 = own.network.file_hash("mine", "encode")
    recipe = Recipe("encode", "mine", str(sha256))
    assert _value(own, recipe, "model") == "mine"
    assert "⚠️" not in _told(own, recipe, "")
    assert "another version" in _told(own, Recipe("encode", "mine", "0" * 64), "")
    assert _value(pipeline, recipe, "model") == "auto"  # a studio that does not have it
    assert "not one of this studio" in _told(pipeline, recipe, "")


def test_layers_of_a_model_that_is_not_here_are_not_taken_over(own: PspPipeline) -> None:
    settings = {"layers": "8-11", "alpha": 0.5}
    gone, here, unnamed = (
        Recipe("style_mix", name, "", settings) for name in ("portraits-128", "mine", "auto")
    )
    assert [_value(own, recipe, "layers") for recipe in (gone, here, unnamed)] == ["auto", "8-11", "8-11"]
    assert _value(own, gone, "alpha") == 0.5
    assert "'auto' is set, for its layers too" in _told(own, gone, "")
    assert "not one of this studio" not in _told(own, unnamed, "")

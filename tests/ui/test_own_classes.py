"""A model with classes of its own on the page: it says which, takes uploads, refuses what the pad paints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from psp.checkpoints import save_psp
from psp.inference.pipeline import PspPipeline
from psp.maps.classes import named_classes
from psp.maps.palette import map_to_picture
from psp.models.psp import PSPConfig
from psp.ui.app import build_app
from tests.compact import compact_config, compact_model
from tests.ui.served import served

CLASSES = named_classes(["ground", "sky #87ceeb", "<b>tree</b> #228b22", "sea #0000ff"])


def four_channels() -> PSPConfig:
    config = compact_config()
    return dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, in_channels=4))


@pytest.fixture(scope="module")
def own(pipeline: PspPipeline, tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    folder = tmp_path_factory.mktemp("classes")
    info = {"task": "segmentation_to_face", "classes": CLASSES.to_json()}
    save_psp(compact_model(four_channels()), folder / "segmentation_to_face.safetensors", info=info)
    (folder / "models.toml").write_text('[fields]\npath = "segmentation_to_face.safetensors"\n')
    return PspPipeline(dataclasses.replace(pipeline.settings, models_file=folder / "models.toml"))


@pytest.fixture(scope="module")
def page(own: PspPipeline) -> gr.Blocks:
    return build_app(own)


@pytest.fixture(scope="module")
def client(page: gr.Blocks) -> Iterator[Client]:
    with served(page) as url:
        yield Client(url, verbose=False)


def test_an_uploaded_map_gives_a_face_and_what_the_model_saw(
    client: Client, own: PspPipeline, tmp_path: Path
) -> None:
    labels = (np.indices((64, 64)).sum(axis=0) // 32 % 4).astype(np.uint8)
    made = []
    for name, picture in (("n", Image.fromarray(labels)), ("c", map_to_picture(labels, CLASSES))):
        picture.save(tmp_path / f"{name}.png")
        gallery, _, details = client.predict(
            mask=handle_file(str(tmp_path / f"{name}.png")), model="fields", api_name="/segmentation_to_face"
        )
        assert details["model"] == "fields" and not details["warnings"]
        made.append(Path(gallery[0]["image"]).read_bytes())
    assert made[0] == made[1]
    with pytest.raises(AppError, match="'fields' does not do 'encode'"):
        client.predict(photo=handle_file(str(tmp_path / "n.png")), model="fields", api_name="/encode")


def test_the_page_says_the_classes_and_refuses_the_pad(page: gr.Blocks) -> None:
    def function(name: str, output: type) -> gr.blocks.BlockFunction:
        return next(
            fn
            for fn in page.fns.values()
            if getattr(fn.fn, "__name__", "") == name and isinstance(fn.outputs[0], output)
            and "segmentation" in fn.fn.__module__ + str(getattr(fn.fn, "__qualname__", ""))
        )  # fmt: skip

    about = function("about", gr.Markdown).fn
    said = about("fields")
    assert said["visible"] and "4 classes" in said["value"] and "1 sky" in said["value"]
    assert "<b>" not in said["value"]
    assert not about("auto")["visible"] and not about("nothing")["visible"]


def test_the_pad_is_refused_for_such_a_model(page: gr.Blocks) -> None:
    takes = [fn.fn for fn in page.fns.values() if getattr(fn.fn, "__name__", "") == "take"]
    refused = []
    for take in takes:
        try:
            take("draw", {"background": Image.new("RGB", (8, 8)), "layers": [], "composite": None}, "fields")
        except gr.Error as error:
            refused.append(str(error))
    assert len(takes) == 2 and len(refused) == 1
    assert "4 of its own: 0 ground #000000" in refused[0] and "Open Upload" in refused[0]

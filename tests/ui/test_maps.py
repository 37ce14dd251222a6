"""The page and its API read maps of numbers as Python does, also those that come inside a request."""

from __future__ import annotations

import base64
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio.data_classes import ImageData
from gradio_client import Client, handle_file
from PIL import Image

from psp.inference.pipeline import PspPipeline
from psp.maps.palette import picture_to_map
from psp.pictures.images import load_picture
from psp.ui.controls import picture_input
from tests.pictures.test_index_maps import PALETTES, bands, drawn, stored, with_palette

WRAPPED = {
    "voc": with_palette(drawn(), PALETTES["voc"]),
    "rgba": bands(drawn(), drawn(), drawn(), 255),
    "wide": Image.fromarray(drawn().astype(np.uint16)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_an_upload_gives_what_the_plain_map_gives(
    url: str, pipeline: PspPipeline, tmp_path: Path, name: str
) -> None:
    (tmp_path / "map.png").write_bytes(stored(WRAPPED[name]))
    client = Client(url, verbose=False, download_files=str(tmp_path))
    gallery, _, details = client.predict(
        mask=handle_file(str(tmp_path / "map.png")), alpha=0.0, api_name="/segmentation_to_face"
    )
    plain = pipeline.segmentation_to_face(Image.fromarray(drawn()), alpha=0.0)
    assert Path(gallery[0]["image"]).read_bytes() == plain.png()
    assert details["warnings"] == []


@pytest.mark.parametrize("name", WRAPPED)
def test_a_picture_inside_a_request_keeps_its_mode(name: str) -> None:
    """Gradio decodes it and saves it anew."""
    data = "data:image/png;base64," + base64.b64encode(stored(WRAPPED[name])).decode()
    with gr.Blocks():
        given = picture_input("Map", "")
    path = given.preprocess(ImageData(url=data))
    assert np.array_equal(picture_to_map(load_picture(str(path), flat=False))[0], drawn())

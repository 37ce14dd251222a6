"""Wherever a map is given, its numbers count, and not the palette or the alpha that a program added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.cli.main import main
from psp.codes.latents import codes_from_bytes
from psp.config import Settings
from psp.errors import TrainingError
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.pipeline import PspPipeline
from psp.maps.palette import map_to_tensor
from psp.training.data.prepare import Preparation
from tests.pictures.test_index_maps import PALETTES, bands, drawn, stored, with_palette

WRAPPED = {
    "voc": with_palette(drawn(), PALETTES["voc"]),
    "rgba": bands(drawn(), drawn(), drawn(), 255),
    "wide": Image.fromarray(drawn().astype(np.uint16)),
}


@pytest.fixture(scope="module")
def wanted(pipeline: PspPipeline) -> bytes:
    """The picture that the plain map gives."""
    return pipeline.segmentation_to_face(Image.fromarray(drawn()), alpha=0.0).png()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "maps"
    folder.mkdir()
    for name, picture in WRAPPED.items():
        (folder / f"{name}.png").write_bytes(stored(picture))
    return folder


def test_in_python(pipeline: PspPipeline, wanted: bytes, files: Path) -> None:
    for given in (
        files / "voc.png",
        str(files / "rgba.png"),
        (files / "wide.png").read_bytes(),
        WRAPPED["voc"],
        drawn(),
        drawn().astype(np.uint16),
        drawn().astype(np.float64),
    ):
        assert pipeline.segmentation_to_face(given, alpha=0.0).png() == wanted


def test_on_the_command_line(wanted: bytes, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["segmentation_to_face", str(files / "voc.png"), "--alpha", "0", "-o", str(out)]) == 0
    assert (out / "voc-segmentation_to_face.png").read_bytes() == wanted


def test_in_a_folder(pipeline: PspPipeline, files: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")
    folders = Folders(files, tmp_path / "out", 1, False, settings, lambda _: None)
    infer_folder(folders, Inference("segmentation_to_face", latents=True))
    single = pipeline.segmentation_to_face(Image.fromarray(drawn()), alpha=0.0).latents
    for name in WRAPPED:
        made = codes_from_bytes((tmp_path / "out" / "latents" / f"{name}.safetensors").read_bytes()).codes
        assert np.abs(made - single).max() < 1e-3 * np.abs(single).max(), name


def test_in_training_pairs() -> None:
    prepare = Preparation("segmentation_to_face", 96, 19)
    for name, picture in WRAPPED.items():
        planes = prepare.given(name, picture, mirrored=False)
        assert np.array_equal(planes, map_to_tensor(drawn(), 96)[0].numpy()), name


def test_a_photo_in_place_of_a_map_is_refused_in_training(astronaut: Image.Image) -> None:
    prepare = Preparation("segmentation_to_face", 96, 19)
    with pytest.raises(TrainingError, match="This looks like a photo"):
        prepare.given("a.png", astronaut, mirrored=False)

"""Fixtures that several test modules share."""

from __future__ import annotations

import pytest
from PIL import Image

from psp.config import Settings
from psp.inference.pipeline import PspPipeline


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A real photograph, 512×512, one frontal face: Eileen Collins by NASA, public domain."""
    from skimage import data

    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="session")
def two_people(astronaut: Image.Image) -> Image.Image:
    """A photo with two faces, 800×512, the larger one on the left."""
    scene = Image.new("RGB", (800, 512), (200, 200, 200))
    scene.paste(astronaut, (0, 0))
    scene.paste(astronaut.resize((330, 330)), (470, 100))
    return scene


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    """A pipeline on the CPU with the bundled models, offline."""
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))

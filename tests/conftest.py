"""Fixtures that several test modules share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from psp.config import Settings
from psp.files.bundled import assets_dir
from psp.inference.memory import keep_memory
from psp.inference.pipeline import PspPipeline
from tests.photographs import beside_a_smaller_one, portrait
from tests.small_family import small_family

_WHERE = ("psp.registry.lookup.assets_dir", "psp.checkpoints.find.assets_dir")


@pytest.fixture(scope="session")
def small_assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small family, shared by the processes of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "popen-gw" in base.name else base) / "small-family"
    shared.mkdir(exist_ok=True)
    return small_family(shared)


@pytest.fixture(scope="session", autouse=True)
def _small_family(small_assets: Path) -> Iterator[None]:
    """Under the name of the bundled family, tests find the small one; processes share the cores."""
    keep_memory()
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:  # threads of two processes on two cores wait for each other
            torch.set_num_threads(1)
            patch.setenv("OMP_NUM_THREADS", "1")
        for name in _WHERE:
            patch.setattr(name, lambda: small_assets)
        yield


@pytest.fixture(scope="module", autouse=True)
def _what_stays_is_not_looked_through() -> None:
    """Look for garbage among what a file's own tests make, not each time among all that was loaded before."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def true_family() -> Iterator[None]:
    """The bundled family itself, for tests of its pictures."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _WHERE:
            patch.setattr(name, assets_dir)
        yield


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A real photograph, 512×512, one frontal face: Eileen Collins by NASA, public domain."""
    return portrait()


@pytest.fixture(scope="session")
def two_people(astronaut: Image.Image) -> Image.Image:
    """A photo with two faces, 800×512, the larger one on the left."""
    return beside_a_smaller_one(astronaut)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    """A pipeline on the CPU with the bundled models, offline."""
    return PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))

"""For tests of what the true models make: the bundled family, and a photo that codes alone cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.config import Settings
from psp.inference.pipeline import PspPipeline, Result

HAT = Path("examples/photos/hopper.jpg")


@pytest.fixture(scope="module")
def studio(true_family: None) -> PspPipeline:
    """A pipeline of the bundled family."""
    return PspPipeline(Settings(device="cpu", offline=True))


@pytest.fixture(scope="module")
def exact(studio: PspPipeline) -> Result:
    """The exact likeness of somebody with a hat before a flag."""
    return studio.encode(HAT, likeness="exact")

"""Fixtures that several test modules share."""

from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A real photograph, 512×512, one frontal face: Eileen Collins by NASA, public domain."""
    from skimage import data

    return Image.fromarray(data.astronaut())

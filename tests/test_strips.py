"""Pictures a few pixels wide, at any stage of the search, never reach dlib's CNN, which they would crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import FaceNotFoundError, PictureError
from psp.faces import detection
from psp.faces.alignment import align, align_all, take_square
from psp.faces.detection import detect_faces
from psp.inference.pipeline import PspPipeline

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("size", [(32, 100_000), (100_000, 32), (40, 900), (900, 40)])
def test_strips_are_refused_by_everything_that_looks_for_faces(
    size: tuple[int, int], pipeline: PspPipeline
) -> None:
    strip = Image.new("RGB", size)
    for look in (
        detect_faces,
        align,
        align_all,
        take_square,
        pipeline.align,
        pipeline.places,
        pipeline.encode,
    ):
        with pytest.raises(PictureError, match="too thin"):
            look(strip)


@pytest.mark.parametrize("size", [(32, 640), (640, 32), (33, 33), (100, 2000), (2000, 100)])
def test_the_cnn_sees_no_view_narrower_than_its_window(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def detector() -> object:
        return lambda pixels, _: seen.append(pixels.shape) or ()

    monkeypatch.setattr(detection, "_cnn_detector", detector)
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    with pytest.raises(FaceNotFoundError):
        align(Image.fromarray(noise))
    assert all(min(shape[:2]) >= 40 for shape in seen)


@pytest.mark.parametrize("size", [(9, 2000), (2000, 9), (2, 500), (39, 39), (1, 1)])
def test_a_thin_view_is_not_handed_on_whoever_asks(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_cnn_detector", lambda: pytest.fail("the CNN was asked"))
    monkeypatch.setattr(detection, "_CNN_PIXELS", size[0] * size[1] / 4)  # the view is half as large
    assert detection._cnn(Image.new("RGB", size)) == []


def test_the_thinnest_pictures_that_are_taken_do_not_kill_the_process() -> None:
    code = """
import numpy as np
from PIL import Image
from psp.faces.detection import detect_faces
for width, height in ((32, 640), (640, 32)):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    detect_faces(Image.fromarray(pixels), min_faces=9)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

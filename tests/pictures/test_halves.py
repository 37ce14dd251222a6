"""Two threads make of a picture what one does, to the last level."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.pictures import halves
from psp.pictures.halves import resize


@pytest.mark.parametrize("gap", [None, 2.0])
@pytest.mark.parametrize("resample", [Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((800, 600), (200, 150)),
        ((806, 604), (200, 150)),  # as 4032 x 3024 to 1000 x 750
        ((604, 806), (150, 200)),
        ((357, 358), (240, 240)),
        ((512, 512), (256, 256)),
        ((512, 512), (64, 64)),
        ((64, 400), (64, 398)),
        ((301, 303), (90, 91)),  # whole: no row ends in the middle
        ((200, 200), (400, 400)),
    ],
)
def test_halves_are_those_of_the_whole(
    before: tuple[int, int],
    after: tuple[int, int],
    resample: Image.Resampling,
    gap: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(halves, "_LARGE", 1)
    rng = np.random.default_rng(5)
    picture = Image.fromarray(rng.integers(0, 256, (before[1], before[0], 3), dtype=np.uint8))
    wanted = picture.resize(after, resample, reducing_gap=gap)
    assert resize(picture, after, resample, gap).tobytes() == wanted.tobytes()


def test_a_photo_of_twelve_megapixels_is_shrunk_to_the_same(astronaut: Image.Image) -> None:
    photo = astronaut.resize((4032, 3024), Image.Resampling.BICUBIC)
    wanted = photo.resize((1000, 750), Image.Resampling.BILINEAR, reducing_gap=2.0)
    assert resize(photo, (1000, 750), Image.Resampling.BILINEAR, 2.0).tobytes() == wanted.tobytes()

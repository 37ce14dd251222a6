"""What is on a pad, as one picture; and which pictures beside it are photos."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from psp.inference.pipeline import PspPipeline
from psp.maps.palette import is_photo as no_map
from psp.pictures.sketches import is_photo as no_sketch
from psp.ui.pads.sheet import SIDE, as_png, flatten, is_drawn, is_marked

CLEAR = Image.new("RGBA", (SIDE, SIDE))


def test_nothing_but_paper_is_not_drawn() -> None:
    assert not is_drawn(None)
    assert not is_drawn({"background": None, "layers": [], "composite": None})
    assert not is_drawn({"background": None, "layers": [CLEAR], "composite": None})
    assert is_drawn({"background": CLEAR, "layers": [], "composite": None})


def test_white_paper_is_not_marked_and_a_coloured_dot_is() -> None:
    sheet = Image.new("RGB", (256, 256), "white")
    assert not is_marked(sheet)
    sheet.putpixel((3, 4), (255, 255, 0))
    assert is_marked(sheet)


def test_strokes_lie_over_the_picture_and_both_on_the_paper() -> None:
    stroke = CLEAR.copy()
    stroke.paste((255, 0, 0, 255), (0, 0, 10, 10))
    below = Image.new("RGBA", (256, 256), (0, 0, 255, 255))
    assert flatten(None, "white").size == (SIDE, SIDE)
    drawn = flatten({"background": None, "layers": [stroke]}, "white")
    assert (drawn.getpixel((5, 5)), drawn.getpixel((50, 50))) == ((255, 0, 0), (255, 255, 255))
    both = flatten({"background": below, "layers": [stroke]}, "black")
    assert both.size == (256, 256) and both.getpixel((100, 100)) == (0, 0, 255)
    with Image.open(io.BytesIO(as_png(both))) as opened:
        assert opened.info == {} and opened.convert("RGB").tobytes() == both.tobytes()


@pytest.mark.parametrize("shape", [(512, 512), (512, 380), (300, 512)])
def test_a_photo_is_told_from_a_map_and_a_sketch(
    pipeline: PspPipeline, astronaut: Image.Image, shape: tuple[int, int]
) -> None:
    photo = astronaut.crop((0, 0, *shape))
    assert no_map(photo) and no_sketch(photo)


def test_maps_and_sketches_are_no_photos(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    assert not no_map(pipeline.photo_to_mask(astronaut).image)
    assert not no_sketch(pipeline.photo_to_sketch(astronaut).image)
    assert not no_map(Image.new("RGB", (8, 8)))

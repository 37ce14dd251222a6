"""The picture to share: before, after, a caption, and the recipe that the page reads from it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from psp.codes.recipe import Recipe, recipe_of_png
from psp.inference.sharing import picture_to_share

RED, BLUE = (200, 20, 20), (20, 20, 200)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def one_colour(colour: tuple[int, int, int], side: int) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def test_two_pictures_stand_side_by_side_above_the_caption() -> None:
    made = opened(picture_to_share(one_colour(RED, 256), one_colour(BLUE, 1024), Recipe("toonify", "m", "")))
    assert made.size == (1024, 584) and made.format == "PNG"
    pixels = np.asarray(made)
    assert (pixels[:512, :510] == RED).all() and (pixels[:512, 514:] == BLUE).all()
    band = pixels[512:]
    assert band[0].min() > 200  # paper
    for words in (band[:, 74:300], band[:, 600:1004]):  # the title, and who made it
        assert words.min() < 140
    red, green, _ = band[36, 25].tolist()
    assert green > 2 * red  # the mark


def test_a_result_of_nothing_stands_alone() -> None:
    made = opened(picture_to_share(None, one_colour(BLUE, 1024), Recipe("decode", "m", "")))
    assert made.size == (1024, 1096)
    assert (np.asarray(made)[:1024] == BLUE).all()


@pytest.mark.parametrize("synthetic", [True, False])
def test_it_says_how_it_was_made(synthetic: bool) -> None:
    recipe = Recipe("sketch_to_face", "mobile-1024", "ab", {"seed": 7, "variants": 3}).of_variant(2)
    pictures = one_colour(RED, 512), one_colour(BLUE, 512)
    made = opened(picture_to_share(*pictures, recipe, synthetic=synthetic))
    assert recipe_of_png(made) == recipe
    assert ("Synthetic" in made.info.get("Description", "")) is synthetic
    assert ("trainedAlgorithmicMedia" in made.info.get("XML:com.adobe.xmp", "")) is synthetic

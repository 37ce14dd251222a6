"""Pictures say that they are synthetic and how they were made."""

from __future__ import annotations

import io

from PIL import Image

from psp.recipe import Recipe, picture_to_png, recipe_of_png

RECIPE = Recipe("encode", "portraits-128", "ab" * 32, {"align": True, "face": 0})
PICTURE = Image.new("RGB", (8, 8), (10, 200, 30))


def test_a_png_is_lossless_says_synthetic_and_carries_its_recipe() -> None:
    data = picture_to_png(PICTURE, RECIPE)
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert opened.tobytes() == PICTURE.tobytes()
        assert "Synthetic" in opened.info["Description"]
        assert "trainedAlgorithmicMedia" in opened.info["XML:com.adobe.xmp"]
        assert recipe_of_png(opened) == RECIPE


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert picture_to_png(PICTURE, RECIPE) == picture_to_png(PICTURE.copy(), RECIPE)


def test_a_picture_without_a_recipe_has_none() -> None:
    assert recipe_of_png(PICTURE) is None
    broken = PICTURE.copy()
    broken.info["psp-recipe"] = '{"task": 1, "unknown": 2}'
    assert recipe_of_png(broken) is None

"""Pictures say that they are synthetic and how they were made."""

from __future__ import annotations

import io
from urllib.parse import parse_qsl

import pytest
from PIL import Image

from psp.codes.recipe import (
    Recipe,
    Setting,
    picture_to_png,
    recipe_from_dict,
    recipe_from_query,
    recipe_of_png,
)
from psp.errors import InputError

RECIPE = Recipe("encode", "mobile-1024", "ab" * 32, {"align": True, "face": 0})
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


def test_a_link_gives_the_recipe_back_with_every_type() -> None:
    settings: dict[str, Setting] = {
        "align": False,
        "face": 2,
        "layers": "0-3,7",
        "alpha": 0.7,
        "variants": 4,
        "seed": 11,
        "style": "random",
    }
    recipe = Recipe("style_mix", "mobile-1024", "ab" * 32, settings)
    query = dict(parse_qsl(recipe.to_query().removeprefix("?")))
    assert recipe_from_query(query) == recipe
    assert recipe_from_query({"other": "words"}) is None
    assert recipe_from_query({"task": "encode"}) == Recipe("encode", "auto", "")


@pytest.mark.parametrize(
    "query",
    [
        {"task": "encode", "face": "first"},
        {"task": "encode", "align": "perhaps"},
        {"task": "x" * 500},
        {"task": "toonify", "strength": "a lot"},
        {"task": "style_mix", "seed": "9" * 400},
    ],
)
def test_a_link_that_makes_no_sense_is_told(query: dict[str, str]) -> None:
    with pytest.raises(InputError, match="recipe"):
        recipe_from_query(query)


def test_settings_that_nobody_knows_are_left_out() -> None:
    data = {**RECIPE.to_dict(), "settings": {"align": True, "photo": "secret.jpg", "face": 1}}
    assert recipe_from_dict(data).settings == {"align": True, "face": 1}


@pytest.mark.parametrize("data", [None, [], {}, {"task": 1}, {**RECIPE.to_dict(), "settings": []}])
def test_what_is_no_recipe_is_refused(data: object) -> None:
    with pytest.raises(InputError):
        recipe_from_dict(data)


def test_a_crop_is_not_called_synthetic() -> None:
    with Image.open(io.BytesIO(picture_to_png(PICTURE, RECIPE, synthetic=False))) as opened:
        assert "Description" not in opened.info
        assert recipe_of_png(opened) == RECIPE

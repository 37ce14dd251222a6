"""The range of every setting: one for requests and recipes, told in words that repeat no page of text."""

from __future__ import annotations

from typing import Any

import pytest

from psp.codes.recipe import recipe_from_dict, recipe_from_json, recipe_from_query
from psp.errors import InputError
from psp.parameters import MAX_SEED, SETTINGS
from psp.ranges import check_layers, check_number, check_word, shown


def recipe(settings: dict[str, Any]) -> dict[str, Any]:
    return {"task": "style_mix", "model": "auto", "model_sha256": "", "settings": settings}


def test_every_setting_of_a_recipe_has_a_range_that_holds_its_default() -> None:
    for name, setting in SETTINGS.items():
        default = setting.default
        assert recipe_from_dict(recipe({name: default})).settings == {name: default}
        assert type(default) is setting.type


def test_a_choice_that_is_not_offered_is_refused_with_what_is() -> None:
    with pytest.raises(InputError, match="0, 4, 8, 16, 32"):
        check_number("factor", 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("face", "9" * 300), ("face", -1), ("face", 10_000), ("face", 1.5), ("face", "1.5"),
        ("face", True), ("face", None), ("face", [1]), ("variants", 0), ("variants", 17),
        ("variants", 1e308), ("variant", 16),
        ("variant", -1), ("seed", MAX_SEED + 1), ("seed", 10**400), ("seed", "1e400"),
        ("alpha", 1.01), ("alpha", "nan"), ("alpha", float("inf")), ("strength", -0.1),
        ("strength", {}), ("factor", 5), ("factor", 33),
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused_in_requests_and_recipes(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name) as caught:
        check_number(name, value)
    assert len(str(caught.value)) < 200 and caught.value.next_step
    with pytest.raises(InputError, match=f"recipe.*{name}"):
        recipe_from_dict(recipe({name: value}))
    if isinstance(value, str):
        with pytest.raises(InputError, match="recipe"):
            recipe_from_query({"task": "style_mix", name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layers", "x" * 500),
        ("layers", "<b>"),
        ("layers", "pose:2"),
        ("layers", "pose features"),
        ("layers", "1" + " 1" * 300),
        ("layers", 5),
        ("style", "other"),
        ("parser", ""),
        ("align", 2),
    ],
)
def test_words_that_nobody_knows_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        recipe_from_dict(recipe({name: value}))


@pytest.mark.parametrize("word", ["\ud800", "a\nb", "x" * 201, "a\0b"])
def test_names_that_cannot_be_shown_make_no_recipe(word: str) -> None:
    for key in ("task", "model", "model_sha256"):
        with pytest.raises(InputError):
            recipe_from_dict({**recipe({}), key: word})


def test_a_huge_number_in_a_picture_makes_it_no_recipe() -> None:
    text = '{"task":"encode","model":"auto","model_sha256":"","settings":{"face":%s}}'
    assert recipe_from_json(text % ("9" * 500)) is None
    assert recipe_from_json(text % "3") is not None


def test_what_is_in_range_keeps_its_value_and_type() -> None:
    settings = {"face": 3, "alpha": 1, "seed": MAX_SEED, "factor": 8, "variants": 16, "layers": "0-3, 7"}
    kept = recipe_from_dict(recipe(settings)).settings
    assert kept == settings
    assert isinstance(kept["alpha"], float) and isinstance(kept["seed"], int)
    assert check_number("variants", 4.0) == 4 and isinstance(check_number("variants", 4.0), int)
    assert check_number("seed", -1) == -1
    assert check_word("style", "random") == "random"
    for layers in ("pose", " Pose : 0.5 , 8 – ", "", "0-3:0.25,7:0", "all:.1,features:1.0"):
        assert check_layers(layers) == layers


def test_a_value_is_shown_short() -> None:
    many = ("x" * 10**6, 10**5000, -(10**5000), [1] * 10**5, {"a": 1}, None, True, "\ud800", object(), 1e300)
    for value in many:
        said = shown(value)
        assert len(said) < 60
        said.encode()

"""Every parser of text: whatever is written, a value that is written and read the same, or a PspError."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp.codes.edits import parse_edits, write_edits
from psp.codes.latents import parse_layers, write_layers
from psp.codes.recipe import Recipe, recipe_from_dict, recipe_from_json, recipe_from_query
from psp.config import Settings
from psp.errors import InputError, PspError, SettingsError
from psp.parameters import SETTINGS
from psp.ranges import check_edits, check_layers, check_number, check_word, shown
from psp.registry.own import OwnFamily, own_families
from psp.tasks import CALLS
from psp.ui.gate.details import checked_details
from psp.ui.gate.uploads import check_files, file_of
from psp.ui.linked import linked_example
from tests.fuzz.strange import ANYTHING, EDITS, LAYERS, RECIPES, SCALARS, SETTING_TEXTS, SMALL, TOML

_SIZES = {18: (4, *(size for size in (8, 16, 32, 64, 128, 256, 512, 1024) for _ in (0, 1)), 1024)}
RESOLUTIONS = [_SIZES[18], (4, 8, 8, 16, 16), (4,), tuple([4, 8, 16, 32, 64, 128, 256, 512, 1024] * 2)]
NAMES = re.findall(r'"((?:PSP|HF)_[A-Z_]+)"', (Path(__file__).parents[2] / "psp" / "config.py").read_text())


def told(error: PspError) -> None:
    """Hold an error against what errors of ours are: short, with the next step, and no half characters."""
    assert error.problem and error.next_step
    assert len(str(error)) < 1000, str(error)


@SMALL
@given(LAYERS, st.sampled_from(RESOLUTIONS))
def test_layers(text: str, resolutions: tuple[int, ...]) -> None:
    try:
        layers = parse_layers(text, resolutions)
    except InputError as error:
        told(error)
        return
    assert layers and all(0 <= layer < len(resolutions) and 0 <= layers[layer] <= 1 for layer in layers)
    assert parse_layers(write_layers(layers), resolutions) == layers
    if len(text) <= 400:
        assert check_layers(text) == text
    assert check_layers(write_layers(layers))  # what the studio writes, it takes back


@SMALL
@given(EDITS | SCALARS)
def test_edits(text: Any) -> None:
    try:
        check_edits(text)
        edits = parse_edits(text)
    except InputError as error:
        told(error)
        return
    assert all(0 < abs(amount) <= 2 for amount in edits.values())
    assert parse_edits(write_edits(edits)) == edits


@SMALL
@given(st.sampled_from(sorted(SETTINGS)), SCALARS | ANYTHING)
def test_numbers_and_words(name: str, value: Any) -> None:
    setting = SETTINGS[name]
    assert len(shown(value)) <= 50
    if setting.type is bool or setting.grammar:
        return
    try:
        read = check_number(name, value) if setting.is_number else check_word(name, value)
    except InputError as error:
        told(error)
        return
    if setting.is_number:
        assert check_number(name, read) == read
    else:
        assert read in setting.words


@SMALL
@given(RECIPES)
def test_recipes(data: Any) -> None:
    try:
        recipe = recipe_from_dict(data)
    except InputError as error:
        told(error)
        return
    assert recipe_from_json(recipe.to_json()) == recipe
    assert recipe_from_dict(json.loads(recipe.to_json())) == recipe
    query = dict(parse_qsl(recipe.to_query()[1:], keep_blank_values=True))
    again = recipe_from_query(query)
    kept = {name: value for name, value in recipe.settings.items() if name != "task"}
    assert again == Recipe(recipe.task, recipe.model, recipe.model_sha256, kept)


@SMALL
@given(st.text(max_size=60) | RECIPES.map(lambda data: json.dumps(data, default=str)) | st.just("[" * 9000))
def test_recipes_as_text(text: str) -> None:
    recipe = recipe_from_json(text)
    assert recipe is None or recipe_from_json(recipe.to_json()) == recipe


@SMALL
@given(
    st.dictionaries(
        st.sampled_from(["task", "model", "sha256", "example", *SETTINGS]),
        st.text(max_size=20)
        | st.sampled_from(["encode", "auto", "NaN", "1e999", "../../etc/passwd", "9" * 5000]),
    )
)
def test_links(query: dict[str, str]) -> None:
    try:
        recipe = recipe_from_query(query)
        if recipe is not None and recipe.task in CALLS:
            linked_example(query, recipe)
    except InputError as error:
        told(error)
    except KeyError:
        assert recipe is not None and recipe.task not in CALLS


@SMALL
@given(st.dictionaries(st.sampled_from(NAMES), SETTING_TEXTS, max_size=4))
def test_the_environment(env: dict[str, str]) -> None:
    try:
        settings = Settings.from_env(env)
    except SettingsError as error:
        told(error)
        return
    assert Settings.from_env(env) == settings
    assert settings.max_pixels > 0 and settings.queue_size > 0


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "models.toml"


@SMALL
@given(text=TOML)
def test_own_models(toml: Path, text: str) -> None:
    toml.write_text(text, encoding="utf-8")
    own_families_parse(toml, text)


def own_families_parse(path: Path, text: str) -> None:
    from psp.registry.own import _parse

    _parse.cache_clear()  # files of one size within a tick of the clock are one to it
    try:
        families = own_families(path, frozenset({"mobile-1024"}))
    except SettingsError as error:
        told(error)
        assert str(path.parent) not in str(error)
        return
    assert all(
        isinstance(family, OwnFamily) and (family.path is None) != (family.hub is None) for family in families
    )


@SMALL
@given(ANYTHING)
def test_values_of_requests(value: Any) -> None:
    try:
        check_files(value)
        file_of(value, "photo")
    except InputError as error:
        told(error)


@SMALL
@given(
    st.fixed_dictionaries(
        {"recipe": RECIPES},
        optional=dict.fromkeys(
            ("alignment", "quality", "timings", "warnings", "refined", "size", "model", "passes"), ANYTHING
        ),
    )
    | ANYTHING
)
def test_details_of_a_browser(value: Any) -> None:
    try:
        checked_details(value)
    except InputError as error:
        told(error)

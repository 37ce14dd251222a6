"""Codes as files: exact, deterministic, and nothing else accepted; layers as in a print dialog."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from psp.codes.latents import (
    MAX_FILE,
    codes_from_bytes,
    codes_to_bytes,
    group_shares,
    parse_layers,
    write_layers,
)
from psp.codes.recipe import Recipe
from psp.errors import InputError
from psp.models.generator import GeneratorConfig
from psp.models.mobile import MobileConfig
from psp.ranges import check_layers

CODES = np.random.default_rng(0).standard_normal((12, 512)).astype(np.float32)
RECIPE = Recipe("toonify", "mobile-1024", "ab" * 32, {"strength": 0.5})


def test_codes_come_back_exactly_with_their_recipe_and_their_file_is_always_the_same() -> None:
    data = codes_to_bytes(CODES, RECIPE)
    file = codes_from_bytes(data)
    assert np.array_equal(file.codes, CODES)
    assert file.recipe == RECIPE
    assert codes_to_bytes(CODES.copy(), RECIPE) == data


def test_several_variants_keep_their_shape() -> None:
    variants = np.stack([CODES, -CODES])
    assert np.array_equal(codes_from_bytes(codes_to_bytes(variants, RECIPE)).codes, variants)


@pytest.mark.parametrize(
    "metadata", [None, {"recipe": "not json"}, {"recipe": '{"task": 5}'}, {"other": "words"}]
)
def test_a_file_from_elsewhere_has_no_recipe(metadata: dict[str, str] | None) -> None:
    assert codes_from_bytes(save({"codes": CODES}, metadata)).recipe is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not safetensors",
        pickle.dumps({"codes": [1, 2, 3]}),
        save({"other": CODES}),
        save({"codes": CODES[0]}),
        save({"codes": CODES[:0]}),
        save({"codes": CODES.astype(np.int32)}),
        save({"codes": np.full_like(CODES, np.nan)}),
        b"\0" * (MAX_FILE + 1),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        codes_from_bytes(data)


OFFICIAL, MOBILE = GeneratorConfig().resolutions, MobileConfig().resolutions
SMALL = GeneratorConfig(size=32, channels=(8,) * 4).resolutions


def shared(low: int, high: int, share: float) -> dict[int, float]:
    """Return the same share for some layers in a row."""
    return dict.fromkeys(range(low, high + 1), share)


@pytest.mark.parametrize(
    ("text", "resolutions", "layers"),
    [
        ("8-", OFFICIAL, range(8, 18)),
        ("8-", MOBILE, range(8, 23)),
        ("0-3,7", OFFICIAL, (0, 1, 2, 3, 7)),
        (" 7 , 0 – 3 ", SMALL, (0, 1, 2, 3, 7)),
        ("-3", MOBILE, range(4)),
        ("11", OFFICIAL, (11,)),
        ("ALL", SMALL, range(8)),
        ("auto", OFFICIAL, range(8, 18)),  # the paper's
        ("pose", OFFICIAL, range(3)),
        ("features", OFFICIAL, range(3, 7)),
        ("colours", OFFICIAL, range(7, 18)),
        ("auto", MOBILE, range(10, 23)),
        ("pose", MOBILE, range(4)),
        ("features", MOBILE, range(4, 10)),
        ("colours", MOBILE, range(10, 23)),
        ("auto", SMALL, (7,)),
        ("features", SMALL, range(3, 8)),
    ],
)
def test_layers_are_read_as_in_a_print_dialog(
    text: str, resolutions: tuple[int, ...], layers: range | tuple[int, ...]
) -> None:
    assert parse_layers(text, resolutions) == dict.fromkeys(layers, 1.0)


@pytest.mark.parametrize("text", ["18", "8-18", "5-3", "a", "1,,2", "-", "1-2-3", "1;2", "9999-", "0x3"])
def test_layers_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="layer"):
        parse_layers(text, OFFICIAL)


@pytest.mark.parametrize("levels", range(3, 10))
def test_the_groups_of_layers_exist_in_every_model(levels: int) -> None:
    plain = GeneratorConfig(size=2 ** (levels + 1), channels=(8,) * levels)
    mobile = MobileConfig(size=2 ** (levels + 2), channels=(8,) * levels)
    for config in (plain, mobile):
        assert len(config.resolutions) == config.n_codes
        for name in ("auto", "pose", "features", "colours"):
            assert parse_layers(name, config.resolutions)


def test_layers_are_written_in_the_shortest_form_that_reads_back() -> None:
    assert write_layers(dict.fromkeys((0, 1, 2, 7), 1.0)) == "0-2,7"
    assert write_layers(dict.fromkeys(range(18), 1.0)) == "0-17"
    assert write_layers({0: 0.5, 1: 0.5, 2: 1.0, 3: 0.0, 5: 0.0001}) == "0-1:0.5,2,3:0,5:0.0001"
    for text in ("3,5-6,9", "pose:0.5,features,colours:0.25", "all:0", "-2:.3333", "all:0.1,7"):
        named = parse_layers(text, OFFICIAL)
        assert parse_layers(write_layers(named), OFFICIAL) == named
        check_layers(write_layers(named))


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("pose:0.5,features,colours:0.25", {**shared(0, 2, 0.5), **shared(3, 6, 1), **shared(7, 17, 0.25)}),
        (" Pose : 0.5 , 7 : .25 ", {**shared(0, 2, 0.5), 7: 0.25}),
        ("auto:0.3", shared(8, 17, 0.3)),
        ("features:0", shared(3, 6, 0)),
        ("0-3:1,2-:0", {**shared(0, 1, 1), **shared(2, 17, 0)}),  # of two the later
        ("all:0.2,features", {**shared(0, 17, 0.2), **shared(3, 6, 1)}),
        ("0:0.30000000000000004,1:1.0", {0: 0.3, 1: 1.0}),  # as programs write numbers
        ("pose:1", shared(0, 2, 1)),
    ],
)
def test_each_part_has_a_share(text: str, layers: dict[int, float]) -> None:
    assert parse_layers(text, OFFICIAL) == layers
    assert [*parse_layers(text, OFFICIAL)] == sorted(layers)
    assert check_layers(text) == text


@pytest.mark.parametrize(
    "text",
    ["pose:", "pose:2", "pose:-1", "pose:1.01", "pose:nan", ":0.5", "pose:0.5:0.5", "pose;features", "8-:x"],
)
def test_shares_that_make_no_sense_are_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(InputError, match=r"pose:0\.5,features"):
        parse_layers(text, OFFICIAL)


def test_a_group_that_a_small_model_lacks_adds_nothing_to_others() -> None:
    both = parse_layers("pose:0.5,features:0.25,colours", SMALL)
    assert both == {**shared(0, 2, 0.5), **shared(3, 7, 0.25)}
    assert parse_layers("colours:0.5", SMALL) == {7: 0.5}


@pytest.mark.parametrize("resolutions", [OFFICIAL, MOBILE])
def test_what_is_written_tells_the_share_of_each_group(resolutions: tuple[int, ...]) -> None:
    for text, shares in (
        ("auto", (0, 0, 1)),
        ("pose:0.5,features,colours:0.25", (0.5, 1, 0.25)),
        ("all:0", (0, 0, 0)),
        ("features", (0, 1, 0)),
    ):
        again = write_layers(parse_layers(text, resolutions))  # as recipes have it
        told = group_shares(parse_layers(again, resolutions), resolutions)
        assert told == dict(zip(("pose", "features", "colours"), shares, strict=True))

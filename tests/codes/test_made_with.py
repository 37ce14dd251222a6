"""Recipes say what decides the bytes, old ones need not, and what differs here is told in a sentence."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from psp.codes.made_with import MadeWith, differences, made_with_from
from psp.codes.recipe import Recipe, recipe_from_dict, recipe_from_json, recipe_from_query

HERE = MadeWith("1.0.0", "2.13.0+cpu", "cpu x86_64 avx2", 2)
GPU = MadeWith("1.0.0", "2.13.0+cu130", "cuda sm90")
OLD = {"task": "encode", "model": "mobile-1024", "model_sha256": "ab" * 32, "settings": {"face": 1}}


def test_a_recipe_carries_it_and_gives_it_back() -> None:
    for made_with in (HERE, GPU):
        recipe = Recipe("encode", "mobile-1024", "ab" * 32, {"face": 1}, made_with)
        told = recipe.to_dict()
        assert list(told) == ["task", "model", "model_sha256", "settings", "made_with"]
        read = recipe_from_json(recipe.to_json())
        assert read is not None and read.made_with == recipe_from_dict(told).made_with == made_with
        assert recipe.of_variant(2).made_with == made_with


def test_an_old_recipe_is_read_and_written_as_it_was() -> None:
    recipe = recipe_from_dict(OLD)
    assert recipe.made_with is None
    assert recipe.to_dict() == OLD


def test_recipes_that_differ_in_it_alone_ask_for_the_same() -> None:
    recipe = recipe_from_dict({**OLD, "made_with": HERE.to_dict()})
    assert recipe == recipe_from_dict(OLD) == replace(recipe, made_with=GPU)


def test_a_link_is_as_short_as_before() -> None:
    recipe = recipe_from_dict({**OLD, "made_with": HERE.to_dict()})
    assert recipe.to_query() == recipe_from_dict(OLD).to_query()
    found = recipe_from_query(dict(parse_qsl(recipe.to_query().removeprefix("?"))))
    assert found is not None and found.made_with is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        "2.13.0",
        [],
        {},
        {"studio": "1.0.0", "torch": "2.13.0"},
        {**HERE.to_dict(), "torch": "<script>"},
        {**HERE.to_dict(), "backend": "x" * 41},
        {**HERE.to_dict(), "studio": "1.0.0\n"},
        {**HERE.to_dict(), "studio": []},
        {**HERE.to_dict(), "threads": "2"},
        {**HERE.to_dict(), "threads": True},
        {**HERE.to_dict(), "threads": -1},
        {**HERE.to_dict(), "threads": 10**9},
    ],
)
def test_what_makes_no_sense_is_as_if_nothing_was_said(data: object) -> None:
    assert made_with_from(data) is None
    assert recipe_from_dict({**OLD, "made_with": data}).to_dict() == OLD


def test_where_all_is_the_same_nothing_is_told() -> None:
    assert not differences(HERE, HERE)
    assert not differences(GPU, GPU)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (replace(HERE, torch="2.12.0"), "with torch 2.12.0, and here it is torch 2.13.0+cpu:"),
        (replace(HERE, studio="0.9.0"), "with pSp Studio 0.9.0, and here it is pSp Studio 1.0.0:"),
        (replace(HERE, threads=8), "with threads: 8, and here it is threads: 2:"),
        (
            replace(HERE, backend="cpu x86_64 avx512", threads=8),
            "with the device cpu x86_64 avx512, and here it is the device cpu x86_64 avx2:",
        ),
        (
            GPU,
            "with torch 2.13.0+cu130 and the device cuda sm90, and here it is torch 2.13.0+cpu and the "
            "device cpu x86_64 avx2:",
        ),
        (None, "does not say what it was made with"),
    ],
)
def test_what_differs_is_one_plain_sentence(then: MadeWith | None, said: str) -> None:
    told = differences(then, HERE)
    assert said in told and told.endswith(".") and "byte for byte" in told
    assert ". " not in told

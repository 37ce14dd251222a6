"""Edits as text: read, written, and refused in words."""

from __future__ import annotations

import pytest

from psp.codes.edits import parse_edits, write_edits
from psp.errors import InputError


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("", {}),
        ("smile:0.5", {"smile": 0.5}),
        (" Smile : .5 ,\tAGE:−1, ", {"smile": 0.5, "age": -1.0}),
        ("hair_length:+1,pose-2:-0.25", {"hair_length": 1.0, "pose-2": -0.25}),
        ("smile:0,age:0.00004", {}),
        ("smile:0.0004,age:-1.23456", {"smile": 0.0004, "age": -1.2346}),
        ("hat:2,yaw:-2", {"hat": 2.0, "yaw": -2.0}),
    ],
)
def test_names_and_amounts_are_read(text: str, edits: dict[str, float]) -> None:
    assert parse_edits(text) == edits
    assert parse_edits(write_edits(edits)) == edits


@pytest.mark.parametrize(
    "text",
    ["smile", "smile:", ":1", "smile:x", "smile:1:2", "smile:nan", "smile:1e1", "1a:1", "a b:1;", "x" * 2000],
)
def test_what_is_no_edit_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cannot be understood.*smile:0.5"):
        parse_edits(text)


def test_a_direction_has_one_amount() -> None:
    for text in ("smile:1,smile:0.25", "smile:0,age:1,SMILE:0", "age:1, age :1"):
        with pytest.raises(InputError, match=r"have '(smile|age)' twice\. Give each direction one amount"):
            parse_edits(text)


def test_an_amount_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="-2 to 2"):
        parse_edits("smile:2.01")


def test_edits_are_written_short() -> None:
    assert write_edits({"smile": 0.5, "age": -1.0, "pose-1": 0.1}) == "smile:0.5,age:-1,pose-1:0.1"
    assert write_edits({}) == ""

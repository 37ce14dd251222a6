"""Files of directions: read with what is said of them, refused where they do not fit, whoever made them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from psp.codes.directions import MOST_DIRECTIONS, directions_from_bytes, names_in, sefa_names, shift_of
from psp.errors import InputError
from psp.files.bundled import directions_file

N, DIM = 4, 8


def file_of(tensors: dict[str, np.ndarray[Any, Any]], told: object = None) -> bytes:
    return save(tensors, metadata=None if told is None else {"directions": json.dumps(told)})


def test_a_vector_moves_all_layers_or_those_that_are_named() -> None:
    one = np.arange(1, DIM + 1, dtype=np.float32)
    told = {"b": {"layers": [1, 3], "title": "Bee", "group": "Insects", "about": "none; one", "low": -0.5}}
    read = directions_from_bytes(file_of({"a-1": one, "b": one.astype(np.float16)}, told), N, DIM)
    assert [*read] == ["b", "a-1"]  # those that are told of come first, in that order
    assert (read["a-1"].shift == one).all() and read["a-1"].named.title == "A 1"
    assert (read["b"].shift[1:3] == one).all() and not read["b"].shift[[0, 3]].any()
    named = read["b"].named
    assert (named.title, named.group, named.about, named.low, named.high) == (
        "Bee",
        "Insects",
        "none; one",
        -0.5,
        1,
    )


def test_a_vector_a_layer_is_taken_as_it_is() -> None:
    each = np.arange(N * DIM, dtype=np.float64).reshape(N, DIM)
    assert (directions_from_bytes(file_of({"x": each}), N, DIM)["x"].shift == each).all()


def test_edits_add_up() -> None:
    read = directions_from_bytes(
        file_of({"a": np.ones(DIM, np.float32), "b": np.full(DIM, 2, np.float32)}), N, DIM
    )
    assert np.allclose(shift_of({"a": 0.5, "b": -1.0}, read, N, DIM), -1.5)
    assert not shift_of({}, read, N, DIM).any()
    with pytest.raises(InputError, match=r"no direction 'c'.*It has: a, b"):
        shift_of({"c": 1.0}, read, N, DIM)


GOOD = np.ones(DIM, np.float32)


@pytest.mark.parametrize(
    ("tensors", "told", "words"),
    [
        ({"A": GOOD}, None, "name of a direction"),
        ({"a,b": GOOD}, None, "name of a direction"),
        ({"x" * 60: GOOD}, None, "name of a direction"),
        ({"a": np.ones(DIM + 1, np.float32)}, None, "Choose the model"),
        ({"a": np.ones((2, DIM), np.float32)}, None, "Choose the model"),
        ({"a": np.ones(DIM, np.int64)}, None, "Choose the model"),
        ({"a": np.zeros(DIM, np.float32)}, None, "or nothing"),
        ({"a": np.full(DIM, np.nan, np.float32)}, None, "NaN"),
        ({"a": np.full(DIM, np.inf, np.float32)}, None, "infinity"),
        ({"a": GOOD}, {"a": {"layers": [0, 99]}}, "layers"),
        ({"a": GOOD}, {"a": {"layers": [3, 1]}}, "layers"),
        ({"a": GOOD}, {"a": {"layers": "all"}}, "layers"),
        ({"a": GOOD}, {"a": {"layers": [True, 2]}}, "layers"),
        ({f"a{i}": GOOD for i in range(MOST_DIRECTIONS + 1)}, None, "65 directions"),
        ({}, None, "0 directions"),
    ],
)
def test_what_cannot_be_used_is_refused(tensors: Any, told: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        directions_from_bytes(file_of(tensors, told), N, DIM)


@pytest.mark.parametrize(
    "told", [[], "x", 5, None, {"a": 5}, {"zz": {}}, {"a": {"low": "x"}}, {"a": {"low": 9}}]
)
def test_what_is_said_wrongly_is_not_believed(told: object) -> None:
    (named,) = names_in(file_of({"a": GOOD}, told))
    assert (named.title, named.low, named.high) == ("A", -1, 1)


def test_words_are_short_and_printable() -> None:
    told = {"a": {"title": "x\n\ud800\x07y" + "z" * 999, "about": ["no", "text"], "group": None}}
    (named,) = names_in(file_of({"a": GOOD}, told))
    assert named.title.startswith("xyz") and len(named.title) <= 80 and named.title.isprintable()
    assert named.about.isprintable() and named.group.isprintable()


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x80\x04pickle", save({"a": GOOD})[:-4], b"[" * 200000])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"no.*directions|not a .safetensors"):
        names_in(data)


def test_a_large_file_is_not_opened() -> None:
    with pytest.raises(InputError, match="too large"):
        names_in(bytes((4 << 20) + 1))


def test_those_that_come_along_are_named_and_never_by_sex() -> None:
    names = names_in(directions_file().read_bytes())
    assert {"yaw", "smile", "age", "glasses", "hat", "beard", "brightness"} <= {each.name for each in names}
    assert all(
        each.group and each.title and "; " in each.about and each.low < 0 < each.high for each in names
    )
    said = " ".join(f"{each.name} {each.title} {each.about}" for each in names).lower().split()
    assert not {"male", "female", "man", "woman", "gender", "sex", "race"} & {*said}
    assert len({each.name for each in (*names, *sefa_names())}) == len(names) + 9

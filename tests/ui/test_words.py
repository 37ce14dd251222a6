"""What the page says of a result: likeness, size, time, warnings, and what to do where it fell short."""

from __future__ import annotations

import errno
from html import unescape
from typing import Any

import gradio as gr
import pytest

from psp.errors import InputError
from psp.ui.words import escape, face_words, found_words, in_numbers, in_words, summary


def details(task: str = "encode", identity: float = 0.4, **more: Any) -> dict[str, Any]:
    return {
        "recipe": {"task": task},
        "model": "mobile-1024",
        "size": 128,
        "alignment": {"faces": 2, "face": 1, "side": 200.0},
        "quality": {"identity": identity, "lpips": 0.123, "l2": 0.01},
        "timings": {"align": 0.25, "network": 0.5},
        "warnings": [],
        **more,
    }


def test_a_close_result_needs_no_advice_and_no_numbers() -> None:
    assert summary(details()) == "A close likeness."
    for somebody_else in ("style_mix", "super_resolution"):
        assert "likeness" not in summary({**details(), "recipe": {"task": somebody_else}})


def test_numbers_are_told_by_themselves() -> None:
    told = in_numbers(details())
    assert "2 faces found; this is face 1, it is about 110 pixels wide." in told
    assert "Identity distance to the input 0.40 (under 0.6 is the same person to the network)" in told
    assert "LPIPS 0.12, mean squared error 0.010." in told
    assert told.endswith("128 px, model mobile-1024, 0.8 s.")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"faces": None, "face": None, "side": 64.2}, "taken as it is; no face was looked for"),
        ({"faces": 1, "face": 0, "side": 200.0}, "Found a face, about 110 pixels wide."),
        (
            {"faces": 2, "face": 0, "side": 200.0},
            "Found 2 faces. The largest is taken, about 110 pixels wide.",
        ),
        ({"faces": 3, "face": 1, "side": 200.0}, "Number 2 by size is taken"),
    ],
)
def test_what_was_found_is_told_without_numbers_of_the_api(place: dict[str, Any], said: str) -> None:
    assert said in found_words(place)


@pytest.mark.parametrize(("task", "advice"), [("encode", "from the front"), ("toonify", "Less strength")])
def test_a_distant_result_says_what_brings_it_closer(task: str, advice: str) -> None:
    told = summary(details(task, identity=0.75))
    assert told.startswith("Not a very close likeness.")
    assert advice in told


def test_warnings_stand_by_themselves() -> None:
    told = summary(details(warnings=["First. Do this.", "Second. Do that."]))
    assert told.split("\n\n")[1:] == ["⚠️ First. Do this.", "⚠️ Second. Do that."]


def test_what_is_no_photo_has_neither_face_nor_likeness() -> None:
    drawn = details("sketch_to_face", alignment=None, quality=None)
    assert summary(drawn) == ""
    assert in_numbers(drawn) == "128 px, model mobile-1024, 0.8 s."


def test_a_picture_taken_as_it_is_says_so() -> None:
    assert "taken as it is, 64 pixels a side" in face_words({"faces": None, "face": None, "side": 64.2})


def test_names_of_files_cannot_write_markup() -> None:
    name = "<b>[x](y)`*#1_&amp;.jpg"
    told = escape(name)
    assert not set("<>[]()`*_.") & set(told)
    assert unescape(told) == name  # what the browser shows


def test_messages_cannot_write_markup() -> None:
    @in_words
    def fail() -> None:
        raise InputError("There is no task '<img src=x>'.", "Choose another.")

    with pytest.raises(gr.Error) as caught:
        fail()
    assert caught.value.message == "There is no task '‹img src=x›'. Choose another."


def test_unforeseen_errors_keep_their_text_to_themselves() -> None:
    @in_words
    def fail() -> None:
        raise RuntimeError("secret")

    with pytest.raises(gr.Error) as caught:
        fail()
    assert caught.value.message == "Something went wrong on the server."


def test_what_refining_gained_is_told_in_plain_words_and_its_figures_with_the_numbers() -> None:
    figures = {"identity": 0.3, "lpips": 0.204, "l2": 0.05}
    gain = {"before": figures, "after": {**figures, "lpips": 0.092}, "steps": 40, "of": 40}
    assert summary(details(refined=gain)) == "A close likeness. Closer to the photo: 0.20 → 0.09."
    numbers = in_numbers(details(refined=gain))
    assert "in 40 steps; before: identity distance 0.30, LPIPS 0.20, mean squared error 0.050." in numbers
    worse = gain | {"after": figures, "steps": 0, "of": 0}
    assert "No closer to the photo than before: 0.20 → 0.20." in summary(details(refined=worse))
    assert "steps" not in in_numbers(details(refined=worse))


def test_a_full_disk_is_told_in_words() -> None:
    def work() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/home/me/results/a.png")

    with pytest.raises(gr.Error, match=r"no room left on its disk.*Try again later") as told:
        in_words(work)()
    assert "/home" not in str(told.value)

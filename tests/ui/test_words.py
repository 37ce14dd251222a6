"""What the page says of a result: likeness, size, time, warnings, and what to do where it fell short."""

from __future__ import annotations

from html import unescape
from typing import Any

import gradio as gr
import pytest

from psp.errors import InputError
from psp.ui.words import escape, face_words, in_words, summary


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


def test_a_close_result_needs_no_advice() -> None:
    told = summary(details())
    assert "2 faces found; this is face 1, it is about 110 pixels wide." in told
    assert "Likeness: close to the input (identity distance 0.40, under 0.6 is close; LPIPS 0.12)." in told
    assert told.endswith("128 px, model mobile-1024, 0.8 s.")


@pytest.mark.parametrize(("task", "advice"), [("encode", "from the front"), ("toonify", "Less strength")])
def test_a_distant_result_says_what_brings_it_closer(task: str, advice: str) -> None:
    told = summary(details(task, identity=0.75))
    assert "not very close" in told
    assert advice in told


def test_warnings_stand_by_themselves() -> None:
    told = summary(details(warnings=["First. Do this.", "Second. Do that."]))
    assert told.split("\n\n")[1:] == ["⚠️ First. Do this.", "⚠️ Second. Do that."]


def test_what_is_no_photo_has_neither_face_nor_likeness() -> None:
    told = summary(details("sketch_to_face", alignment=None, quality=None))
    assert told == "128 px, model mobile-1024, 0.8 s."


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

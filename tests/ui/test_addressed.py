"""A visitor reads the names of controls, a program's author those of parameters."""

from __future__ import annotations

import pytest

from psp.errors import FaceNotFoundError
from psp.parameters import ALIGN_OFF
from psp.ui.addressed import for_page, for_reader, spoken_to
from psp.ui.words import in_words, summary
from tests.ui.test_words import details


@in_words
def fails() -> None:
    raise FaceNotFoundError("No face.", f"Else {ALIGN_OFF}.")


def said() -> str:
    with pytest.raises(Exception, match="No face") as told:
        fails()
    return str(told.value)


def test_an_error_names_the_control_at_the_page_and_the_parameter_to_a_program() -> None:
    assert "Find and crop the face" in said()
    assert "align=" not in said()
    with spoken_to(program=True):
        assert "align=False" in said()
    assert "align=" not in for_reader(ALIGN_OFF)


def test_a_warning_below_a_result_names_the_control() -> None:
    told = summary(details(warnings=[f"It is no face; {ALIGN_OFF}."]))
    assert for_page(ALIGN_OFF) in told
    assert "align=" not in told

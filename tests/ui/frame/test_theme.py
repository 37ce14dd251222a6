"""The theme: its typeface has every sign of the page, and is asked of nobody else."""

from __future__ import annotations

import string

import pytest
from fontTools.ttLib import TTFont
from gradio.themes.utils.fonts import font_file_path

from psp.tasks import CALLS
from psp.ui.frame.theme import FONT, WEIGHTS, studio_theme


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_typeface_has_all_signs_of_the_page(weight: int) -> None:
    known = TTFont(font_file_path(FONT, weight)).getBestCmap()
    wanted = string.ascii_letters + string.digits + string.punctuation + "×–·…’é"
    wanted += "".join(task.title + task.caption + task.limits for task in CALLS.values())
    assert {sign for sign in wanted if ord(sign) not in known} == set()


def test_nothing_is_asked_of_another_host() -> None:
    theme = studio_theme()
    assert theme._stylesheets == []
    assert "http" not in "".join(theme._font_css)

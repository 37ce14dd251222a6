"""Where tabs take their inputs: what an endpoint is given, and where a photo goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

Ways = tuple[gr.Tabs, gr.components.Component, str]
"""Of a tab with several ways to give an input: these, which of them is open, and the name of one."""


@dataclass(frozen=True)
class PhotoPlace:
    """Where a tab takes a photo.

    Attributes:
        picture: The photo.
        align: Whether its face is found and cropped.
        face: Which face.
        ways: The way that leads there, where a tab has several.
        trace: The id of the button that makes a drawing of it, where it is no input itself.
    """

    picture: gr.Image
    align: gr.Checkbox
    face: gr.Number
    ways: Ways | None = None
    trace: str = ""


@dataclass(frozen=True)
class Inputs:
    """Where a tab takes its input.

    Attributes:
        given: The photo, or the drawing.
        photo: Where a photo goes: the same one, or what a drawing is made from.
        style: The second picture, for style mixing.
        ways: The way that leads to ``given``, where a tab has several.
    """

    given: gr.Image
    photo: PhotoPlace
    style: gr.Image | None = None
    ways: Ways | None = None

    def outputs(self) -> list[Any]:
        """Return what an example fills: the input, the second picture, the ways and which is open."""
        return [self.given, *([self.style] if self.style else []), *(self.ways[:2] if self.ways else [])]

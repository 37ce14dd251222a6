"""The top of the page, in one glance: its name, what it does, and where paper, code and licences are."""

from __future__ import annotations

import re
from html import escape

import gradio as gr
from gradio.utils import get_space

from psp.files.bundled import assets_dir

TITLE = "pSp Studio"
"""Name of the page."""
PROMISE = "Drop a photo, draw or paint: watch a face appear."
"""What one can do here; short enough for one line on a phone."""

_PAPER = "https://arxiv.org/abs/2008.00951"
_CODE = "https://github.com/eladrich/pixel2style2pixel"
_SPACE = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def masthead() -> None:
    """Lay out name, promise and links, inside the current Blocks."""
    mark = (assets_dir() / "mark.svg").read_text("utf-8").replace("<svg ", '<svg aria-hidden="true" ', 1)
    gr.HTML(
        f'<div class="masthead">{mark}<div class="masthead-words"><h1>{TITLE}</h1><p>{PROMISE}</p></div>'
        f'<nav aria-label="About the method">{"".join(map(_link, links()))}</nav></div>',
        padding=False,
        elem_classes="masthead-block",
    )


def links() -> list[tuple[str, str, str]]:
    """Return the links: what stands there, where it leads, and what it is in full."""
    found = [
        ("Paper", _PAPER, "The paper: Encoding in Style, Richardson et al., CVPR 2021"),
        ("Code", _CODE, "The official code of pixel2style2pixel"),
    ]
    space = get_space() or ""
    if _SPACE.fullmatch(space):
        found.append(("Files", f"https://huggingface.co/spaces/{space}/tree/main", "The files of this Space"))
    return [*found, ("Licence", "#about", "Models, licences and privacy: the tab About")]


def _link(link: tuple[str, str, str]) -> str:
    words, address, title = link
    away = "" if address.startswith("#") else ' target="_blank" rel="noopener noreferrer"'
    return f'<a href="{escape(address)}" title="{escape(title)}"{away}>{words}</a>'

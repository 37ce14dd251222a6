"""A small picture that is made anew while somebody draws or moves a slider, as HTML: a preview, no result."""

from __future__ import annotations

import base64

from psp.ui.words import escape


def preview_figure(picture: bytes, size: int, what: str) -> str:
    """Return a preview with its caption.

    Args:
        picture: A WebP.
        size: Its side in pixels.
        what: What it shows: "the portrait".
    """
    data = base64.b64encode(picture).decode()
    return (
        f'<figure><img src="data:image/webp;base64,{data}" width="{size}" height="{size}" '
        f'alt="Preview of {escape(what)}, {size} px"><figcaption>Preview</figcaption></figure>'
    )


def blank_figure(words: str) -> str:
    """Return the empty place of a preview; ``words`` say what comes there, or what went wrong."""
    return f'<figure class="blank"><figcaption>{escape(words)}</figcaption></figure>'

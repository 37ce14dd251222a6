"""A small picture that is made anew while somebody draws or moves a slider, as HTML: a preview, no result."""

from __future__ import annotations

import base64

from PIL import Image

from psp.codes.recipe import picture_to_webp
from psp.ui.words import escape

# Of the WebP that is shown; nobody keeps it.
_QUALITY = 85


def preview_figure(picture: Image.Image, what: str) -> str:
    """Return a preview with its caption.

    Args:
        picture: A square picture.
        what: What it shows: "the portrait".
    """
    data, size = base64.b64encode(picture_to_webp(picture, _QUALITY)).decode(), picture.width
    return (
        f'<figure><img src="data:image/webp;base64,{data}" width="{size}" height="{size}" '
        f'alt="Preview of {escape(what)}, {size} px"><figcaption>Preview</figcaption></figure>'
    )


def blank_figure(words: str) -> str:
    """Return the empty place of a preview; ``words`` say what comes there, or what went wrong."""
    return f'<figure class="blank"><figcaption>{escape(words)}</figcaption></figure>'

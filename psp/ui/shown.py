"""Uploads that browsers cannot show, such as HEIC: the page takes them, and shows them as PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gradio as gr

from psp.errors import PspError
from psp.pictures.images import load_picture
from psp.ui.cache import cached
from psp.ui.words import in_words

_UNSHOWN = (".heic", ".heif", ".hif", ".tif", ".tiff", ".jp2", ".j2k", ".jpf", ".jpx", ".ppm", ".pgm", ".pnm")
_KEPT = ("1", "L", "LA", "P", "RGBA", "I;16")
"""Modes of drawings and maps that a PNG holds as they are."""


def show_uploads(picture: gr.Image) -> None:
    """Put a PNG in the place of an upload that browsers cannot show, inside the current Blocks.

    Args:
        picture: An input that hands over the path of its file.
    """
    # The browser alone hears of the upload first. Where the server is asked about an input that changes just
    # then, Gradio 6.31 goes on counting the seconds for ever, with every frame.
    uploaded = picture.upload(
        None, picture, None, js="file => results.converts(file)", api_visibility="private"
    )
    uploaded.success(
        in_words(shown),
        picture,
        picture,
        api_visibility="private",
        show_progress="hidden",
        show_progress_on=[],
        concurrency_limit=2,
    )


def shown(path: str | None) -> Any:  # noqa: ANN401  (a path or an update)
    """Return the path of a PNG with the pixels that the tasks see; of what browsers show, nothing new."""
    if not path or not path.lower().endswith(_UNSHOWN):
        return gr.skip()
    try:
        made = load_picture(path, flat=False)
        if made.mode not in _KEPT:
            made = load_picture(path)
    except PspError:
        return gr.skip()  # the task that takes it says why
    out = io.BytesIO()
    made.save(out, "PNG", compress_level=1)
    return cached(out.getvalue(), f"{Path(path).stem[:80]}.png")

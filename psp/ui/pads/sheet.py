"""What is on a pad, as one picture on its paper."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

SIDE = 512
"""Side of a pad's sheet in pixels."""

_WHITE = 250  # level of every channel from which a pixel is unpainted paper


def is_drawn(drawing: dict[str, Any] | None) -> bool:
    """Return whether there is anything on a pad: a picture below, or a stroke."""
    return bool(
        drawing and (drawing["background"] or any(layer.getbbox() for layer in drawing["layers"] if layer))
    )


def is_marked(sheet: Image.Image) -> bool:
    """Return whether there is anything on a sheet, RGB, besides white paper."""
    channels = sheet.convert("RGB").split()
    return any(channel.point(lambda level: level < _WHITE and 255).getbbox() for channel in channels)


def flatten(drawing: dict[str, Any] | None, paper: str) -> Image.Image:
    """Return what is on a pad: the picture below, and the layers over it, on ``paper``, RGB."""
    parts = [] if not drawing else [drawing["background"], *drawing["layers"]]
    pictures = [part.convert("RGBA") for part in parts if part is not None]
    size = pictures[0].size if pictures else (SIDE, SIDE)
    canvas = Image.new("RGBA", size, paper)
    for picture in pictures:
        canvas.alpha_composite(picture.resize(size) if picture.size != size else picture)
    return canvas.convert("RGB")


def as_png(picture: Image.Image) -> bytes:
    """Return a picture as a PNG without any metadata."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()

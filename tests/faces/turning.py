"""A face turned to the side, made of one that looks to the front."""

from __future__ import annotations

from PIL import Image


def squeezed(face: Image.Image) -> Image.Image:
    """The half that a face turns away gets narrower."""
    side = face.width
    inner = round(side * 0.375)
    halves = [((0, 0, inner, side), (0, side // 2)), ((inner, 0, side, side), (side // 2, side))]
    corners = [(box, (left, 0, left, side, right, side, right, 0)) for box, (left, right) in halves]
    return face.transform(face.size, Image.Transform.MESH, corners, Image.Resampling.BICUBIC)

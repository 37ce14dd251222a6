"""The photographs that tests use."""

from __future__ import annotations

from PIL import Image


def portrait() -> Image.Image:
    """Return a real photograph, 512×512, one frontal face: Eileen Collins by NASA, public domain."""
    from skimage import data

    return Image.fromarray(data.astronaut())


def beside_a_smaller_one(portrait: Image.Image) -> Image.Image:
    """Return a photo with two faces, 800×512, the larger one on the left."""
    scene = Image.new("RGB", (800, 512), (200, 200, 200))
    scene.paste(portrait, (0, 0))
    scene.paste(portrait.resize((330, 330)), (470, 100))
    return scene

"""Whether a face is so sharp already that enlarging it has nothing to add: its size alone does not say."""

from __future__ import annotations

import numpy as np
from PIL import Image

# Pixels: crops smaller in their photo have room for detail; the side that a picture is measured at, and the
# one that it is shrunk to meanwhile.
_LEAST, _SIDE, _SMALL = 160, 256, 64
# The part of an aligned crop that the face fills, from the brows to the chin.
_TOP, _BOTTOM, _LEFT, _RIGHT = 48, 240, 48, 208
# What shrinking to a quarter takes away, as a share of the face's own contrast: 0.13 to 0.27 for sharp photos
# of that size, 0.02 to 0.1 for blurred ones and for tiny ones that were enlarged.
_SHARP = 0.12


def has_detail(crop: Image.Image, side: float) -> bool:
    """Return whether a face shows more than a picture of 64 px could.

    Noise counts as detail: it cannot be told from skin and hair.

    Args:
        crop: The face, aligned as FFHQ, square.
        side: Side of the crop in pixels of the photo.
    """
    if side < _LEAST:
        return False
    grey = crop.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    coarse = grey.resize((_SMALL, _SMALL), Image.Resampling.BICUBIC).resize(
        grey.size, Image.Resampling.BICUBIC
    )
    whole, rest = (np.asarray(picture, np.float32)[_TOP:_BOTTOM, _LEFT:_RIGHT] for picture in (grey, coarse))
    contrast = float(whole.std())
    return contrast > 0 and float(np.sqrt(np.square(whole - rest).mean())) > _SHARP * contrast

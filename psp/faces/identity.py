"""The part of an aligned face that tells who it is, for comparing two pictures; it identifies nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.detection import aligned_shape, dlib_module

SAME_PERSON = 0.6
"""Below this distance of two faces' descriptors dlib's authors call two photos one person."""

# Size at which an aligned face is looked at, and the border that dlib leaves around the face it describes.
_SEEN = 256
_PADDING = 0.25


def descriptor_chip(aligned: Image.Image) -> NDArray[np.uint8]:
    """Return the part of an FFHQ-aligned face that dlib describes, [150,150,3].

    The face is where the alignment puts it, so nothing has to be detected, and a blurred face has one too.

    Args:
        aligned: RGB, square, aligned as FFHQ; enlarged to 256 px where it is smaller.
    """
    from psp.models.descriptor import CHIP_SIZE  # noqa: PLC0415  (torch comes after the page)

    seen = seen_face(aligned)
    chip = dlib_module().get_face_chip(seen, aligned_shape(seen), size=CHIP_SIZE, padding=_PADDING)
    return np.asarray(chip, dtype=np.uint8)


def seen_face(aligned: Image.Image) -> NDArray[np.uint8]:
    """Return an aligned face as dlib looks at it, [256,256,3]."""
    return np.array(aligned.convert("RGB").resize((_SEEN, _SEEN), Image.Resampling.BICUBIC))

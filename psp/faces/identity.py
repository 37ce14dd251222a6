"""How alike two aligned faces are, for dlib's face descriptor: it compares two given pictures only."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.detection import DLIB_LOCK, aligned_shape, dlib_file, dlib_module

SAME_PERSON = 0.6
"""Below this distance dlib's authors call two photos one person."""


@cache
def _network() -> Any:  # noqa: ANN401  (dlib has no types)
    return dlib_module().face_recognition_model_v1(
        str(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))
    )


def load_descriptor() -> None:
    """Load now what the first comparison would.

    Raises:
        PspError: dlib or its file is not installed, or damaged.
    """
    with DLIB_LOCK:
        _network()


def describe_face(aligned: Image.Image) -> NDArray[np.float64]:
    """Return dlib's descriptor [128] of an FFHQ-aligned face.

    The face is where the alignment puts it, so nothing has to be detected, and a blurred face gets a
    descriptor too.

    Args:
        aligned: RGB, square, aligned as FFHQ; enlarged to 256 px where it is smaller.
    """
    picture = aligned.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
    array = np.asarray(picture)
    landmarks = aligned_shape(array)
    with DLIB_LOCK:
        return np.asarray(_network().compute_face_descriptor(array, landmarks), dtype=np.float64)


def identity_distance(a: Image.Image, b: Image.Image) -> float:
    """Return the Euclidean distance of two aligned faces' descriptors: 0 for equal ones."""
    return float(np.linalg.norm(describe_face(a) - describe_face(b)))

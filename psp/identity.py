"""How alike two aligned faces are, for dlib's face descriptor: it compares two given pictures only."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from psp.faces import dlib_file

if TYPE_CHECKING:
    from PIL import Image

SAME_PERSON = 0.6
"""Below this distance dlib's authors call two photos one person."""

_lock = threading.Lock()


@cache
def _networks() -> tuple[Any, Any]:
    import dlib  # noqa: PLC0415  (slow to load: on first use)

    predictor = dlib.shape_predictor(str(dlib_file("shape_predictor_68_face_landmarks.dat")))
    return predictor, dlib.face_recognition_model_v1(
        str(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))
    )


def describe_face(aligned: Image.Image) -> NDArray[np.float64]:
    """Return dlib's descriptor [128] of an FFHQ-aligned face.

    The face is where the alignment puts it, so nothing has to be detected, and a blurred face gets a
    descriptor too.

    Args:
        aligned: RGB, square, aligned as FFHQ; enlarged to 256 px where it is smaller.
    """
    import dlib  # noqa: PLC0415  (slow to load: on first use)
    from PIL import Image as Pictures  # noqa: PLC0415  (only the type is needed above)

    picture = aligned.convert("RGB").resize((256, 256), Pictures.Resampling.BICUBIC)
    array = np.asarray(picture)
    # Where dlib's detector puts its box in an FFHQ crop: the mean over 80 aligned photos and paintings.
    box = dlib.rectangle(48, 75, 200, 229)
    with _lock:  # dlib's networks keep buffers of their own
        predictor, network = _networks()
        landmarks = predictor(array, box)
        return np.asarray(network.compute_face_descriptor(array, landmarks), dtype=np.float64)


def identity_distance(a: Image.Image, b: Image.Image) -> float:
    """Return the Euclidean distance of two aligned faces' descriptors: 0 for equal ones."""
    return float(np.linalg.norm(describe_face(a) - describe_face(b)))

"""The parts of an aligned face that face networks see: cut by its own landmarks, for measuring."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.detection import Points, aligned_landmarks
from psp.faces.identity import seen_face
from psp.models.irse import FACE_SIZE

TEMPLATE: Points = np.array(
    [
        (38.29459953, 51.69630051),
        (73.53179932, 51.50139999),
        (56.02519989, 71.73660278),
        (41.54930115, 92.3655014),
        (70.72990036, 92.20410156),
    ]
)
"""Where eyes, nose and mouth corners were in the faces that ArcFace and CurricularFace were trained on.

(x, y) in pixels of their 112×112 faces, the picture's left first.
"""


def find_landmarks(picture: Image.Image) -> Points:
    """Return dlib's 68 landmarks [68,2] of an aligned face as (x, y), in pixels of the picture at 256 px."""
    return aligned_landmarks(seen_face(picture))


def recogniser_face(picture: Image.Image) -> NDArray[np.uint8]:
    """Return an aligned face [112,112,3] as ArcFace and CurricularFace know faces.

    As in the paper's measure of identity (section 4), but that dlib finds the five points, not MTCNN.
    """
    seen = seen_face(picture)
    move = similarity_transform(five_points(aligned_landmarks(seen)), TEMPLATE)
    face = cv2.warpAffine(seen, move, (FACE_SIZE, FACE_SIZE), flags=cv2.INTER_LINEAR)
    return np.asarray(face, dtype=np.uint8)


def five_points(landmarks: Points) -> Points:
    """Return both eyes, the tip of the nose and both corners of the mouth, [5,2], of 68 landmarks [68,2]."""
    eyes = (landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0))
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]])


def similarity_transform(points: Points, wanted: Points) -> Points:
    """Return the turn, scale and shift [2,3] that bring ``points`` [N,2] nearest to ``wanted`` [N,2].

    Least squares (Umeyama 1991, without reflection). With points as complex numbers the map is z → a·z + b,
    so a is the regression of one set on the other, both from their means.
    """
    z, w = (set_[:, 0] + 1j * set_[:, 1] for set_ in (points, wanted))
    centred = z - z.mean()
    a = np.vdot(centred, w - w.mean()) / max(np.vdot(centred, centred).real, 1e-12)
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])

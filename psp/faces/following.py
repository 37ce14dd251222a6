"""One face followed through the frames of a video: found, then looked for near where it was."""

from __future__ import annotations

import numpy as np
from PIL import Image

from psp.errors import FaceIndexError, FaceNotFoundError
from psp.faces.alignment import crop_quad, ffhq_quad, quad_side
from psp.faces.detection import Face, Points, aligned_landmarks, detect_faces, detect_quickly

# Frames that are searched thoroughly before one shows a face: with turned copies and dlib's CNN, 5 s each.
_THOROUGH = 3
# Pixels of the longer side in which a face is looked for anew, and of a face, half as wide as its crop, that
# is looked for; smaller ones are enlarged so many times at most.
_ANEW, _NEAR, _ENLARGED = 800, 110, 2.5
# Of the crop's side: how far around the last crop is looked, and how far a face may have moved.
_AROUND, _MOVED = 0.3, 0.45
# The crop's side from one frame to the next, at most and at least.
_GROWN = (0.6, 1.6)
# The score of HOG from which a face elsewhere is taken for the one that was lost.
_SURE = 0.25
# Pixels of the crop by which the box is moved; the mean of what is found has less noise.
_LOOKS = ((0, 0), (5, 0), (-5, 0), (0, 5), (0, -5))


class Follower:
    """Follows one face; frames are given one after the other.

    Args:
        face: Which one, of the first frame in which one is found; 0 is the largest.
    """

    def __init__(self, face: int) -> None:
        self.faces = 0  # how many were found where it was found first
        self._face = face
        self._last: Points | None = None
        self._searched = 0

    def quad(self, frame: Image.Image) -> Points | None:
        """Return where the FFHQ crop of the face is in a frame, RGB, [4,2]; None where it is not seen.

        Raises:
            FaceIndexError: The first frame with a face in it has fewer than ``face`` asks for.
        """
        found = self._begun(frame) if self._last is None else self._near(frame) or self._anew(frame)
        try:
            quad = None if found is None else _settled(frame, ffhq_quad(found.landmarks))
        except FaceNotFoundError:  # a face of a few pixels
            return None
        self._last = self._last if quad is None else quad
        return quad

    def _begun(self, frame: Image.Image) -> Face | None:
        """Find the face for the first time."""
        thorough = self._searched < _THOROUGH
        self._searched += 1
        found = detect_faces(frame, self._face + 1) if thorough else _sure(frame)
        if not found:
            return None
        if self._face >= len(found):
            told = "1 face was" if len(found) == 1 else f"{len(found)} faces were"
            raise FaceIndexError(
                f"There is no face number {self._face}: {told} found in the first frame that shows one.",
                "Faces are counted from 0, the largest.",
            )
        self.faces = len(found)
        return found[self._face]

    def _near(self, frame: Image.Image) -> Face | None:
        """Find the face around where it was."""
        assert self._last is not None
        side, middle = quad_side(self._last), self._last.mean(axis=0)
        low = np.floor(np.maximum(self._last.min(axis=0) - side * _AROUND, 0)).astype(int)
        high = np.ceil(np.minimum(self._last.max(axis=0) + side * _AROUND, frame.size)).astype(int)
        if (high - low).min() < 1:
            return None
        part = frame.crop((*low.tolist(), *high.tolist()))
        # The face itself is half as wide as its crop.
        near = [
            (float(np.hypot(*(quad.mean(axis=0) - middle))), face)
            for face in detect_quickly(part, min(_ENLARGED, 2 * _NEAR / side))
            if (quad := _quad_of(face, low)) is not None
            and _GROWN[0] < quad_side(quad) / side < _GROWN[1]
            and np.hypot(*(quad.mean(axis=0) - middle)) < _MOVED * side
        ]
        if not near:
            return None
        face = min(near, key=lambda each: each[0])[1]
        return Face(face.box, face.landmarks + low, face.score, face.found_by)

    def _anew(self, frame: Image.Image) -> Face | None:
        """Find it somewhere else: the face whose size is the nearest."""
        assert self._last is not None
        side = quad_side(self._last)
        sized = [
            (abs(np.log(quad_side(quad) / side)), face)
            for face in _sure(frame, side)
            if (quad := _quad_of(face)) is not None
        ]
        return min(sized, key=lambda each: each[0])[1] if sized else None


def _sure(frame: Image.Image, side: float | None = None) -> tuple[Face, ...]:
    """Return the faces of a frame that are surely some, largest first; ``side``: of a crop as expected."""
    scale = _ANEW / max(frame.size)
    if side is not None:
        scale = max(scale, min(_ENLARGED, 2 * _NEAR / side))
    found = detect_quickly(frame, min(scale, _ANEW * 2 / max(frame.size)))
    kept = [face for face in found if face.score >= _SURE]
    return tuple(sorted(kept, key=lambda face: -_size(face)))


def _size(face: Face) -> float:
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)


def _quad_of(face: Face, origin: Points | None = None) -> Points | None:
    try:
        quad = ffhq_quad(face.landmarks)
    except FaceNotFoundError:
        return None
    return quad if origin is None else quad + origin


def _settled(frame: Image.Image, quad: Points) -> Points:
    """Return the quad of landmarks that are looked for again, in the crop, several times."""
    side = 256
    crop = np.array(crop_quad(frame, quad, side))
    points = np.mean([aligned_landmarks(crop, look) for look in _LOOKS], axis=0)
    across, down = (quad[3] - quad[0]) / side, (quad[1] - quad[0]) / side
    return ffhq_quad(quad[0] + (points[:, :1] + 0.5) * across + (points[:, 1:] + 0.5) * down)

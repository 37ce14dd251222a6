"""Finding faces: dlib's detectors, tried from the quick to the thorough, and its 68 landmarks.

Coordinates are pixel indices of the photo: the centre of the first pixel is (0, 0), x to the right, y down.
"""

from __future__ import annotations

import importlib.util
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import PspError
from psp.files.pins import hash_file
from psp.pictures.images import check_shape, load_picture

Points: TypeAlias = NDArray[np.float64]
_Dlib: TypeAlias = Any  # dlib has no types

# What face-recognition-models 0.3.0 holds.
_SHA256 = {
    "dlib_face_recognition_resnet_model_v1.dat": (
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
    ),
    "mmod_human_face_detector.dat": "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
    "shape_predictor_68_face_landmarks.dat": (
        "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
    ),
}

# Long sides in pixels of the picture that a detector sees. HOG needs faces of about 80 pixels.
_HOG_SIDE = 1000
_TURNED_SIDE = 800
# Where dlib's detector puts its box (left, top, right, bottom) in an FFHQ crop of 256 px: the mean over 80
# aligned photos and paintings.
_ALIGNED_BOX = (48, 75, 200, 229)

# Degrees counterclockwise by which the photo is turned, for people lying down and phones held askew.
_ANGLES = (90, 180, 270, 30, -30, 45, -45)
# Pixels that the CNN sees: it takes about 7 s a megapixel on one core.
_CNN_PIXELS = 220_000
# Its window, in pixels: in a view with a shorter side there is no face, and a few pixels corrupt its memory.
_CNN_WINDOW = 40
# HOG's score (its own threshold is 0) from which a face counts at once. Below, it may be the pattern of a
# shirt or a head held askew with its landmarks awry, so that other attempts are heard first.
_SURE = 0.25
# A face found late beside others must be surer still, else an index too high would find another shirt.
_SURE_EXTRA = 0.6
# Turned photos show many things that are no faces.
_SURE_TURNED = 0.5
# Scores of HOG and of the CNN below which a detection is looked at again, and the score of HOG on the aligned
# crop below which it may be no face: of 110 small faces the least had 0.58 there, of 14 patterns (a badge,
# coins, a motorcycle) the highest 0.08.
_LOOK_AGAIN = {"hog": 0.6, "cnn": 0.25}
_DOUBT = 0.3
# How far, in pixels of the crop of 256 px, the box of that second look may lie from where boxes lie.
_SHIFT = 35.0
# Side of the face box, in pixels, at which landmarks are found: below it is magnified, above it is shrunk.
_LANDMARK_SIDES = (80.0, 400.0)
_LARGE_PIECE = 16_000_000  # pixels

# dlib's objects keep scratch memory: one thread at a time.
DLIB_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a photo.

    Attributes:
        box: (left, top, right, bottom) in photo pixels; may reach beyond the photo.
        landmarks: The 68 points of dlib, float64 [68,2] as (x, y) in photo pixels.
        score: The detector's confidence; HOG and CNN have different scales.
        found_by: Which attempt found it: "hog", "hog x2", "hog x4", "hog turned 90" (the photo was turned by
            that many degrees counterclockwise), "cnn".
    """

    box: tuple[float, float, float, float]
    landmarks: Points
    score: float
    found_by: str


@dataclass(frozen=True)
class _Spot:
    """A detection: the centre and the size of its box in photo pixels, upright once the photo is turned."""

    x: float
    y: float
    width: float
    height: float
    angle: int
    score: float
    found_by: str

    def same_face(self, other: _Spot) -> bool:
        return math.hypot(self.x - other.x, self.y - other.y) < 0.6 * max(self.width, other.width)


def detect_faces(photo: Image.Image, min_faces: int = 1) -> tuple[Face, ...]:
    """Find faces with HOG, then HOG at higher sampling, then HOG on the turned photo, then dlib's CNN.

    Attempts stop once ``min_faces`` faces are known; the CNN (1.5 s) runs only where none is known for sure.
    A face that HOG doubts counts only if no attempt finds a better one.

    Args:
        photo: A picture of any mode and size.
        min_faces: How many faces the caller needs.

    Returns:
        The faces, largest box first. Faces of a later attempt follow those of an earlier one, so that an
        index means the same face whatever ``min_faces`` is. Empty if there is none.

    Raises:
        PictureError: The picture is a strip (``psp.pictures.images.MAX_ASPECT``).
        PspError: dlib or its model files are not installed.
    """
    check_shape(photo.size)
    photo = photo if photo.mode == "RGB" else load_picture(photo)
    known: list[_Spot] = []
    doubtful: list[_Spot] = []
    for attempt in _attempts(photo):
        found = attempt(bool(known))
        doubtful += [spot for spot in found if spot.angle == 0]
        _add(known, [spot for spot in found if spot.score >= _enough(spot, bool(known))])
        if len(known) >= min_faces:
            break
    if not known:
        _add(known, doubtful)
    return tuple(_face(photo, spot) for spot in known)


def detect_quickly(photo: Image.Image, scale: float) -> tuple[Face, ...]:
    """Find faces with HOG alone, on an RGB photo of ``scale`` times its size; the surest first."""
    found = sorted(_hog(photo, scale, "hog"), key=lambda spot: -spot.score)
    return tuple(_face(photo, spot) for spot in found)


def is_doubtful(face: Face, crop: Image.Image) -> bool:
    """Tell whether a detection may be something else: the detector was unsure, and is so of the crop as well.

    Aligned and enlarged, a small or turned face is an easy one, and the pattern of a shirt is none.

    Args:
        face: What was detected.
        crop: Its FFHQ crop, RGB, square.

    Raises:
        PspError: dlib is not installed.
    """
    if face.score >= _LOOK_AGAIN["cnn" if face.found_by == "cnn" else "hog"]:
        return False
    frame = np.array(crop.resize((256, 256), Image.Resampling.BICUBIC))
    with DLIB_LOCK:
        rects, scores, _ = _hog_detector().run(frame, 0, _DOUBT)
    left, top, right, bottom = _ALIGNED_BOX
    middle = np.array([left + right, top + bottom]) / 2
    for rect, score in zip(rects, scores, strict=True):
        apart = np.array([rect.left() + rect.right(), rect.top() + rect.bottom()]) / 2 - middle
        if score >= _DOUBT and np.abs(apart).max() < _SHIFT:
            return False
    return True


def _enough(spot: _Spot, others_known: bool) -> float:
    """Score from which a detection counts at once."""
    if others_known:
        return _SURE_EXTRA
    return _SURE_TURNED if spot.angle else _SURE


def _add(known: list[_Spot], found: list[_Spot]) -> None:
    """Append the faces not known yet, largest first; of two looks at one face the better score stays."""
    fresh: list[_Spot] = []
    for spot in sorted(found, key=lambda each: -each.score):
        if not any(spot.same_face(other) for other in (*known, *fresh)):
            fresh.append(spot)
    known += sorted(fresh, key=lambda each: -each.width * each.height)


def _attempts(photo: Image.Image) -> Iterator[Callable[[bool], list[_Spot]]]:
    """Yield the attempts in order; each is told whether faces are known already."""
    long_side = max(photo.size)
    scale = min(1.0, _HOG_SIDE / long_side)
    yield lambda _: _hog(photo, scale, "hog")
    yield lambda _: _hog(photo, 2 * scale, "hog x2")
    yield lambda _: _hog(photo, min(2.0, _TURNED_SIDE / long_side), "hog", _ANGLES)
    if 4 * scale <= 1 or 4 * long_side <= _HOG_SIDE:  # where the photo has that detail, or is tiny
        yield lambda _: _hog(photo, 4 * scale, "hog x4")
    yield lambda known: [] if known else _cnn(photo)


@dataclass(frozen=True, eq=False)
class _View:
    """What a detector looks at: pixels [H,W,3] made from the photo, and the affine map [2,3] to them."""

    pixels: NDArray[np.uint8]
    matrix: Points

    @classmethod
    def of(cls, photo: Image.Image, scale: float, origin: tuple[int, int] = (0, 0)) -> _View:
        """Resize without aliasing; ``photo`` may be a piece whose first pixel is ``origin`` in the photo."""
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        ratio = np.array(size) / np.array(photo.size)
        if size != photo.size:
            photo = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        shift = (0.5 - np.array(origin)) * ratio - 0.5
        # np.array copies: dlib wants memory that is contiguous and writable.
        return cls(np.array(photo), np.hstack([np.diag(ratio), shift[:, None]]))

    def turned(self, angle: int) -> _View:
        """Turn counterclockwise by ``angle`` degrees, on a canvas that holds all of it."""
        if angle == 0:
            return self
        import cv2  # noqa: PLC0415  # on first use: the page starts without it

        height, width = self.pixels.shape[:2]
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        canvas = round(width * abs(cos) + height * abs(sin)), round(width * abs(sin) + height * abs(cos))
        # y points down, hence the signs. The middle of the view goes to the middle of the canvas.
        turn = np.array([[cos, sin], [-sin, cos]])
        shift = (np.array(canvas) - 1) / 2 - turn @ (np.array([width, height]) - 1) / 2
        pixels = cv2.warpAffine(
            self.pixels, np.hstack([turn, shift[:, None]]), canvas, flags=cv2.INTER_LINEAR
        )
        matrix = turn @ self.matrix
        matrix[:, 2] += shift
        return _View(np.asarray(pixels, dtype=np.uint8), matrix)

    @property
    def scale(self) -> float:
        """View pixels a photo pixel."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    def from_photo(self, points: Points) -> Points:
        """Carry points [N,2] from the photo to the view."""
        carried: Points = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return carried

    def to_photo(self, points: Points) -> Points:
        """Carry points [N,2] from the view to the photo."""
        carried: Points = (points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T
        return carried


def _hog(photo: Image.Image, scale: float, found_by: str, angles: tuple[int, ...] = (0,)) -> list[_Spot]:
    spots = []
    whole = _View.of(photo, scale)
    for angle in angles:
        view = whole.turned(angle)
        with DLIB_LOCK:
            rects, scores, _ = _hog_detector().run(view.pixels, 0, 0.0)
        name = f"{found_by} turned {angle}" if angle else found_by
        spots += [_spot(view, rect, angle, score, name) for rect, score in zip(rects, scores, strict=True)]
    return spots


def _cnn(photo: Image.Image) -> list[_Spot]:
    view = _View.of(photo, min(2.0, math.sqrt(_CNN_PIXELS / (photo.width * photo.height))))
    if min(view.pixels.shape[:2]) < _CNN_WINDOW:
        return []
    with DLIB_LOCK:
        found = _cnn_detector()(view.pixels, 0)
    return [_spot(view, each.rect, 0, each.confidence, "cnn") for each in found]


def _spot(view: _View, rect: _Dlib, angle: int, score: float, found_by: str) -> _Spot:
    """Carry a dlib rectangle from a view to the photo."""
    middle = np.array([[rect.left() + rect.right(), rect.top() + rect.bottom()]]) / 2
    x, y = view.to_photo(middle)[0]
    width, height = (rect.right() - rect.left()) / view.scale, (rect.bottom() - rect.top()) / view.scale
    return _Spot(float(x), float(y), width, height, angle, float(score), found_by)


def _face(photo: Image.Image, spot: _Spot) -> Face:
    """Find the landmarks of a detection, on a copy of its surroundings that is upright and of a good size."""
    side = max(spot.width, spot.height, 1.0)
    scale = min(max(side, _LANDMARK_SIDES[0]), _LANDMARK_SIDES[1]) / side
    reach = math.ceil(1.5 * side)
    left, top = math.floor(spot.x) - reach, math.floor(spot.y) - reach
    box = (left, top, left + 2 * reach, top + 2 * reach)
    if 4 * reach * reach > _LARGE_PIECE:  # a close-up: nothing beyond the photo is worth the memory
        box = (max(left, 0), max(top, 0), min(box[2], photo.width), min(box[3], photo.height))
    # Beyond the photo the piece is black, as dlib itself sees it.
    view = _View.of(photo.crop(box), scale, box[:2]).turned(spot.angle)

    middle = view.from_photo(np.array([[spot.x, spot.y]]))[0]
    half = np.array([spot.width, spot.height]) / 2
    corners = (*(middle - half * view.scale), *(middle + half * view.scale))
    rect = dlib_module().rectangle(*(round(float(value)) for value in corners))
    with DLIB_LOCK:
        shape = landmark_predictor()(view.pixels, rect)
    landmarks = view.to_photo(np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64))
    bounds = (
        spot.x - spot.width / 2,
        spot.y - spot.height / 2,
        spot.x + spot.width / 2,
        spot.y + spot.height / 2,
    )
    return Face(bounds, landmarks, spot.score, spot.found_by)


@cache
def dlib_module() -> _Dlib:
    """Return dlib, imported on first use.

    Raises:
        PspError: It is not installed.
    """
    try:
        import dlib  # noqa: PLC0415  # on first use: the page starts without it
    except ImportError as error:
        raise PspError(
            "dlib, which finds faces, is not installed.", "Run: pip install dlib-bin (never beside 'dlib')."
        ) from error
    return dlib


def dlib_file(name: str) -> Path:
    """Find a model file of the package face-recognition-models, which cannot be imported (no pkg_resources).

    Raises:
        PspError: The package is not installed, has no such file, or one that is damaged.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / name
        if path.is_file():
            _require_whole(path)
            return path
    raise PspError(
        f"{name}, which finds faces, is not installed.", "Run: pip install face-recognition-models==0.3.0"
    )


@cache
def _require_whole(path: Path) -> None:
    """Refuse a file that is not that of the package: dlib takes a damaged one for what it is not."""
    if hash_file(path) != _SHA256[path.name]:
        raise PspError(
            f"{path.name}, which finds faces, is damaged.",
            "Run: pip install --force-reinstall --no-deps face-recognition-models==0.3.0",
        )


@cache
def _hog_detector() -> _Dlib:
    return dlib_module().get_frontal_face_detector()


def load_detector() -> None:
    """Load now what the first search for a face would: the quick detector and the predictor.

    Raises:
        PspError: dlib or its files are not installed, or damaged.
    """
    with DLIB_LOCK:
        _hog_detector()
        landmark_predictor()


@cache
def _cnn_detector() -> _Dlib:
    return dlib_module().cnn_face_detection_model_v1(str(dlib_file("mmod_human_face_detector.dat")))


@cache
def landmark_predictor() -> _Dlib:
    """Return dlib's 68-point predictor, loaded once (100 MB); use it under ``DLIB_LOCK``."""
    return dlib_module().shape_predictor(str(dlib_file("shape_predictor_68_face_landmarks.dat")))


def aligned_shape(frame: NDArray[np.uint8], moved: tuple[int, int] = (0, 0)) -> _Dlib:
    """Return dlib's landmarks of an FFHQ-aligned face ``frame`` [256,256,3], as dlib's own object.

    The face is where the alignment puts it, so nothing has to be detected; ``moved``: pixels beside that.
    """
    (x, y), (left, top, right, bottom) = moved, _ALIGNED_BOX
    box = dlib_module().rectangle(left + x, top + y, right + x, bottom + y)
    with DLIB_LOCK:
        return landmark_predictor()(frame, box)


def aligned_landmarks(frame: NDArray[np.uint8], moved: tuple[int, int] = (0, 0)) -> Points:
    """Return dlib's 68 landmarks [68,2] of an FFHQ-aligned face ``frame`` [256,256,3] as (x, y) in pixels."""
    return np.array([(part.x, part.y) for part in aligned_shape(frame, moved).parts()], dtype=np.float64)

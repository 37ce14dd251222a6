"""From a photo to the square face crop that pSp was trained on (the FFHQ alignment), and the way back.

Coordinates are pixel indices: the centre of the top-left pixel is (0, 0), x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.errors import FaceIndexError, FaceNotFoundError, InputError
from psp.faces.detection import Face, Points, detect_faces, is_doubtful
from psp.parameters import ALIGN_OFF
from psp.pictures.images import center_square, check_shape, load_picture

__all__ = [
    "Alignment",
    "Face",
    "align",
    "align_all",
    "check_quad",
    "detect_faces",
    "ffhq_quad",
    "take_square",
]

NO_FACE = -1
"""``Alignment.face`` where no face was looked for."""

# How many times longer than the photo a crop may be: of a face that fills a photo it is about three times.
_LARGEST_CROP = 8


@dataclass(frozen=True, eq=False)
class Alignment:
    """A square crop of a photo and where it lies there.

    Attributes:
        crop: RGB picture of ``size`` x ``size`` pixels.
        faces: How many faces were found; 0 where none was looked for.
        face: Index of the face in the crop, largest face first; ``NO_FACE`` where none was looked for.
        quad: Outer corners of the crop in photo pixels, float64 [4,2] as (x, y): top-left, bottom-left,
            bottom-right, top-right. May lie outside the photo.
        to_photo: Affine map from crop pixels to photo pixels, float64 [2,3], as ``cv2.warpAffine`` takes it:
            pixel index to pixel index, so that the crop's outer corners are at -0.5 and size - 0.5.
        photo_size: (width, height) of the photo in pixels.
        sure: False where the detection may be something else than a face
            (``psp.faces.detection.is_doubtful``).
    """

    crop: Image.Image
    faces: int
    face: int
    quad: Points
    to_photo: Points
    photo_size: tuple[int, int]
    sure: bool = True

    @property
    def side(self) -> float:
        """Side of the crop in pixels of the photo."""
        return quad_side(self.quad)


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """A photo with its faces, found once for several results of it; :func:`align` takes it for the photo.

    Attributes:
        photo: RGB picture.
        faces: Its faces, as ``detect_faces`` gives them; not empty.
    """

    photo: Image.Image
    faces: tuple[Face, ...]


def find_faces(photo: Image.Image) -> FoundFaces:
    """Find the faces of a photo that are known at once, those that :func:`align_all` gives for face 0.

    Raises:
        FaceNotFoundError: As :func:`align`.
        PspError: As :func:`align`.
    """
    return FoundFaces(*_find(photo, 0))


def align(photo: Image.Image | FoundFaces, face: int = 0, size: int = 256) -> Alignment:
    """Find a face and crop it as FFHQ does: upright, with eyes and mouth always in the same places.

    Args:
        photo: A picture of any mode and size.
        face: Which face: 0 is the largest.
        size: Side of the crop in pixels.

    Raises:
        FaceNotFoundError: There is no face in the photo.
        FaceIndexError: The photo has fewer faces than ``face`` asks for, or ``face`` is negative.
        PspError: dlib or its model files are not installed.
    """
    photo, faces = _find(photo, face)
    return _cut(photo, faces, face, size)


def align_all(photo: Image.Image | FoundFaces, face: int = 0, size: int = 256) -> tuple[Alignment, ...]:
    """Do what :func:`align` does, for every face that is known once ``face`` is, with one search.

    Raises:
        FaceNotFoundError: As :func:`align`.
        FaceIndexError: As :func:`align`.
        PspError: As :func:`align`.
    """
    photo, faces = _find(photo, face)
    return tuple(_cut(photo, faces, index, size) for index in range(len(faces)))


def _find(photo: Image.Image | FoundFaces, face: int) -> tuple[Image.Image, tuple[Face, ...]]:
    """Return the photo as RGB and its faces, ``face`` among them."""
    if face < 0:
        raise FaceIndexError(f"There is no face number {face}.", "Faces are counted from 0, the largest.")
    if isinstance(photo, FoundFaces):
        if face < len(photo.faces):
            return photo.photo, photo.faces
        photo = photo.photo
    photo = photo if photo.mode == "RGB" else load_picture(photo)
    faces = detect_faces(photo, min_faces=face + 1)
    if not faces:
        raise FaceNotFoundError(
            "No face was found in the photo.",
            f"If it is an aligned face crop already, {ALIGN_OFF}; "
            "else take a larger or more frontal picture, or crop closer to the face.",
        )
    if face >= len(faces):
        found = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
        valid = "only 0 is" if len(faces) == 1 else f"0 to {len(faces) - 1} are"
        raise FaceIndexError(f"There is no face number {face}: {found} found.", f"Here {valid} valid.")
    return photo, faces


def _cut(photo: Image.Image, faces: tuple[Face, ...], face: int, size: int) -> Alignment:
    quad = ffhq_quad(faces[face].landmarks)
    crop = crop_quad(photo, quad, size)
    sure = not is_doubtful(faces[face], crop)
    return Alignment(crop, len(faces), face, quad, _to_photo(quad, size), photo.size, sure)


def take_square(photo: Image.Image | FoundFaces, size: int = 256) -> Alignment:
    """Take a square picture as it is, of another its centred square, resized to ``size`` x ``size`` pixels.

    What ``align=False`` does: for faces that are aligned already, drawings and maps. No face is looked for.

    Raises:
        PictureError: The picture is a strip (``psp.pictures.images.MAX_ASPECT``).
    """
    photo = photo.photo if isinstance(photo, FoundFaces) else photo
    check_shape(photo.size)
    photo = photo if photo.mode == "RGB" else load_picture(photo)
    left, top, side = center_square(photo)
    box = (left, top, left + side, top + side)
    # Cropped first: resize(box=...) would let pixels from outside the square bleed into its edges.
    crop = photo.crop(box).resize((size, size), Image.Resampling.BILINEAR)
    corners = [(left, top), (left, top + side), (left + side, top + side), (left + side, top)]
    quad = np.array(corners, dtype=np.float64) - 0.5
    return Alignment(crop, 0, NO_FACE, quad, _to_photo(quad, size), photo.size)


def ffhq_quad(landmarks: Points) -> Points:
    """Place the FFHQ crop over 68 landmarks (Karras et al. 2019, appendix A of "A Style-Based Generator").

    The crop is a square centred a little below the eyes. Its x axis lies between the line of the eyes and the
    normal of the line from eyes to mouth; its side is 4 times the distance of the eyes or 3.6 times that of
    eyes and mouth, whichever is larger.

    Args:
        landmarks: float [68,2] as (x, y).

    Returns:
        float64 [4,2] in the same coordinates: top-left, bottom-left, bottom-right, top-right.

    Raises:
        FaceNotFoundError: The landmarks fall on one spot.
    """
    eye_left, eye_right = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    eyes, mouth = (eye_left + eye_right) / 2, (landmarks[48] + landmarks[54]) / 2
    eye_to_eye, eye_to_mouth = eye_right - eye_left, mouth - eyes

    direction = eye_to_eye - _quarter_turn(eye_to_mouth)
    length = math.hypot(*direction)
    half = max(math.hypot(*eye_to_eye) * 2.0, math.hypot(*eye_to_mouth) * 1.8)
    if length < 1e-6 or half < 1.0:
        raise FaceNotFoundError(
            "The face in the photo is too small to align.", "Take a larger picture of it."
        )
    x = direction / length * half
    y = _quarter_turn(x)
    c = eyes + eye_to_mouth * 0.1
    return np.array([c - x - y, c - x + y, c + x + y, c + x - y], dtype=np.float64)


def quad_side(quad: Points) -> float:
    """Return the side of a square with the corners ``quad`` [4,2]."""
    return math.hypot(*(quad[3] - quad[0]))


def check_quad(quad: object, photo_size: tuple[int, int]) -> Points:
    """Return a quad that came from outside, if a crop of the photo can lie there.

    Work on a quad costs as much as it is long, so that no other is worked on.

    Args:
        quad: [4,2], as ``Alignment.quad`` has it, rounded to a hundredth of a pixel or finer.
        photo_size: (width, height) in pixels.

    Returns:
        float64 [4,2].

    Raises:
        InputError: It is no upright or turned square, is far larger than the photo, or lies beside it.
    """
    try:
        corners = np.asarray(quad, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        corners = np.empty(0)
    if corners.shape == (4, 2) and bool(np.isfinite(corners).all()):
        x, y = corners[3] - corners[0], corners[1] - corners[0]
        side = math.hypot(*x)
        off = np.array([*(y - _quarter_turn(x)), *(corners[2] - corners[0] - x - y)])
        low, high = corners.min(axis=0), corners.max(axis=0)
        beside = bool((high < 0).any() or (low > np.array(photo_size)).any())
        square = bool(np.abs(off).max() <= 0.05 + 1e-3 * side)
        if square and not beside and 1 <= side <= _LARGEST_CROP * max(photo_size):
            return corners
    raise InputError(
        "The place of the face does not fit the photo.",
        "Use the photo and the details of the same result.",
    )


def _quarter_turn(vector: Points) -> Points:
    """Turn (x, y) by 90 degrees, from right to down."""
    return np.array([-vector[1], vector[0]])


def _to_photo(quad: Points, size: int) -> Points:
    """Affine map [2,3] from crop pixel indices to photo pixel indices."""
    across, down = (quad[3] - quad[0]) / size, (quad[1] - quad[0]) / size
    origin = quad[0] + 0.5 * (across + down)  # the centre of the crop's first pixel
    return np.stack([across, down, origin], axis=1)


def crop_quad(photo: Image.Image, quad: Points, size: int = 256) -> Image.Image:
    """Resample a quad of a photo to a square, mirroring the photo at its edges where the quad leaves it.

    Args:
        photo: An RGB picture.
        quad: Corners in photo pixels, float64 [4,2], as ``Alignment.quad`` has them.
        size: Side of the crop in pixels.
    """
    region, quad = _region(photo, quad, size)
    width, height = region.size
    side = quad_side(quad)
    border = max(round(side * 0.1), 3)
    low, high = np.floor(quad.min(axis=0)).astype(int), np.ceil(quad.max(axis=0)).astype(int)
    beyond = np.array([*(border - low), *(border + high - (width, height))])
    if beyond.max() > border - 4:  # the quad comes within 4 pixels of an edge, or leaves the photo
        pad = np.maximum(beyond, round(side * 0.3))
        region = _mirror(region, pad, blur=side * 0.02)
        quad = quad + pad[:2]

    # One sample an output pixel would alias where the crop shrinks: take more (up to 4 x 4), then average.
    fine = size * max(1, math.ceil(side / size - 1e-6))
    corners = tuple(float(value) for value in (quad + 0.5).flatten())  # Pillow counts from the pixel's corner
    crop = region.transform((fine, fine), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    return crop if fine == size else crop.resize((size, size), Image.Resampling.LANCZOS)


def _region(photo: Image.Image, quad: Points, size: int) -> tuple[Image.Image, Points]:
    """Cut out the quad with a border, shrunk by a whole factor where it is more than 4 times ``size``.

    Cut before it is shrunk, so that a huge photo costs no more than its face.

    Returns:
        The region and the quad in it.
    """
    side = quad_side(quad)
    shrink = max(1, math.floor(side / size * 0.5))
    border = max(round(side * 0.1), 3 * shrink)
    low, high = np.floor(quad.min(axis=0)) - border, np.ceil(quad.max(axis=0)) + border
    limits = np.array(photo.size)
    low = np.clip(low, 0, limits - 1).astype(int)
    high = np.maximum(np.clip(high, 0, limits).astype(int), low + 1)
    region = photo.crop((*low.tolist(), *high.tolist()))
    if shrink > 1:
        reduced = max(1, round(region.width / shrink)), max(1, round(region.height / shrink))
        ratio = np.array(reduced) / np.array(region.size)
        region = region.resize(reduced, Image.Resampling.LANCZOS)
        return region, (quad - low + 0.5) * ratio - 0.5
    return region, quad - low


def _mirror(region: Image.Image, pad: NDArray[np.int64], blur: float) -> Image.Image:
    """Continue a picture beyond its edges as FFHQ does: mirrored, blurred, faded to the median colour.

    Args:
        region: RGB picture.
        pad: Pixels to add: left, top, right, bottom; each at least 1.
        blur: Sigma of the Gaussian, in pixels.
    """
    import cv2  # noqa: PLC0415  # on first use: the page starts without it

    left, top, right, bottom = (int(value) for value in pad)
    padded = np.pad(np.asarray(region), ((top, bottom), (left, right), (0, 0)), mode="reflect").astype(
        np.float32
    )
    height, width = padded.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    # 1 at the outer edge, 0 at the photo's own edge, below 0 inside.
    ramp_x = 1 - np.minimum(x / left, (width - 1 - x) / right)
    ramp_y = 1 - np.minimum(y / top, (height - 1 - y) / bottom)
    ramp = np.maximum(ramp_x[None, :], ramp_y[:, None])[:, :, None]

    kernel = 2 * int(4 * blur + 0.5) + 1  # four sigmas, as scipy's gaussian_filter
    soft = cv2.GaussianBlur(padded, (kernel, kernel), blur, borderType=cv2.BORDER_REFLECT)
    padded += (soft - padded) * np.clip(ramp * 3 + 1, 0, 1)
    padded += (np.median(padded, axis=(0, 1)) - padded) * np.clip(ramp, 0, 1)
    return Image.fromarray(np.clip(np.rint(padded), 0, 255).astype(np.uint8))

"""An aligned face -> an animated film's version of it: the target on which toonify's generator is tuned.

Nothing is learned and nothing drawn at random: landmarks, one smooth warp, edge-preserving filters, soft cel
shading and outlines, so that the same picture always gives the same bytes. Lengths here are pixels of a frame
of 256 x 256, with x to the right, y down and the centre of the first pixel at (0, 0), unless said otherwise;
colours are CIE Lab with L in [0,100].
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from psp.faces.detection import aligned_landmarks
from psp.pictures.raster import to_lab
from psp.pictures.sketches import photo_to_sketch

Plane: TypeAlias = NDArray[np.float32]
Picture: TypeAlias = NDArray[np.uint8]

_FRAME = 256
_LARGEST = 512
"""Pictures are worked on at a side between these, then shrunk or enlarged to their own."""

# The eyes of an FFHQ crop (mean over 36 pictures), and how far dlib's may lie from there before they are
# taken for a mistake.
_EYES = np.array([[96.0, 120.5], [160.0, 120.5]])
_STRAY = 8.0
# Magnification of the eyes across and down, and the distance at which it has faded to none.
_EYE_GROWTH, _EYE_REACH = (1.30, 1.48), 31.0
_NOSE_GROWTH, _NOSE_REACH = 0.9, 24.0
# Eyes that are open wider than this (height to width) grow less, so that they do not stare.
_WIDE = 0.27
# How much the jaw is narrowed about the middle of the face, where it turns to the chin.
_SLIMMER = 0.075
# Soft tones: their distance in L, how flat they are (1: not at all), and how much of them is taken.
_TONE, _FLATNESS, _TONED = 13.0, 2.6, 0.8
_BRIGHTNESS = 0.90
# How dark lines are, and how much of that they lose on the skin and at eyes and mouth.
_INK, _CALM_FACE, _CALM_SPOTS = 0.70, 0.60, 0.40
_EYE_POINTS = (slice(36, 42), slice(42, 48))


def cartoonize(picture: Picture) -> Picture:
    """Turn an aligned face into a cartoon of the same person.

    The eyes grow by 30 % across and 48 % down (less where they are wide open), nose and jaw become a little
    slighter, surfaces turn into a few soft tones, and edges into thin lines of a darker shade of their own.

    Args:
        picture: uint8 [S,S,3], RGB, aligned as FFHQ, 64 to 1024 pixels a side.

    Returns:
        uint8 [S,S,3], RGB; a new array. The same picture always gives the same bytes.
    """
    side = picture.shape[0]
    assert picture.shape == (side, side, 3), picture.shape
    points = _landmarks(picture)
    work = min(max(side, _FRAME), _LARGEST)
    large = _warped(picture, points, work)
    points = _carried(points)
    smooth = _smoothed(large, points)
    if side < work:
        smooth = np.asarray(cv2.resize(smooth, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    lab = to_lab(smooth)
    spots, face = _spots(points, lab.shape[0]), _face(points, lab.shape[0])
    lab = _shaded(lab, spots, face)
    ink = 1.0 - np.asarray(photo_to_sketch(Image.fromarray(smooth)), dtype=np.float32) / 255.0
    lab = _inked(lab, ink * (1.0 - _CALM_FACE * face) * (1.0 - _CALM_SPOTS * spots))
    for eye in _EYE_POINTS:
        lab = _with_eye(lab, points[eye])
    colours = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    if side > work:
        colours = cv2.resize(colours, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.rint(np.clip(colours, 0.0, 1.0) * 255.0), dtype=np.uint8)


def _landmarks(picture: Picture) -> Plane:
    """Return dlib's 68 points [68,2] as (x, y), shifted where the eyes are not where FFHQ has them."""
    way = cv2.INTER_AREA if picture.shape[0] > _FRAME else cv2.INTER_CUBIC
    frame = cv2.resize(picture, (_FRAME, _FRAME), interpolation=way)
    points = aligned_landmarks(np.ascontiguousarray(frame)).astype(np.float32)
    for eye, place in zip(_EYE_POINTS, _EYES, strict=True):
        off = points[eye].mean(0) - place
        far = float(np.hypot(*off))
        if far > _STRAY:
            points[eye] -= off * (1.0 - _STRAY / far)
    return points


def _fade(distance: Plane, full: float) -> Plane:
    """Fall smoothly from 1 at ``full`` to 0 at 1."""
    t = np.clip((1.0 - distance) / (1.0 - full), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _opening(eye: Plane) -> float:
    """Return the height of an eye (points [6,2]) in its widths: about 0.25, and 0.1 where it is closed."""
    height = (np.hypot(*(eye[1] - eye[5])) + np.hypot(*(eye[2] - eye[4]))) / 2
    return float(height / max(float(np.hypot(*(eye[3] - eye[0]))), 1.0))


def _growth(eye: Plane) -> tuple[float, float]:
    """Return the magnification of an eye (points [6,2]) across and down."""
    excess = max(_opening(eye) - _WIDE, 0.0)
    return _EYE_GROWTH[0] - min(0.7 * excess, 0.10), _EYE_GROWTH[1] - min(1.6 * excess, 0.22)


def _bulges(points: Plane) -> list[tuple[Plane, tuple[float, float], float]]:
    """Return what is magnified: centre [2], growth (x, y) and reach."""
    nose = points[[30, 31, 33, 35]].mean(0)
    eyes = [(points[eye].mean(0), _growth(points[eye]), _EYE_REACH) for eye in _EYE_POINTS]
    return [*eyes, (nose, (_NOSE_GROWTH, _NOSE_GROWTH), _NOSE_REACH)]


def _warped(picture: Picture, points: Plane, work: int) -> Picture:
    """Resample a picture [S,S,3] at [work,work,3] with eyes, nose and jaw reshaped, in one step."""
    scale = _FRAME / work
    axis = (np.arange(work, dtype=np.float32) + 0.5) * scale - 0.5
    x, y = np.meshgrid(axis, axis)
    from_x, from_y = x.copy(), y.copy()
    for centre, growth, reach in _bulges(points):
        dx, dy = x - centre[0], y - centre[1]
        weight = _fade(np.hypot(dx, dy) / reach, 0.42)
        from_x += dx * weight * (1.0 / growth[0] - 1.0)
        from_y += dy * weight * (1.0 / growth[1] - 1.0)
    middle = float(points[[8, 27, 30, 57], 0].mean())
    half = float(points[12, 0] - points[4, 0]) / 2
    low = float(points[[4, 12], 1].mean()) + 12
    dx = x - middle
    weight = np.exp(-0.5 * ((y - low) / 26.0) ** 2) * _fade(np.abs(dx) / (2.0 * half), 0.45)
    from_x += dx * weight * _SLIMMER
    back = picture.shape[0] / _FRAME
    return np.asarray(
        cv2.remap(
            picture,
            (from_x + 0.5) * back - 0.5,
            (from_y + 0.5) * back - 0.5,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _carried(points: Plane) -> Plane:
    """Carry the eyes' points [68,2] to where the warp puts them; the others hardly move."""
    moved = points.copy()
    for eye in _EYE_POINTS:
        centre = points[eye].mean(0)
        moved[eye] = centre + (points[eye] - centre) * np.array(_growth(points[eye]), np.float32)
    return moved


def _smoothed(large: Picture, points: Plane) -> Picture:
    """Smooth surfaces [H,H,3] and keep edges; eyes and mouth keep more detail."""
    unit = large.shape[0] / _FRAME
    fine = cv2.bilateralFilter(large, 5, 22.0, 2.0 * unit)
    flat = fine
    for _ in range(2):
        flat = cv2.bilateralFilter(flat, round(3.0 * unit) * 2 + 1, 30.0, 3.0 * unit)
    keep = _spots(points, large.shape[0])[..., None]
    sharp = cv2.addWeighted(fine, 1.6, cv2.GaussianBlur(fine, (0, 0), 1.8 * unit), -0.6, 0.0)
    return np.asarray(np.rint(flat + keep * (sharp.astype(np.float32) - flat)), dtype=np.uint8)


def _polygon(corners: Plane, side: int, soft: float = 0.0, wider: float = 1.0) -> Plane:
    """Return the convex hull of points [N,2] as a mask [side,side] in [0,1], with a blurred border."""
    centre = corners.mean(0)
    places = (centre + (corners - centre) * wider + 0.5) * (side / _FRAME) - 0.5
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [cv2.convexHull(np.rint(places * 16).astype(np.int32))], 255, cv2.LINE_AA, 4)
    if soft:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft * side / _FRAME), dtype=np.uint8)
    return np.asarray(mask, dtype=np.float32) / 255.0


def _spots(points: Plane, side: int) -> Plane:
    """Return a soft mask [side,side]: 1 at the eyes and the mouth."""
    eyes = [_polygon(points[eye], side, 2.5, 1.25) for eye in _EYE_POINTS]
    return np.maximum(np.maximum(*eyes), _polygon(points[48:60], side, 2.5, 1.1))


def _face(points: Plane, side: int) -> Plane:
    """Return a soft mask [side,side]: 1 on the skin from below the brows to within the jaw."""
    inside = points[27] + (points[1:16] - points[27]) * np.float32(0.86)
    return _polygon(np.concatenate([inside, points[[20, 23]]]), side, 4.0)


def _shaded(lab: Plane, spots: Plane, face: Plane) -> Plane:
    """Turn light [H,H,3] into a few soft tones about the skin's, brighter and with more colour."""
    tone = float(np.median(lab[..., 0][face > 0.5]))
    x = (lab[..., 0] - tone) / _TONE
    step = np.rint(x)
    rest = x - step
    stairs = tone + _TONE * (step + 0.5 * np.sign(rest) * np.abs(2.0 * rest) ** _FLATNESS)
    stairs = np.where(x > 0.5, 0.5 * (stairs + lab[..., 0]), stairs)  # no glare
    light = lab[..., 0] + _TONED * (1.0 - spots) * (stairs - lab[..., 0])
    light = 100.0 * np.clip(light / 100.0, 0.0, 1.0) ** _BRIGHTNESS
    colour = np.hypot(lab[..., 1], lab[..., 2])
    gain = 1.0 + 0.2 * np.exp(-((colour / 28.0) ** 2))
    return np.dstack([light, lab[..., 1] * gain, lab[..., 2] * gain]).astype(np.float32)


def _inked(lab: Plane, ink: Plane) -> Plane:
    """Lay the outline over the colours [H,H,3] as a darker shade of them."""
    shade = np.stack([1.0 - _INK * ink, 1.0 - 0.2 * ink, 1.0 - 0.2 * ink], axis=2)
    return np.asarray(lab * shade, dtype=np.float32)


def _with_eye(lab: Plane, eye: Plane) -> Plane:
    """Whiten the white of an eye (points [6,2]), deepen its iris, add its lashes and a highlight."""
    side = lab.shape[0]
    width = float(np.hypot(*(eye[3] - eye[0])))
    inside = _polygon(eye, side, 0.8)
    light = lab[..., 0]
    if not (inside > 0.5).any():
        return lab  # shut, or too few pixels
    # Nothing is painted on eyes that are shut, nor on dark glasses, where nothing is white.
    seen = float(np.clip((_opening(eye) - 0.16) / 0.10, 0.0, 1.0))
    low, high = np.percentile(light[inside > 0.5], (10, 90))
    seen *= float(np.clip((high - low - 8.0) / 12.0, 0.0, 1.0))
    scale = _FRAME / side
    axis = (np.arange(side, dtype=np.float32) + 0.5) * scale - 0.5
    x, y = np.meshgrid(axis, axis)
    dark = inside * np.clip((0.5 * (low + high) - light) / (high - low + 1.0), 0.0, 1.0) + 1e-6 * inside
    centre = np.array([(dark * x).sum(), (dark * y).sum()]) / dark.sum()
    centre = eye.mean(0) + np.clip(centre - eye.mean(0), -0.16 * width, 0.16 * width) * (1.0, 0.5)
    radius = 0.27 * width
    away = np.hypot(x - centre[0], y - centre[1]) / radius

    def disc(distance: Plane, size: float) -> Plane:
        return np.asarray(np.clip((size - distance) * radius / scale + 0.5, 0.0, 1.0), dtype=np.float32)

    iris = disc(away, 1.0) * inside * seen
    white = (1.0 - disc(away, 1.0)) * inside * seen * np.clip((light - low) / (high - low + 1.0), 0.0, 1.0)
    light = light + 0.5 * white * (94.0 - light)
    depth = 0.78 + 0.34 * np.clip((y - centre[1]) / radius, -1.0, 1.0)
    light = light * (1.0 - iris * (1.0 - depth))
    light = light * (1.0 - 0.65 * iris * disc(away, 0.45))
    glint = disc(np.hypot(x - centre[0] + 0.33 * radius, y - centre[1] + 0.38 * radius) / radius, 0.30) * seen
    light = light + 0.92 * glint * (97.0 - light)
    light = light * (1.0 - 0.55 * seen * _lashes(eye, side) * (1.0 - glint))
    grey = (1.0 - 0.6 * white) * (1.0 - 0.9 * glint) * (1.0 + 0.4 * iris)
    # No iris is red: that is the skin between the lashes.
    red = lab[..., 1] - iris * np.maximum(lab[..., 1] - 8.0, 0.0)
    return np.dstack([light, red * grey, lab[..., 2] * grey]).astype(np.float32)


def _lashes(eye: Plane, side: int) -> Plane:
    """Return the line of the upper lid of an eye (points [6,2]) as a mask [side,side] in [0,1]."""
    middle = eye[:4].mean(0)
    line = middle + (eye[:4] - middle) * 1.08 - np.array([0.0, 1.2], np.float32)
    t = np.linspace(0.0, 1.0, 13)
    # The cubic through the four points, so that the lid is round.
    curve = np.stack([np.polyval(np.polyfit(np.arange(4) / 3.0, line[:, k], 3), t) for k in (0, 1)], axis=1)
    unit = side / _FRAME
    places = np.rint(((curve + 0.5) * unit - 0.5) * 16).astype(np.int32)
    mask = np.zeros((side, side), np.uint8)
    cv2.polylines(mask, [places], False, 255, max(1, round(2.4 * unit)), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0 * unit), dtype=np.float32) / 255.0

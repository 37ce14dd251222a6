"""How training pictures are varied: so that the model meets more light, colours and places than the data has.

Everything is drawn from the generator that is passed in; a picture varied with equal draws is equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from psp.training.config import VaryConfig

Pixels = NDArray[np.uint8]
Rng = np.random.Generator

# Eyes and hairline of an FFHQ-aligned face, as fractions of its side: the means over the training data.
_EYE_ROW, _EYE_OFFSET, _EYE_WIDTH = 0.485, 0.125, 0.085
_HAIRLINE_ROW = 0.27
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def vary(
    picture: Pixels,
    config: VaryConfig,
    rng: Rng,
    other: Callable[[], Pixels],
    labels: Pixels | None = None,
) -> Pixels:
    """Return ``picture`` [S,S,3], aligned as FFHQ, varied as ``config`` says.

    Args:
        picture: RGB; stays untouched.
        config: What is changed, and how often.
        rng: Where the draws come from.
        other: Gives another picture [S,S,3], for patches and backgrounds.
        labels: The picture's 19-class map [S,S], for backgrounds.
    """
    out = picture
    if rng.random() < config.backgrounds:
        assert labels is not None, "other backgrounds need maps"
        out = _replace_background(out, labels, other(), rng)
    if rng.random() < config.patches:
        out = _patch(out, other(), rng)
    if rng.random() < config.glasses:
        out = _draw_glasses(out, rng)
    if rng.random() < config.hats:
        out = _draw_hat(out, rng)
    if config.shift:
        out = move(out, config.shift, rng)
    if config.colour:
        out = _recolour(out, config.colour, rng)
    return np.ascontiguousarray(out)


def _replace_background(picture: Pixels, labels: Pixels, other: Pixels, rng: Rng) -> Pixels:
    """Put ``other``, out of focus, or a gradient behind the person."""
    side = picture.shape[0]
    if rng.random() < 0.6:
        turned = np.rot90(other, int(rng.integers(4)))[:: int(rng.choice((1, -1)))]
        behind = cv2.GaussianBlur(np.ascontiguousarray(turned), (0, 0), side * rng.uniform(0.005, 0.06))
        behind = behind.astype(np.float32)
    else:
        angle = rng.uniform(0, 2 * math.pi)
        places = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
        ramp = 0.5 + places[:, None] * math.sin(angle) + places[None] * math.cos(angle)
        ends = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        behind = ends[0] + (ends[1] - ends[0]) * rng.uniform(0, 1) * np.clip(ramp, 0, 1)[..., None]
    mask = cv2.GaussianBlur((labels == 0).astype(np.float32), (0, 0), side / 160)[..., None]
    return np.rint(picture * (1.0 - mask) + behind * mask).astype(np.uint8)


def _patch(picture: Pixels, other: Pixels, rng: Rng) -> Pixels:
    """Put a soft-edged rectangle of ``other`` into ``picture``, at its own place or elsewhere."""
    side = picture.shape[0]
    height, width = (int(side * rng.uniform(0.15, 0.5)) for _ in range(2))
    top, left = int(rng.integers(0, side - height + 1)), int(rng.integers(0, side - width + 1))
    mask = np.zeros((side, side, 1), np.float32)
    mask[top : top + height, left : left + width] = 1.0
    soft = cv2.blur(mask, (5, 5))[..., None]
    mixed = picture * (1.0 - soft) + other * soft
    return np.rint(mixed).astype(np.uint8)


def _draw_glasses(picture: Pixels, rng: Rng) -> Pixels:
    """Draw glasses where an aligned face has its eyes, at four times the size so that edges are smooth."""
    side = picture.shape[0]
    big = 4 * side
    dark = rng.random() < 0.5
    row = (_EYE_ROW + rng.uniform(-0.012, 0.018)) * big
    offset = (_EYE_OFFSET + rng.uniform(-0.012, 0.012)) * big
    width = _EYE_WIDTH * rng.uniform(0.95, 1.35) * big
    height = width * rng.uniform(0.6, 1.05)
    roundness = rng.uniform(2.0, 5.0)  # exponent of the superellipse: 2 an ellipse, more a rounded box
    angle = rng.uniform(-0.04, 0.04)
    rim = int(rng.uniform(0.006, 0.022) * big)
    lenses = np.zeros((big, big), np.uint8)
    frame = np.zeros((big, big), np.uint8)
    turns = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    for direction in (-1.0, 1.0):
        x = np.sign(np.cos(turns)) * np.abs(np.cos(turns)) ** (2 / roundness) * width
        y = np.sign(np.sin(turns)) * np.abs(np.sin(turns)) ** (2 / roundness) * height
        centre = (big / 2 + direction * offset, row + direction * offset * angle)
        points = np.stack([x + centre[0], y + centre[1]], axis=1).astype(np.int32)
        cv2.fillPoly(lenses, [points], 255)
        cv2.polylines(frame, [points], True, 255, rim)
        edge = int(centre[0] + direction * width), int(centre[1] - 0.3 * height)
        temple = int(big / 2 + direction * 0.33 * big), int(centre[1] - 0.25 * height)
        cv2.line(frame, edge, temple, 255, max(rim // 2, 2))
    left, right = (int(big / 2 + d * (offset - width)) for d in (-1, 1))
    cv2.line(frame, (left, int(row - 0.2 * height)), (right, int(row - 0.2 * height)), 255, rim)
    lens, line = (
        cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)[..., None].astype(np.float32) / 255.0
        for mask in (lenses, frame)
    )
    shade = np.linspace(0.0, 1.0, side, dtype=np.float32)[:, None, None]
    tint = rng.uniform(0, 60, 3).astype(np.float32) + shade * rng.uniform(-60, 90)
    cover = rng.uniform(0.75, 1.0) if dark else rng.uniform(0.0, 0.12)
    colour = rng.uniform(0, 70, 3) if rng.random() < 0.75 else rng.uniform(60, 230, 3)
    out = picture * (1.0 - cover * lens) + (tint if dark else 255.0) * (cover * lens)
    out = out * (1.0 - line) + colour.astype(np.float32) * line
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _draw_hat(picture: Pixels, rng: Rng) -> Pixels:
    """Cover what is above the hairline with a cap of one colour with some shading and stripes."""
    side = picture.shape[0]
    columns = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    edge = _HAIRLINE_ROW + rng.uniform(-0.05, 0.07) + rng.uniform(-0.25, 0.35) * columns**2
    edge = edge + rng.uniform(-0.08, 0.08) * columns
    rows = (np.arange(side, dtype=np.float32) + 0.5)[:, None] / side
    inside = np.clip((edge[None] - rows) * side / 1.5, 0.0, 1.0)
    inside *= np.clip((rng.uniform(0.28, 0.5) - np.abs(columns))[None] * side / 2.0, 0.0, 1.0)
    light = 1.0 + 0.5 * rng.uniform(-1, 1) * columns[None] * 2 + 0.4 * rng.uniform(-1, 1) * rows
    phase = rows * rng.uniform(20, 150) + columns * rng.uniform(-40, 40)
    stripes = 1.0 + 0.15 * rng.uniform(0, 1) * np.sin(phase)
    brim = 1.0 - 0.45 * np.exp(-(((edge[None] - rows) / 0.03) ** 2)) * float(rng.random() < 0.6)
    cap = rng.uniform(10, 235, 3).astype(np.float32) * (light * stripes * brim)[..., None]
    out = picture * (1.0 - inside[..., None]) + cap * inside[..., None]
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def move(picture: Pixels, most: float, rng: Rng) -> Pixels:
    """Turn, scale and shift by a little; what comes in from outside is mirrored."""
    side = picture.shape[0]
    angle, zoom, *shift = rng.uniform(-most, most, 4)
    cosine, sine = math.cos(angle) * (1 + zoom), math.sin(angle) * (1 + zoom)
    centre = (side - 1) / 2
    matrix = np.array(
        [
            [cosine, -sine, centre - cosine * centre + sine * centre + shift[0] * side],
            [sine, cosine, centre - sine * centre - cosine * centre + shift[1] * side],
        ]
    )
    whole = np.ascontiguousarray(picture)
    border = cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(whole, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=border)
    return np.asarray(moved, np.uint8)


def _recolour(picture: Pixels, strength: float, rng: Rng) -> Pixels:
    """Change exposure, white balance, saturation, contrast and gamma."""
    draws = rng.standard_normal(8).astype(np.float32)
    draws = np.clip(draws, -2.0, 2.0) * strength
    levels = picture.astype(np.float32) / 255.0
    levels = levels * np.exp(0.05 * draws[:3] + 0.12 * draws[3])
    grey = (levels @ _LUMA)[..., None]
    levels = grey + (levels - grey) * np.exp(0.25 * draws[4])
    middle = levels.mean()
    levels = middle + (levels - middle) * np.exp(0.15 * draws[5]) + 0.03 * draws[6]
    levels = np.clip(levels, 0.0, 1.0) ** np.exp(0.15 * draws[7])
    return np.rint(levels * 255.0).astype(np.uint8)

"""What real life does to pictures before an encoder sees them; what it should make of them stays clean."""

from __future__ import annotations

import cv2
import numpy as np

from psp.pictures.images import load_picture
from psp.training.config import DegradeConfig
from psp.training.data.vary import Pixels, Rng, move

# Alignment by landmarks: about this far off, as a fraction of the side (turns in radians).
_MISPLACED = 0.015
# Pixels a side that a picture is scaled to, as fractions of its own.
_SMALLEST, _LARGEST = 0.25, 0.875
_QUALITIES = (30, 95)
_MOST_NOISE = 7.5  # standard deviation, of 255


def degrade(picture: Pixels, config: DegradeConfig, rng: Rng) -> Pixels:
    """Return ``picture`` [S,S,3] as a careless world hands it on: misplaced, scaled, compressed, noisy.

    Each is done to the share of pictures that ``config`` says, in this order. Without any, nothing is drawn.
    """
    if config == DegradeConfig():
        return picture
    out = picture
    if rng.random() < config.shift:
        out = move(out, _MISPLACED, rng)
    if rng.random() < config.scale:
        out = _scale(out, rng)
    if rng.random() < config.jpeg:
        out = _compress(out, int(rng.integers(_QUALITIES[0], _QUALITIES[1] + 1)))
    if rng.random() < config.noise:
        noise = rng.standard_normal(out.shape, np.float32) * rng.uniform(0.0, _MOST_NOISE)
        out = np.clip(np.rint(out + noise), 0, 255).astype(np.uint8)
    return out


def _scale(picture: Pixels, rng: Rng) -> Pixels:
    """Scale down and up again."""
    side = picture.shape[0]
    fewer = max(1, int(rng.integers(round(side * _SMALLEST), round(side * _LARGEST) + 1)))
    small = cv2.resize(picture, (fewer, fewer), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _compress(picture: Pixels, quality: int) -> Pixels:
    """Write as JPEG and read again."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return np.asarray(load_picture(data.tobytes(), smallest=1))

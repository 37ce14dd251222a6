"""The regions of a portrait that colour tells apart: background, skin, hair and clothes.

Where each kind is likely is given; what colours it has in this picture is learnt from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psp.pictures.raster import Plane

BACK, SKIN, HAIR, CLOTH = range(4)
"""The kinds; skin is that of face, ears and neck."""

_ROUNDS = 4
# Histogram of CIE Lab (8 bits a channel): bins a channel and their widths; a and b count from the middle.
_BINS = (20, 16, 16)
_WIDTHS = (13.0, 5.5, 5.5)
# Light falls on skin and backgrounds in many shades: further blurs of their lightness.
_SHADES = 2


def colour_regions(
    lab: NDArray[np.uint8],
    prior: Plane,
    seeds: Plane,
    odd: NDArray[np.bool_],
    crown: NDArray[np.bool_],
    high: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return the kind of matter of each pixel, uint8 [H,W].

    Expectation maximisation: from the surest places a histogram of colours a kind, from histograms and prior
    the share of each kind in each pixel, from these better histograms. Every second row and column is enough
    to learn from.

    Args:
        lab: The picture in CIE Lab, uint8 [H,W,3].
        prior: How likely each kind is at each pixel, [4,H,W], sum 1.
        seeds: Weight of each pixel in the first histograms, [4,H,W], 0 to 1.
        odd: Pixels whose colour tells nothing (eyes, lips, brows), [H,W]; nothing is learnt from them.
        crown: Where only hair is, unless the head is bald, [H,W].
        high: The half of the picture above the eyes, [H,W].
    """
    where: NDArray[np.int64] = _bins(lab)
    light: Plane = lab[:, :, 0].astype(np.float32) / np.float32(255)
    weight = 1 - odd.astype(np.float32)
    tables = _tables(where, seeds * weight)

    half = (slice(None, None, 2), slice(None, None, 2))
    few, few_where, few_weight = prior[:, ::2, ::2], where[half], weight[half]
    guide, share, hair = _Guide(light[half], 2), few, 1.0
    for _ in range(_ROUNDS):
        likely = tables[:, few_where]
        tables = _tables(few_where, share * (likely / likely.sum(axis=0)) * few_weight)
        share = guide.smooth(_shares(few, tables[:, few_where], hair))
        hair = 1 - 0.95 * _baldness(share, lab[half], crown[half], high[half])
    full = _Guide(light, 3).smooth(_shares(prior, tables[:, where], hair))
    return np.asarray(full.argmax(axis=0), dtype=np.uint8)


def _shares(prior: Plane, likely: Plane, hair: float) -> Plane:
    """Return how much of each pixel is of each kind, by Bayes, [4,H,W]; ``hair`` scales that kind's prior."""
    shares = prior * likely
    shares[HAIR] *= np.float32(hair)
    shares /= shares.sum(axis=0)
    return shares


def _bins(lab: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the bin of each pixel's colour in a flat histogram, int64 [H,W]."""
    scaled = (lab - np.array([0, 128, 128], np.float32)) / np.array(_WIDTHS, np.float32)
    scaled += np.array([0, _BINS[1] / 2, _BINS[2] / 2], np.float32)
    bins = np.clip(scaled, 0, np.array(_BINS, np.float32) - 1).astype(np.int64)
    flat: NDArray[np.int64] = (bins[:, :, 0] * _BINS[1] + bins[:, :, 1]) * _BINS[2] + bins[:, :, 2]
    return flat


def _tables(where: NDArray[np.int64], share: Plane) -> Plane:
    """Return how common the colours of each bin are in each kind of matter, [4,bins]."""
    flat, total = where.ravel(), int(np.prod(_BINS))
    counts = np.stack([np.bincount(flat, each.ravel(), total) for each in share]).astype(np.float32)
    sums = counts.sum(axis=1)[:, None]
    cubes = counts.reshape(len(share), *_BINS)
    for axis in (1, 2, 3):
        cubes = _spread(_spread(cubes, axis), axis)
    for kind in (SKIN, BACK):
        for _ in range(_SHADES):
            cubes[kind] = _spread(cubes[kind], 0)
    tables = (cubes.reshape(len(share), total) + 1e-4 * sums + 0.005) / (sums + 12.0)
    return np.asarray(tables, dtype=np.float32)


def _spread(cubes: Plane, axis: int) -> Plane:
    """Blur along one axis with (1 2 1)/4, leaving less at the ends."""
    wide = 0.5 * np.moveaxis(cubes, axis, 0)
    half = 0.5 * wide
    wide[1:] += half[:-1]
    wide[:-1] += half[1:]
    return np.moveaxis(wide, 0, axis)


def _baldness(
    share: Plane, lab: NDArray[np.uint8], crown: NDArray[np.bool_], high: NDArray[np.bool_]
) -> float:
    """Return how sure it is that the head is bald, 0 to 1: its crown is skin, or its hair is background.

    On a dark background that hair would be dark hair, and nothing tells: 0 then.
    """
    skin = float(share[SKIN][crown].mean()) if crown.any() else 0.0
    hair, back = (
        np.average(lab[high].astype(np.float32), axis=0, weights=share[kind][high]) for kind in (HAIR, BACK)
    )
    alike = float(np.exp(-np.square((hair - back) / 10).sum()))
    light = min(max((float(back[0]) - 70) / 40, 0.0), 1.0)
    return max(min((skin - 0.5) / 0.3, 1.0), alike * light, 0.0)


class _Guide:
    """The guided filter (He et al. 2010): smooths planes, but not across the edges of a picture."""

    def __init__(self, picture: Plane, radius: int, eps: float = 1e-3) -> None:
        self.picture, self.side, self.eps = picture, 2 * radius + 1, np.float32(eps)
        self.mean: Plane = self._blur(picture)
        self.variance: Plane = np.asarray(self._blur(picture * picture) - self.mean * self.mean)

    def _blur(self, plane: Plane) -> Plane:
        import cv2  # noqa: PLC0415  # on first use: the page starts without it

        return np.asarray(cv2.blur(plane, (self.side, self.side)), dtype=np.float32)

    def smooth(self, planes: Plane) -> Plane:
        """Smooth planes [N,H,W]; they stay in 0..1."""
        result = np.empty_like(planes)
        for plane, target in zip(planes, result, strict=True):
            mean = self._blur(plane)
            slope = (self._blur(plane * self.picture) - mean * self.mean) / (self.variance + self.eps)
            target[:] = self._blur(slope) * self.picture + self._blur(mean - slope * self.mean)
        return np.clip(result, 1e-6, 1.0)

"""What each task promises, measured: functions of inputs and results; no files, no models.

A figure alone says little, so each stands beside what chance, a plain method or the "encode" model gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from psp.images import degrade, to_pictures
from psp.landmarks import yaw
from psp.losses.lpips import LPIPS
from psp.palette import Labels, map_agreement
from psp.parsing import photo_to_map
from psp.sketches import photo_to_sketch
from psp.training.cartoon import cartoonize
from psp.training.data import to_batch
from psp.training.evaluate import Descriptors, Figures, each_lpips, evaluate, find_landmarks, mean_lpips
from psp.training.frechet import fit_gaussian, frechet_distance, picture_features

FACTORS = (4, 8, 16)
"""How many times fewer pixels a side super-resolution is measured with."""

_TOLERANCE = 2 / 128
"""How far apart two lines may be and still be the same, as a share of the picture's side."""

_TURNED = 0.25
"""Share of the pictures that count as the most turned."""


@dataclass(frozen=True)
class Restored:
    """Super-resolution of pictures that were shrunk ``factor`` times.

    Attributes:
        factor: How many times fewer pixels a side.
        model: The model's results against the photos.
        bicubic: Bicubic enlargements against the photos.
    """

    factor: int
    model: Figures
    bicubic: Figures


@dataclass(frozen=True)
class Followed:
    """Faces made from drawings (sketches or maps) of photos.

    Attributes:
        agreement: Of a result's own drawing with the one that it was made from: F1 of the lines, or mean IoU.
        by_chance: The same, but for the results of other drawings.
        variety: Mean LPIPS between results of different drawings.
        real_variety: The same between the photos.
        figures: Results against the photos behind the drawings.
    """

    agreement: float
    by_chance: float
    variety: float
    real_variety: float
    figures: Figures


@dataclass(frozen=True)
class Tooned:
    """Cartoons of photos.

    Attributes:
        figures: Results against their inputs.
        to_cartoon: LPIPS of the results to ``cartoonize`` of their inputs, what the generator was tuned to.
        encode_to_cartoon: The same for what "encode" makes.
        toons: Fraction of results nearer (LPIPS) to that cartoon than to the input itself.
        encode_toons: The same for what "encode" makes.
    """

    figures: Figures
    to_cartoon: float
    encode_to_cartoon: float
    toons: float
    encode_toons: float


@dataclass(frozen=True)
class Frontalized:
    """Faces turned to the front.

    Attributes:
        figures: Results against their inputs.
        yaw: Mean absolute ``psp.landmarks.yaw`` of the inputs, of the results, and of what "encode" makes.
        turned_yaw: The same for the quarter of the inputs that is turned most.
        mirror_lpips: LPIPS of the results of a picture and of its mirror image, mirrored back; and that for
            what "encode" makes.
    """

    figures: Figures
    yaw: tuple[float, float, float]
    turned_yaw: tuple[float, float, float]
    mirror_lpips: tuple[float, float]


@dataclass(frozen=True)
class Random:
    """Random faces beside real ones; Fréchet distances (``psp.training.frechet``) to ``pictures`` real ones.

    Attributes:
        pictures: How many pictures each set has.
        frechet: Of random faces.
        encoded: Of reconstructions of other real pictures.
        real: Of those other real pictures themselves: what is reached by chance at best.
        variety: Mean LPIPS between random faces.
        real_variety: Mean LPIPS between real pictures.
    """

    pictures: int
    frechet: float
    encoded: float
    real: float
    variety: float
    real_variety: float


def restored(
    photos: Tensor, made: Tensor, factor: int, lpips: LPIPS, given: Descriptors | None = None
) -> Restored:
    """Measure what was ``made`` of ``photos`` shrunk by ``factor``; both [N,3,S,S] in [−1,1]."""
    plain = enlarged(photos, factor)
    return Restored(factor, evaluate(photos, made, lpips, given), evaluate(photos, plain, lpips, given))


def enlarged(photos: Tensor, factor: int) -> Tensor:
    """Return ``photos`` [N,3,S,S] shrunk by ``factor`` and enlarged again, both bicubic."""
    out = []
    for picture in to_pictures(photos):
        side = max(1, picture.width // factor)
        small = picture.resize((side, side), Image.Resampling.BICUBIC)
        out.append(np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC)))
    return to_batch(out)


def degraded(photos: Tensor, factor: int) -> Tensor:
    """Return ``photos`` [N,3,S,S] as super-resolution sees them (``psp.images.degrade``)."""
    return to_batch([np.asarray(degrade(picture, factor)) for picture in to_pictures(photos)])


def follow_sketches(sketches: Sequence[Image.Image], photos: Tensor, made: Tensor, lpips: LPIPS) -> Followed:
    """Measure faces ``made`` from ``sketches`` of ``photos``; both [N,3,S,S], sketches [S,S], mode L."""
    given = [lines_of(sketch) for sketch in sketches]
    out = [lines_of(photo_to_sketch(picture)) for picture in to_pictures(made)]
    agreement = np.array([line_agreement(a, b) for a, b in zip(out, given, strict=True)])
    chance = [line_agreement(out[i], given[j]) for i, j in other_pairs(len(given))]
    return _followed(float(agreement.mean()), chance, photos, made, lpips)


def follow_maps(maps: Sequence[Labels], photos: Tensor, made: Tensor, lpips: LPIPS) -> Followed:
    """Measure faces ``made`` from ``maps`` [S,S] of ``photos``; both [N,3,S,S]."""
    out = [photo_to_map(picture, maps[0].shape[0]) for picture in to_pictures(made)]
    agreement = np.array([map_agreement(a, b) for a, b in zip(out, maps, strict=True)])
    chance = [map_agreement(out[i], maps[j]) for i, j in other_pairs(len(maps))]
    return _followed(float(agreement.mean()), chance, photos, made, lpips)


def _followed(agreement: float, chance: list[float], photos: Tensor, made: Tensor, lpips: LPIPS) -> Followed:
    by_chance = float(np.mean(chance)) if chance else float("nan")
    figures = evaluate(photos, made, lpips)
    return Followed(agreement, by_chance, variety(made, lpips), variety(photos, lpips), figures)


def other_pairs(count: int, shifts: int = 5) -> list[tuple[int, int]]:
    """Return pairs of different indices below ``count``: each with up to ``shifts`` others, far and near."""
    steps = sorted({step * count // (shifts + 1) for step in range(1, shifts + 1)} - {0})
    steps = steps or ([1] if count > 1 else [])
    return [(i, (i + step) % count) for step in steps for i in range(count)]


def variety(images: Tensor, lpips: LPIPS) -> float:
    """Return the mean LPIPS between different ``images`` [N,3,S,S]; NaN for one alone."""
    count = len(images)
    if count < 2:
        return float("nan")
    return mean_lpips(images, images.roll(max(1, count // 3), dims=0), lpips)


def lines_of(sketch: Image.Image) -> NDArray[np.bool_]:
    """Return where a sketch has lines: bool [H,W], more ink than paper."""
    return np.asarray(sketch.convert("L")) < 128


def line_agreement(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return F1 of two drawings' lines [S,S], where lines 2 px apart (at 128 px) count as the same: 0 to 1.

    Precision: the share of ``a`` that is near ``b``; recall: the share of ``b`` that is near ``a``. Two empty
    sheets agree.
    """
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    reach = _TOLERANCE * a.shape[0] + 1e-3
    precision, recall = _share_near(a, b, reach), _share_near(b, a, reach)
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(a: NDArray[np.bool_], b: NDArray[np.bool_], reach: float) -> float:
    distance = cv2.distanceTransform((~b).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[a] <= reach).mean())


def tooned(photos: Tensor, made: Tensor, encoded: Tensor, lpips: LPIPS) -> Tooned:
    """Measure cartoons ``made`` of ``photos`` beside what "encode" makes (``encoded``); all [N,3,S,S]."""
    cartoons = to_batch([cartoonize(np.asarray(picture)) for picture in to_pictures(photos)])
    near, encoded_near = each_lpips(made, cartoons, lpips), each_lpips(encoded, cartoons, lpips)
    far, encoded_far = each_lpips(made, photos, lpips), each_lpips(encoded, photos, lpips)
    return Tooned(
        figures=evaluate(photos, made, lpips),
        to_cartoon=float(near.mean()),
        encode_to_cartoon=float(encoded_near.mean()),
        toons=float((near < far).float().mean()),
        encode_toons=float((encoded_near < encoded_far).float().mean()),
    )


def frontalized(
    photos: Tensor, made: tuple[Tensor, Tensor], encoded: tuple[Tensor, Tensor], lpips: LPIPS
) -> Frontalized:
    """Measure faces turned to the front beside what "encode" makes.

    Args:
        photos: The inputs, [N,3,S,S].
        made: What was made of them, and of their mirror images.
        encoded: What "encode" makes of them, and of their mirror images.
        lpips: Perceptual distance.
    """
    yaws = [
        np.abs([yaw(find_landmarks(p)) for p in to_pictures(images)])
        for images in (photos, made[0], encoded[0])
    ]
    turned = np.argsort(yaws[0])[-max(1, round(_TURNED * len(photos))) :]
    before, after, plain = (float(each.mean()) for each in yaws)
    turned_before, turned_after, turned_plain = (float(each[turned].mean()) for each in yaws)
    consistency = [mean_lpips(own, other.flip(-1), lpips) for own, other in (made, encoded)]
    return Frontalized(
        figures=evaluate(photos, made[0], lpips),
        yaw=(before, after, plain),
        turned_yaw=(turned_before, turned_after, turned_plain),
        mirror_lpips=(consistency[0], consistency[1]),
    )


@torch.inference_mode()
def random_figures(faces: Tensor, real: Tensor, others: Tensor, encoded: Tensor, lpips: LPIPS) -> Random:
    """Measure random ``faces`` against ``real`` pictures; all [N,3,S,S] in [−1,1].

    Args:
        faces: Of random codes.
        real: What they should look like.
        others: Other real pictures.
        encoded: What "encode" makes of ``others``.
        lpips: Perceptual distance, and the features of the Fréchet distance.
    """
    sets = (real, faces, encoded, others)
    fitted = [fit_gaussian(picture_features(lpips, part) for part in images.split(64)) for images in sets]
    far = [frechet_distance(fitted[0], other) for other in fitted[1:]]
    some = 300
    return Random(
        pictures=len(faces),
        frechet=far[0],
        encoded=far[1],
        real=far[2],
        variety=variety(faces[:some], lpips),
        real_variety=variety(real[:some], lpips),
    )

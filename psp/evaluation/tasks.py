"""What each task promises, measured: functions of inputs and results; no files, no models.

A figure alone says little, so each stands beside what chance, a plain method or the "encode" model gives.
Pictures come batch by batch; what is kept of each is a few numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from psp.evaluation.crops import find_landmarks
from psp.evaluation.measures import Compared, Figures, Numbers, each_lpips, variety
from psp.faces.landmarks import yaw
from psp.losses.lpips import LPIPS
from psp.pictures.images import degrade, to_pictures
from psp.training.data.cartoon import cartoonize
from psp.training.data.pictures import to_batch
from psp.training.gan.frechet import Gaussian, fit_gaussian, frechet_distance, picture_features

FACTORS = (4, 8, 16)
"""How many times fewer pixels a side super-resolution is measured with."""

_TURNED = 0.25
"""Share of the pictures that count as the most turned."""

_VARIED = 300
"""How many pictures the variety of random faces is told from."""


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
        yaw: Mean absolute ``psp.faces.landmarks.yaw`` of the inputs, of the results, and of what "encode"
            makes.
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
    """Random faces beside real ones; Fréchet distances (``training.gan.frechet``) to ``pictures`` real ones.

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


def enlarged(photos: Tensor, factor: int) -> Tensor:
    """Return ``photos`` [N,3,S,S] shrunk by ``factor`` and enlarged again, both bicubic."""
    out = []
    for picture in to_pictures(photos):
        side = max(1, picture.width // factor)
        small = picture.resize((side, side), Image.Resampling.BICUBIC)
        out.append(np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC)))
    return to_batch(out)


def degraded(photos: Tensor, factor: int) -> Tensor:
    """Return ``photos`` [N,3,S,S] as super-resolution sees them (``psp.pictures.images.degrade``)."""
    return to_batch([np.asarray(degrade(picture, factor)) for picture in to_pictures(photos)])


def toon_distances(photos: Tensor, made: Tensor, encoded: Tensor, lpips: LPIPS) -> Numbers:
    """Return LPIPS [N,3] of cartoons ``made``, and of what "encode" makes, to ``cartoonize``; all [N,3,S,S].

    The last column is what "encode" makes against ``photos`` themselves.
    """
    cartoons = to_batch([cartoonize(np.asarray(picture)) for picture in to_pictures(photos)])
    columns = ((made, cartoons), (encoded, cartoons), (encoded, photos))
    return torch.stack([each_lpips(a, b, lpips) for a, b in columns], dim=1).double().numpy()


def tooned(compared: Compared, distances: Numbers) -> Tooned:
    """Sum up cartoons that were ``compared`` with their photos, and their ``toon_distances`` [N,3]."""
    near, encoded_near, encoded_far = distances.T
    return Tooned(
        figures=compared.figures(),
        to_cartoon=float(near.mean()),
        encode_to_cartoon=float(encoded_near.mean()),
        toons=float((near < compared.lpips).mean()),
        encode_toons=float((encoded_near < encoded_far).mean()),
    )


def turns(
    photos: Tensor, made: tuple[Tensor, Tensor], encoded: tuple[Tensor, Tensor], lpips: LPIPS
) -> Numbers:
    """Return how faces are turned, and how like the results of mirror images are, [N,5].

    Args:
        photos: The inputs, [N,3,S,S].
        made: What was made of them, and of their mirror images.
        encoded: What "encode" makes of them, and of their mirror images.
        lpips: Perceptual distance.

    Returns:
        Sizes of the yaw of the inputs, of the results, and of what "encode" makes; LPIPS of the results of a
        picture and of its mirror image, mirrored back; and that for what "encode" makes.
    """
    columns = [
        np.abs([yaw(find_landmarks(picture)) for picture in to_pictures(images)])
        for images in (photos, made[0], encoded[0])
    ]
    for own, other in (made, encoded):
        columns.append(each_lpips(own, other.flip(-1), lpips).double().numpy())
    return np.stack(columns, axis=1)


def frontalized(compared: Compared, turned: Numbers) -> Frontalized:
    """Sum up faces that were ``compared`` with their photos, and their ``turns`` [N,5]."""
    most = np.argsort(turned[:, 0])[-max(1, round(_TURNED * len(turned))) :]
    before, after, plain, consistency, plain_consistency = (float(each) for each in turned.mean(axis=0))
    turned_before, turned_after, turned_plain = (float(each) for each in turned[most, :3].mean(axis=0))
    return Frontalized(
        figures=compared.figures(),
        yaw=(before, after, plain),
        turned_yaw=(turned_before, turned_after, turned_plain),
        mirror_lpips=(consistency, plain_consistency),
    )


def random_figures(
    faces: Iterable[Tensor],
    real: Iterable[Tensor],
    others: Iterable[Tensor],
    encoded: Iterable[Tensor],
    lpips: LPIPS,
) -> Random:
    """Measure random ``faces`` against ``real`` pictures; all in batches [B,3,S,S] in [−1,1].

    Args:
        faces: Of random codes.
        real: What they should look like.
        others: Other real pictures.
        encoded: What "encode" makes of ``others``.
        lpips: Perceptual distance, and the features of the Fréchet distance.
    """
    looks = [_look(batches, lpips) for batches in (real, faces, encoded, others)]
    own = looks[0].shape
    return Random(
        pictures=looks[1].pictures,
        frechet=frechet_distance(own, looks[1].shape),
        encoded=frechet_distance(own, looks[2].shape),
        real=frechet_distance(own, looks[3].shape),
        variety=variety(looks[1].first, lpips),
        real_variety=variety(looks[0].first, lpips),
    )


@dataclass(frozen=True, eq=False)
class _Look:
    """What is kept of a set: its size, its features as a Gaussian, and its first pictures."""

    pictures: int
    shape: Gaussian
    first: Tensor


@torch.inference_mode()
def _look(batches: Iterable[Tensor], lpips: LPIPS) -> _Look:
    features, first, count = [], [], 0
    for images in batches:
        features.append(picture_features(lpips, images))
        if count < _VARIED:
            first.append(images[: _VARIED - count])
        count += len(images)
    return _Look(count, fit_gaussian(features), torch.cat(first))

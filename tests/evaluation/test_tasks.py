"""The measures give known answers to hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from psp.evaluation import tasks
from psp.evaluation.measures import Compared, Ruler
from psp.faces.alignment import align
from psp.inference.quality import lpips_network
from psp.losses.lpips import LPIPS
from psp.pictures.images import to_tensor


@pytest.fixture(scope="module")
def lpips() -> LPIPS:
    return lpips_network()


@pytest.fixture(scope="module")
def face(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop.resize((128, 128), Image.Resampling.LANCZOS)


@pytest.fixture(scope="module")
def faces(face: Image.Image) -> Tensor:
    """Three pictures that differ: a face, its mirror image, and the face moved and dimmed."""
    moved = face.transform(face.size, Image.Transform.AFFINE, (1, 0, 20, 0, 1, 16))
    pictures = (face, ImageOps.mirror(face), moved.point(lambda value: value // 2))
    return torch.cat([to_tensor(picture) for picture in pictures])


def compare(images: Tensor, made: Tensor) -> Compared:
    return Ruler(lpips_network()).compare(images, made)


def test_a_harder_factor_leaves_less(faces: Tensor) -> None:
    plain = {factor: compare(faces, tasks.enlarged(faces, factor)).figures() for factor in (8, 16)}
    assert plain[8].lpips > 0.2
    assert plain[16].mse > plain[8].mse > 0
    assert tasks.degraded(faces, 8).shape == faces.shape


def test_a_cartoon_is_told_from_a_photo(faces: Tensor, lpips: LPIPS) -> None:
    cartoons = torch.cat([to_tensor(Image.fromarray(tasks.cartoonize(p))) for p in _bytes(faces)])
    parts = zip(faces.split(2), cartoons.split(2), strict=True)
    distances = np.concatenate([tasks.toon_distances(photo, toon, photo, lpips) for photo, toon in parts])
    found = tasks.tooned(compare(faces, cartoons), distances)
    assert found.to_cartoon == pytest.approx(0.0, abs=1e-6)
    assert (found.toons, found.encode_toons) == (1.0, 0.0)
    assert found.encode_to_cartoon == pytest.approx(found.figures.lpips)


def test_frontalization_is_measured_beside_encode(faces: Tensor, lpips: LPIPS) -> None:
    mirrored = faces.flip(-1)
    average = (faces + mirrored) / 2
    turned = tasks.turns(faces, (average, average), (faces, mirrored), lpips)
    assert turned.shape == (3, 5)
    found = tasks.frontalized(compare(faces, average), turned)
    assert found.mirror_lpips == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found.yaw[0] == found.yaw[2]
    assert found.turned_yaw[0] >= found.yaw[0]
    assert found.figures == compare(faces, average).figures()
    careless = tasks.turns(faces, (faces, faces), (faces, mirrored), lpips)
    assert careless[:, 3].mean() > 0.05


def test_random_faces_are_compared_with_real_ones(faces: Tensor, lpips: LPIPS) -> None:
    inverted = [-part for part in faces.split(2)]
    found = tasks.random_figures(faces.split(1), faces.split(2), inverted, [faces], lpips)
    assert found.pictures == 3
    assert found.frechet == pytest.approx(0.0, abs=1e-6)
    assert found.encoded == pytest.approx(0.0, abs=1e-6)
    assert found.real > 0.01
    assert found.variety == found.real_variety


def _bytes(images: Tensor) -> np.ndarray:
    return ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().numpy().astype(np.uint8)

"""The measures give known answers to hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from psp.alignment import align
from psp.identity import describe_face
from psp.images import to_tensor
from psp.losses.lpips import LPIPS
from psp.parsing import photo_to_map
from psp.quality import lpips_network
from psp.sketches import photo_to_sketch
from psp.training import evaluate_tasks as tasks
from psp.training.evaluate import describe, evaluate


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


def lines(*rows: int) -> np.ndarray:
    drawn = np.zeros((128, 128), dtype=bool)
    drawn[list(rows), 20:100] = True
    return drawn


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        (lines(40), lines(40), 1.0),
        (lines(40), lines(42), 1.0),
        (lines(40), lines(43), 0.0),
        (lines(40, 80), lines(40), 2 / 3),  # precision 1/2, recall 1
        (lines(), lines(40), 0.0),
        (lines(), lines(), 1.0),
    ],
    ids=["equal", "2 px apart", "3 px apart", "one of two", "nothing drawn", "both empty"],
)
def test_line_agreement(a: np.ndarray, b: np.ndarray, wanted: float) -> None:
    assert tasks.line_agreement(a, b) == pytest.approx(wanted)
    assert tasks.line_agreement(b, a) == pytest.approx(wanted)


def test_the_tolerance_grows_with_the_picture() -> None:
    a, b = (np.kron(each, np.ones((2, 2), dtype=bool)) for each in (lines(40), lines(42)))
    assert tasks.line_agreement(a, b) == 1.0


def test_pairs_of_others_are_never_pairs_of_one() -> None:
    assert tasks.other_pairs(1) == []
    assert tasks.other_pairs(2) == [(0, 1), (1, 0)]
    pairs = tasks.other_pairs(12)
    assert len(pairs) == len(set(pairs)) == 60
    assert all(i != j for i, j in pairs)


def test_what_follows_its_drawing_is_told_from_what_follows_another(faces: Tensor, lpips: LPIPS) -> None:
    pictures = [Image.fromarray(each) for each in _bytes(faces)]
    sketches, maps = [photo_to_sketch(p) for p in pictures], [photo_to_map(p) for p in pictures]
    for own in (
        tasks.follow_sketches(sketches, faces, faces, lpips),
        tasks.follow_maps(maps, faces, faces, lpips),
    ):
        assert own.agreement == 1.0
        assert own.by_chance < 0.8
        assert own.variety == own.real_variety > 0.1
        assert own.figures.identity == 0.0
    one_for_all = faces[:1].expand(3, -1, -1, -1)
    followed = tasks.follow_sketches(sketches, faces, one_for_all, lpips)
    assert followed.variety == pytest.approx(0.0, abs=1e-6)
    assert followed.agreement < 0.8


def test_super_resolution_stands_beside_bicubic(faces: Tensor, lpips: LPIPS) -> None:
    found = tasks.restored(faces, faces, 8, lpips, describe(faces))
    assert (found.factor, found.model.mse, found.model.identity) == (8, 0.0, 0.0)
    assert found.bicubic.lpips > 0.2
    harder = tasks.restored(faces, tasks.enlarged(faces, 16), 16, lpips)
    assert harder.model == harder.bicubic
    assert harder.bicubic.mse > found.bicubic.mse > 0
    assert tasks.degraded(faces, 8).shape == faces.shape


def test_a_cartoon_is_told_from_a_photo(faces: Tensor, lpips: LPIPS) -> None:
    cartoons = torch.cat(
        [to_tensor(Image.fromarray(tasks.cartoonize(np.asarray(picture)))) for picture in _bytes(faces)]
    )
    found = tasks.tooned(faces, cartoons, faces, lpips)
    assert found.to_cartoon == pytest.approx(0.0, abs=1e-6)
    assert (found.toons, found.encode_toons) == (1.0, 0.0)
    assert found.encode_to_cartoon == pytest.approx(found.figures.lpips)


def test_frontalization_is_measured_beside_encode(faces: Tensor, lpips: LPIPS) -> None:
    mirrored = faces.flip(-1)
    average = (faces + mirrored) / 2
    found = tasks.frontalized(faces, (average, average), (faces, mirrored), lpips)
    assert found.mirror_lpips == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found.yaw[0] == found.yaw[2]
    assert found.turned_yaw[0] >= found.yaw[0]
    assert found.figures == evaluate(faces, average, lpips)
    careless = tasks.frontalized(faces, (faces, faces), (faces, mirrored), lpips)
    assert careless.mirror_lpips[0] > 0.05


def test_random_faces_are_compared_with_real_ones(faces: Tensor, lpips: LPIPS) -> None:
    found = tasks.random_figures(faces, faces, -faces, faces, lpips)
    assert found.pictures == 3
    assert found.frechet == found.encoded == pytest.approx(0.0, abs=1e-6)
    assert found.real > 0.01
    assert found.variety == found.real_variety


def test_descriptors_are_dlibs_own(faces: Tensor) -> None:
    ours = describe(faces)
    for picture, found in zip(_bytes(faces), ours, strict=True):
        assert np.linalg.norm(describe_face(Image.fromarray(picture)) - found) < 1e-4


def _bytes(images: Tensor) -> np.ndarray:
    return ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().numpy().astype(np.uint8)

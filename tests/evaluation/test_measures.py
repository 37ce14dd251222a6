"""Results beside their originals: every figure against a value worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from psp.evaluation import measures
from psp.evaluation.measures import Compared, Ruler, describe, variety
from psp.faces.alignment import align
from psp.inference.descriptors import describe_faces, identity_distance
from psp.inference.quality import lpips_network
from psp.models.irse import ArcFace, CurricularFace, FaceNetwork
from psp.pictures.images import to_pictures, to_tensor


@pytest.fixture(scope="module")
def faces(astronaut: Image.Image) -> Tensor:
    """Three pictures that differ: a face, its mirror image, and the face moved and dimmed."""
    face = align(astronaut).crop.resize((128, 128), Image.Resampling.LANCZOS)
    shifted = face.transform(face.size, Image.Transform.AFFINE, (1, 0, 20, 0, 1, 16))
    pictures = (face, ImageOps.mirror(face), shifted.point(lambda value: value // 2))
    return torch.cat([to_tensor(picture) for picture in pictures])


@pytest.fixture(scope="module", params=[ArcFace, pytest.param(CurricularFace, marks=pytest.mark.slow)])
def network(request: pytest.FixtureRequest) -> FaceNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return request.param().eval()


def compared(given: np.ndarray, made: np.ndarray) -> Compared:
    zeros = np.zeros(len(given))
    return Compared(zeros, zeros, np.linalg.norm(given - made, axis=1), None, given, made)


def test_descriptors_do_not_depend_on_the_batch(faces: Tensor) -> None:
    for picture, found in zip(to_pictures(faces), describe(faces), strict=True):
        assert np.linalg.norm(describe_faces([picture]) - found) < 1e-4


def test_equal_pictures_are_nothing_apart(faces: Tensor) -> None:
    found = Ruler(lpips_network()).compare(faces, faces)
    assert found.similarity is None
    assert found.l2.tolist() == found.identity.tolist() == [0.0] * 3
    assert found.lpips == pytest.approx([0.0] * 3, abs=1e-6)
    assert found.figures().nearest == 1.0


def test_every_picture_has_its_own_figures(faces: Tensor) -> None:
    made = faces.clone()
    made[1] = (faces[1] + 0.25).clamp(-1.0, 1.0)
    made[2] = 1.5  # beyond white: clipped
    found = Ruler(lpips_network()).compare(faces, made)
    assert found.l2[1] == pytest.approx(float((made[1] - faces[1]).square().mean()))
    assert found.l2[2] == pytest.approx(float((1.0 - faces[2]).square().mean()))
    a, b = to_pictures(torch.stack([faces[1], made[1]]))
    assert found.identity[1] == pytest.approx(identity_distance(a, b), abs=1e-4)
    assert found.lpips[0] < found.lpips[1] < found.lpips[2]
    own = found.figures()
    assert (own.pictures, own.mse) == (3, pytest.approx(found.l2.mean()))
    assert own.lpips == pytest.approx(found.lpips.mean())


def test_batches_joined_are_one_comparison(faces: Tensor, network: FaceNetwork) -> None:
    ruler = Ruler(lpips_network(), network)
    whole = ruler.compare(faces, faces.flip(0))
    parts = [ruler.compare(faces[i : i + 2], faces.flip(0)[i : i + 2]) for i in (0, 2)]
    joined = Compared.join(parts)
    for name in (f.name for f in dataclasses.fields(Compared)):
        np.testing.assert_allclose(getattr(joined, name), getattr(whole, name), atol=1e-5)
    assert Compared.join([compared(np.eye(2), np.eye(2))]).similarity is None


def test_a_face_is_most_like_itself(faces: Tensor, network: FaceNetwork) -> None:
    ruler = Ruler(lpips_network(), network)
    same = ruler.compare(faces, faces).similarity
    assert same == pytest.approx([1.0] * 3, abs=1e-6)
    other = ruler.compare(faces, faces.roll(1, dims=0)).similarity
    assert other is not None and (other < same - 1e-4).all() and (other >= -1.0).all()


@pytest.mark.parametrize("rows", [1, 2, 256])
def test_wrong_pairs_are_all_pairs_of_others(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_ROWS", rows)
    rng = np.random.default_rng(0)
    given = rng.normal(size=(5, 128))
    made = given + 0.1 * rng.normal(size=(5, 128))
    made[4] = given[0]  # taken for another
    own = compared(given, made).figures()
    table = np.linalg.norm(made[:, None] - given[None], axis=2)
    assert own.wrong_pairs == pytest.approx(table[~np.eye(5, dtype=bool)].mean())
    assert own.nearest == 0.8
    assert np.isnan(compared(given[:1], made[:1]).figures().wrong_pairs)


def test_variety_is_between_different_pictures(faces: Tensor) -> None:
    assert variety(faces, lpips_network()) > 0.1
    assert variety(faces[:1].expand(3, -1, -1, -1), lpips_network()) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(variety(faces[:1], lpips_network()))

"""Likeness: a face is near itself, farther from another, and small pictures count too."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from psp.faces.alignment import align
from psp.faces.detection import aligned_shape, dlib_file, dlib_module
from psp.faces.identity import seen_face
from psp.inference.descriptors import describe_faces, identity_distance
from psp.inference.quality import compare


@pytest.fixture(scope="module")
def face(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop


def test_a_face_is_at_distance_zero_from_itself(face: Image.Image) -> None:
    assert identity_distance(face, face) == 0.0
    assert describe_faces([face]).shape == (1, 128)


def test_descriptors_are_dlibs_own(face: Image.Image) -> None:
    weights = str(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))
    network = dlib_module().face_recognition_model_v1(weights)
    faces = [face, ImageOps.mirror(face).resize((128, 128)), face.point(lambda value: value // 2)]
    for aligned, found in zip(faces, describe_faces(faces), strict=True):
        seen = seen_face(aligned)
        assert np.linalg.norm(network.compute_face_descriptor(seen, aligned_shape(seen)) - found) < 1e-4


def test_a_smaller_and_brighter_copy_is_the_same_person(face: Image.Image) -> None:
    copy = face.resize((128, 128)).point(lambda value: min(255, int(value * 1.15)))
    assert identity_distance(face, copy) < 0.35


def test_something_else_is_farther_away(face: Image.Image) -> None:
    upside_down = face.transpose(Image.Transpose.ROTATE_180)
    assert identity_distance(face, upside_down) > 0.6


def test_quality_is_zero_for_equal_pictures_and_grows(face: Image.Image) -> None:
    same = compare(face, face)
    assert (same.identity, same.l2) == (0.0, 0.0)
    assert same.lpips == pytest.approx(0.0, abs=1e-6)
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    other = compare(face, Image.fromarray(noise))
    assert other.lpips > 0.5
    assert other.l2 > 0.2
    assert set(other.to_dict()) == {"identity", "lpips", "l2"}

"""The compact network maps real faces: their parts, glasses and hats, at any size, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import PictureError
from psp.faces.alignment import align
from psp.inference.compact_parser import _network, map_face
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES, Labels, map_agreement, resize_map
from psp.pictures.images import load_picture


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut, size=256).crop


def shares(labels: Labels) -> dict[str, float]:
    """Return the share of the picture of each class that is there."""
    return {CLASSES[i]: float((labels == i).mean()) for i in np.unique(labels)}


def test_a_face_has_its_parts_where_landmarks_see_them(crop: Image.Image) -> None:
    labels = map_face(crop)
    assert labels.shape == (256, 256) and labels.dtype == np.uint8
    assert not {"hat", "glasses", "necklace"} & set(shares(labels))
    landmarks = photo_to_map(crop)
    for name in ("left eye", "right eye", "left brow", "right brow", "nose", "upper lip", "lower lip"):
        places = [np.argwhere(m == CLASSES.index(name)).mean(axis=0) for m in (labels, landmarks)]
        assert np.abs(places[0] - places[1]).max() < 12, name
    assert map_agreement(labels, landmarks) > 0.5


def test_a_hat_and_glasses_are_told_from_what_they_cover() -> None:
    found = shares(map_face(align(load_picture("examples/photos/hopper.jpg"), size=256).crop))
    assert found["hat"] > 0.1
    assert found["glasses"] > 0.03
    assert {"left ear", "right ear", "neck", "cloth"} <= set(found)


@pytest.mark.parametrize("size", [128, 1024])
def test_maps_of_other_sizes_agree(crop: Image.Image, size: int) -> None:
    small = map_face(crop)
    assert map_agreement(resize_map(map_face(crop, size), 256), small) > 0.9
    larger = crop.resize((size, size), Image.Resampling.LANCZOS)
    assert map_agreement(resize_map(map_face(larger), 256), small) > 0.8


def test_any_picture_has_a_map_and_none_is_stretched() -> None:
    assert map_face(Image.new("L", (64, 64), 90)).shape == (64, 64)
    with pytest.raises(PictureError, match="not square: 60×64"):
        map_face(Image.new("RGB", (60, 64)))


def test_threads_get_the_same_map_and_a_first_call_may_be_in_inference_mode(crop: Image.Image) -> None:
    _network.cache_clear()
    with torch.inference_mode():
        wanted = map_face(crop)
    assert not any(p.is_inference() for p in _network().parameters())
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(labels, wanted) for labels in pool.map(map_face, [crop] * 8))

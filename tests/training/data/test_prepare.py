"""What the encoders see: made by the functions that prepare a user's picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.errors import TrainingError
from psp.faces.alignment import align
from psp.inference.compact_parser import map_face
from psp.maps.palette import map_to_tensor
from psp.pictures.images import degrade, load_picture
from psp.pictures.sketches import photo_to_sketch, sketch_to_tensor
from psp.training.data.prepare import Preparation
from psp.training.data.vary import Pixels


@pytest.fixture(scope="module")
def face() -> Pixels:
    photo = load_picture("examples/photos/astronaut.jpg")
    return np.asarray(align(photo).crop.resize((128, 128), Image.Resampling.LANCZOS))


def test_encode_takes_the_picture_itself(face: Pixels) -> None:
    inputs, target = Preparation("encode", 128)(face, None, np.random.default_rng(0))
    assert np.array_equal(np.rint((inputs.transpose(1, 2, 0) + 1.0) * 127.5), face)
    assert np.array_equal(target, face)


def test_a_sketch_is_the_one_that_the_app_draws(face: Pixels) -> None:
    prepare = Preparation("sketch_to_face", 128, 1)
    inputs, target = prepare(face, None, np.random.default_rng(0))
    assert inputs.shape == (1, 128, 128)
    assert np.array_equal(inputs, sketch_to_tensor(photo_to_sketch(Image.fromarray(face)), 128)[0].numpy())
    assert np.array_equal(target, face)


def test_a_map_is_one_hot_with_one_channel_a_class(face: Pixels) -> None:
    prepare = Preparation("segmentation_to_face", 128, 19)
    labels = map_face(Image.fromarray(face))
    assert prepare.needs_maps
    inputs, _ = prepare(face, labels, np.random.default_rng(0))
    assert inputs.shape == (19, 128, 128)
    assert np.array_equal(inputs, map_to_tensor(labels, 128)[0].numpy())


def test_low_resolution_is_what_degrade_makes(face: Pixels) -> None:
    prepare = Preparation("super_resolution", 128, factors=(1, 2, 4, 8, 16, 32))
    wanted = {f: np.asarray(degrade(Image.fromarray(face), f)) for f in (1, 2, 4, 8, 16, 32)}
    seen = set()
    for seed in range(40):
        inputs, target = prepare(face, None, np.random.default_rng(seed))
        levels = np.rint((inputs.transpose(1, 2, 0) + 1.0) * 127.5)
        seen |= {factor for factor, picture in wanted.items() if np.array_equal(levels, picture)}
        assert np.array_equal(target, face)
    assert seen == set(wanted)


def test_every_second_target_of_frontalize_is_mirrored(face: Pixels) -> None:
    prepare = Preparation("frontalize", 128)
    targets = [prepare(face, None, np.random.default_rng(seed))[1] for seed in range(40)]
    mirrored = sum(np.array_equal(target, face[:, ::-1]) for target in targets)
    straight = sum(np.array_equal(target, face) for target in targets)
    assert mirrored + straight == 40 and mirrored > 8 and straight > 8


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(TrainingError, match="'colourise'"):
        Preparation("colourise", 128)


def test_factors_are_drawn_by_their_shares(face: Pixels) -> None:
    prepare = Preparation("super_resolution", 128, factors=(1, 4), factor_shares=(0.0, 1.0))
    small = np.asarray(degrade(Image.fromarray(face), 4))
    for seed in range(5):
        inputs, _ = prepare(face, None, np.random.default_rng(seed))
        assert np.array_equal(np.rint((inputs.transpose(1, 2, 0) + 1.0) * 127.5), small)
    with pytest.raises(TrainingError, match="2 resize factors have 1 shares"):
        Preparation("super_resolution", 128, factors=(1, 4), factor_shares=(1.0,))

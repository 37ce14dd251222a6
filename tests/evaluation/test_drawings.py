"""Do faces follow their drawings: known answers to hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from psp.evaluation.drawings import Drawings, Followed, line_agreement, lines_of, other_pairs
from psp.evaluation.measures import Ruler
from psp.faces.alignment import align
from psp.inference.compact_parser import map_face
from psp.inference.quality import lpips_network
from psp.maps.palette import map_agreement
from psp.pictures.images import to_pictures, to_tensor
from psp.pictures.sketches import photo_to_sketch


@pytest.fixture(scope="module")
def faces(astronaut: Image.Image) -> Tensor:
    """Three pictures that differ: a face, its mirror image, and the face moved and dimmed."""
    face = align(astronaut).crop.resize((128, 128), Image.Resampling.LANCZOS)
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
    assert line_agreement(a, b) == pytest.approx(wanted)
    assert line_agreement(b, a) == pytest.approx(wanted)


def test_the_tolerance_grows_with_the_picture() -> None:
    a, b = (np.kron(each, np.ones((2, 2), dtype=bool)) for each in (lines(40), lines(42)))
    assert line_agreement(a, b) == 1.0


def test_pairs_of_others_are_never_pairs_of_one() -> None:
    assert other_pairs(1) == []
    assert other_pairs(2) == [(0, 1), (1, 0)]
    pairs = other_pairs(12)
    assert len(pairs) == len(set(pairs)) == 60
    assert all(i != j for i, j in pairs)


def sketches_of(images: Tensor) -> list[np.ndarray]:
    return [lines_of(photo_to_sketch(picture)) for picture in to_pictures(images)]


def maps_of(images: Tensor) -> list[np.ndarray]:
    return [map_face(picture) for picture in to_pictures(images)]


def followed(drawings: Drawings, faces: Tensor, made: Tensor) -> Followed:
    return drawings.followed(Ruler(lpips_network()).compare(faces, made), lpips_network())


@pytest.mark.parametrize("kind", ["sketches", "maps"])
def test_what_follows_its_drawing_is_told_from_what_follows_another(faces: Tensor, kind: str) -> None:
    draw, agreement = {"sketches": (sketches_of, line_agreement), "maps": (maps_of, map_agreement)}[kind]
    drawings = Drawings(agreement)
    for part in faces.split(2):  # in batches
        drawings.add(draw(part), draw(part), part, part)
    own = followed(drawings, faces, faces)
    assert own.agreement == 1.0
    assert own.by_chance < 0.8
    assert own.variety == pytest.approx(own.real_variety, abs=1e-4)
    assert own.real_variety > 0.1
    assert own.figures.identity == 0.0


def test_one_face_for_all_drawings_is_found_out(faces: Tensor) -> None:
    one_for_all = faces[:1].expand(3, -1, -1, -1)
    drawings = Drawings(line_agreement)
    drawings.add(sketches_of(faces), sketches_of(one_for_all), faces, one_for_all)
    own = followed(drawings, faces, one_for_all)
    assert own.variety == pytest.approx(0.0, abs=1e-6)
    assert own.agreement < 0.8


def test_variety_keeps_the_first_pictures_alone(faces: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psp.evaluation.drawings._VARIED", 2)
    drawings, blank = Drawings(line_agreement), [np.zeros((128, 128), dtype=bool)]
    for part in (faces[:1], faces[:1], faces[1:2]):
        drawings.add(blank, blank, part, part)
    own = followed(drawings, faces, faces)
    assert own.variety == own.real_variety == pytest.approx(0.0, abs=1e-6)
    assert own.agreement == own.by_chance == 1.0

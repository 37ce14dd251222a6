"""Sharp photos have detail already; blurred ones, tiny ones, and tiny ones enlarged, have room for it."""

from __future__ import annotations

import pytest
from PIL import Image, ImageFilter

from psp.faces.alignment import Alignment
from psp.faces.detail import has_detail
from psp.inference.inputs import place_small_face
from psp.pictures.images import load_picture
from tests.pages import ROOT

EXAMPLES = ROOT / "examples"
PHOTOS = sorted(path.name for path in (EXAMPLES / "photos").iterdir())
TINY = sorted(path.name for path in (EXAMPLES / "tiny").iterdir())


def face_in(picture: Image.Image) -> Alignment:
    return place_small_face(picture, True, 0)


def detailed(place: Alignment) -> bool:
    return has_detail(place.crop, place.side)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_sharp_photo_has_detail_and_none_once_it_is_blurred(name: str) -> None:
    photo = load_picture(EXAMPLES / "photos" / name)
    place = face_in(photo)
    assert detailed(place)
    for crop in (
        place.crop.filter(ImageFilter.GaussianBlur(2)),
        place.crop.resize((48, 48), Image.Resampling.BICUBIC),  # and enlarged again, to be looked at
    ):
        assert not has_detail(crop, 1024)


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_picture_has_none(name: str) -> None:
    picture = load_picture(EXAMPLES / "tiny" / name)
    assert not detailed(face_in(picture))
    assert not detailed(face_in(picture.resize((600, 600), Image.Resampling.BICUBIC)))


def test_size_is_not_enough_and_neither_is_detail() -> None:
    place = face_in(load_picture(EXAMPLES / "photos" / PHOTOS[0]))
    assert not has_detail(place.crop, 100)
    assert not has_detail(Image.new("RGB", (256, 256), "grey"), 1024)

"""Sheets: what they show, and that they stay small."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from psp.maps.palette import PALETTE
from psp.models.psp import PSP
from psp.training import galleries
from tests.compact import compact_config, compact_model


@pytest.fixture(scope="module")
def model() -> PSP:
    return compact_model()


def pictures(count: int, seed: int = 0, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_gallery_keeps_to_its_limit(tmp_path: Path) -> None:
    noise = pictures(24, size=128)
    path = tmp_path / "new" / "a.jpg"
    galleries.save_gallery(path, noise, noise, max_bytes=10**9)
    limit = path.stat().st_size * 2 // 3
    galleries.save_gallery(path, noise, noise, max_bytes=limit)
    assert path.stat().st_size <= limit
    assert Image.open(path).size == (12 * 128, 4 * 128)


def test_sketches_and_maps_are_shown_as_pictures() -> None:
    sketch = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert galleries.show_inputs(sketch)[0, :, 0].T.tolist() == [[-1.0] * 3, [1.0] * 3]
    planes = torch.zeros(1, 19, 2, 2)
    planes[0, 13] = 1.0
    shown = galleries.show_inputs(planes)
    assert ((shown[0, :, 0, 0] + 1) * 127.5).round().tolist() == list(PALETTE[13])
    photo = pictures(1)
    assert galleries.show_inputs(photo) is photo


@pytest.mark.parametrize("channels", [1, 3, 19])
def test_any_input_is_encoded_at_the_encoders_size(channels: int) -> None:
    config = compact_config()
    other = dataclasses.replace(config, encoder=dataclasses.replace(config.encoder, in_channels=channels))
    codes = galleries.encode_all(compact_model(other), torch.rand(17, channels, 48, 48))
    assert codes.shape == (17, 8, 32)


def test_random_codes_depend_on_the_seed_alone(model: PSP) -> None:
    codes = galleries.random_codes(model, 3, seed=1)
    assert codes.shape == (3, 8, 32)
    assert torch.equal(codes, galleries.random_codes(model, 3, seed=1))
    assert not torch.equal(codes, galleries.random_codes(model, 3, seed=2))


def test_an_interpolation_begins_and_ends_with_its_pair(model: PSP) -> None:
    a, b = galleries.random_codes(model, 4, seed=1).split(2)
    faces = galleries.interpolate(model, a, b, steps=3, size=32)
    assert faces.shape == (6, 3, 32, 32)
    ends = galleries.decode_at(model, torch.stack([a[0], b[0], a[1], b[1]]), 32)
    torch.testing.assert_close(faces[[0, 2, 3, 5]], ends)


def test_a_mixed_table_has_its_photos_and_styles_at_the_edges(model: PSP) -> None:
    photos, styles = pictures(2, 1), pictures(3, 2)
    table = galleries.mix_styles(model, photos, styles)
    assert table.shape == ((1 + 3 * 2) * (1 + 3), 3, 32, 32)
    torch.testing.assert_close(table[1:4], styles)
    torch.testing.assert_close(table[4::4], photos.repeat(3, 1, 1, 1))
    codes, others = galleries.encode_all(model, photos), galleries.encode_all(model, styles)
    fine = torch.cat([codes[:1, :5], others[2:, 5:]], dim=1)
    torch.testing.assert_close(table[4 * 5 + 3], galleries.decode_at(model, fine, 32)[0])


def test_pictures_are_decoded_at_the_size_asked_for(model: PSP) -> None:
    codes = galleries.random_codes(model, 2)
    assert galleries.decode_at(model, codes, 16).shape == (2, 3, 16, 16)

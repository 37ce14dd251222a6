"""The compact encoder: the bundled weights give the numbers that the code gave that trained them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from psp.checkpoints import load_psp
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.config import Settings
from psp.files.bundled import assets_dir
from psp.models.compact import CompactConfig, CompactEncoder, Correction
from psp.models.irse import Stage
from psp.models.sight import SEEN, FaceSight

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "compact.npz")
SMALL = CompactConfig(
    in_size=64, n_codes=6, code_dim=8, width=16, stages=(Stage(16, 1),) * 3, pyramid=16, vector=8,
    coarse=2, medium=4,
)  # fmt: skip


def bundled(task: str) -> CompactEncoder:
    """Return the encoder of the bundled family for a task."""
    encoder = load_psp("mobile-1024", task=task, settings=Settings(), assets=assets_dir()).encoder
    assert isinstance(encoder, CompactEncoder)
    return encoder


@pytest.fixture(scope="module")
def sight() -> FaceSight:
    return FaceSight(load_face_descriptor())


def waves() -> Tensor:
    """A picture [1,3,256,256] in [−1,1] that any machine makes alike."""
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    planes = [torch.sin(x / 20 + y / 50 + k) * torch.cos(y / 30 - k) * 0.8 for k in range(3)]
    return torch.stack(planes)[None]


def agrees(name: str, codes: Tensor) -> None:
    np.testing.assert_allclose(codes[0, ::3, ::64].numpy(), GOLDEN[name], atol=2e-3)


def test_what_the_face_network_sees_is_what_the_recipe_saw(sight: FaceSight) -> None:
    with torch.no_grad():
        seen, descriptor = sight(waves())
    assert seen.shape == (1, SEEN)
    np.testing.assert_allclose(seen[0, ::16].numpy(), GOLDEN["seen"], atol=2e-3)
    np.testing.assert_allclose(descriptor[0, ::4].numpy(), GOLDEN["descriptor"], atol=2e-4)


@torch.no_grad()
def test_photos_and_their_correction() -> None:
    encoder = bundled("encode")
    photo, other = waves(), waves().flip(3) * 0.9
    wanted, made = (encoder.vectors(p) for p in (photo, other))
    agrees("encode", encoder.codes(wanted))
    assert torch.equal(encoder(photo), encoder.codes(wanted))
    assert encoder.correction is not None
    agrees("correction", encoder.correction(encoder, wanted, made))
    nothing = torch.zeros_like(encoder.codes(wanted))
    fresh = Correction()
    assert torch.equal(
        fresh(encoder, wanted, wanted), nothing
    )  # an untrained one takes half of the difference
    difference = tuple(here - there for here, there in zip(wanted, made, strict=True))
    half = encoder.offsets(difference) / 2  # type: ignore[arg-type]  # three
    assert torch.allclose(fresh(encoder, wanted, made), half, atol=1e-5)


@torch.no_grad()
def test_tiny_pictures() -> None:
    encoder = bundled("super_resolution")
    agrees("super_resolution", encoder(waves()))


@torch.no_grad()
def test_drawings_are_seen_too() -> None:
    encoder = bundled("sketch_to_face")
    lines = (waves().mean(1, keepdim=True) + 1) / 2
    agrees("sketch_to_face", encoder(lines))


@torch.no_grad()
def test_maps_are_not_seen() -> None:
    encoder = bundled("segmentation_to_face")
    y, x = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    labels = ((x + y) // 27).long().clamp(0, 18)
    agrees("segmentation_to_face", encoder(F.one_hot(labels, 19).permute(2, 0, 1)[None].float()))


def test_levels_are_what_the_codes_come_from() -> None:
    config = CompactConfig()
    assert [config.level_size(level) for level in range(3)] == [4, 8, 16]
    assert [config.level_of(code) for code in (0, 3, 4, 9, 10, 22)] == [0, 0, 1, 1, 2, 2]


def test_gradients_reach_everything_that_learns() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        encoder, correction = CompactEncoder(SMALL), Correction(SMALL.vector)
        images = torch.randn(3, 3, 64, 64)
        wanted, made = encoder.vectors(images), encoder.vectors(images.flip(3))
    codes = encoder.codes(wanted) + correction(encoder, wanted, made)
    assert codes.shape == (3, SMALL.n_codes, SMALL.code_dim)
    codes.square().mean().backward()
    learning = {**dict(encoder.named_parameters()), **dict(correction.named_parameters())}
    silent = {name for name, value in learning.items() if value.grad is None and value.requires_grad}
    assert not silent


def test_codes_are_corrected_by_the_pictures_that_they_make_and_turned_last() -> None:
    shape = dataclasses.replace(SMALL, corrections=2, frontal_rank=3)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        encoder = CompactEncoder(shape).eval().requires_grad_(False)
        images, w_avg = torch.rand(2, 3, 64, 64) * 2 - 1, torch.randn(6, 8)
    asked: list[Tensor] = []

    def decode(codes: Tensor, size: int) -> Tensor:
        assert size == 64
        asked.append(codes)
        return codes.mean((1, 2))[:, None, None, None].expand(-1, 3, 64, 64) * 3

    made = encoder.invert(images, w_avg, decode)
    assert encoder.correction is not None and encoder.frontal is not None
    first = encoder(images) + w_avg
    assert torch.allclose(asked[0], first)
    vectors = encoder.vectors(images)
    drawn = (first.mean((1, 2))[:, None, None, None].expand(-1, 3, 64, 64) * 3).clamp(-1, 1)
    second = first + encoder.correction(encoder, vectors, encoder.vectors(drawn))
    assert torch.allclose(asked[1], second, atol=1e-5)
    assert len(asked) == 2
    plain = encoder.frontal(made)
    assert not torch.equal(plain[:, :4], made[:, :4])
    assert torch.equal(plain[:, 4:], made[:, 4:])  # only the codes of pose and shape are moved

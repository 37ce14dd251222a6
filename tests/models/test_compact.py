"""The compact encoder: the weights that wait in assets/mobile-1024 give the numbers that the recipe gave."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.quantize import from_int8
from psp.checkpoints.tensors import load_tensors
from psp.models.compact import CompactConfig, CompactEncoder, Correction
from psp.models.irse import Stage
from psp.models.sight import SEEN, FaceSight
from psp.registry.lookup import assets_dir

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "compact.npz")
SMALL = CompactConfig(
    in_size=64, n_codes=6, code_dim=8, width=16, stages=(Stage(16, 1),) * 3, pyramid=16, vector=8,
    coarse=2, medium=4,
)  # fmt: skip
# The recipe's names, and those of the product.
NAMES = (
    (r"^e\.l(\d)\.", r"laterals.\1."), (r"^e\.trunks\.(\d)\.fc\.", r"trunks.\1.linear."), (r"^e\.", ""),
    (r"^norm\.", "sight.norm."), (r"^side\.", "sight.levels."), (r"^seen\.", "sight.narrow."),
    (r"^tell\.", "sight.levels."), (r"^blind$", "unseen"),
)  # fmt: skip


def waiting(*names: str) -> dict[str, Tensor]:
    """Return the tensors of files in assets/mobile-1024, named as in the product."""
    tensors: dict[str, Tensor] = {}
    for name in names:
        path = assets_dir() / "mobile-1024" / f"{name}.safetensors"
        for key, value in from_int8(path.name, load_tensors(path)[0]).items():
            for pattern, replacement in NAMES:
                key = re.sub(pattern, replacement, key)  # noqa: PLW2901  (one name after the other)
            tensors[key] = value.float()
    return tensors


def filled(config: CompactConfig, own: str = "") -> CompactEncoder:
    """Return an encoder with the weights of encode, and over them those of the task's own file."""
    encoder = CompactEncoder(config)
    state = encoder.state_dict()
    tensors = waiting("encode-body", "encode-heads") | (waiting(own) if own else {})
    if own and config.sight != "photo":
        tensors = {k: v for k, v in tensors.items() if not k.startswith("sight")} | waiting(own)
    counts = {key: value for key, value in state.items() if key.endswith("num_batches_tracked")}
    if config.sight == "none":  # the map's file has a norm that nothing reads
        tensors = {key: value for key, value in tensors.items() if not key.startswith("sight")}
    if encoder.face is not None:
        counts |= {f"face.network.{key}": value for key, value in load_face_descriptor().state_dict().items()}
    encoder.load_state_dict(counts | tensors, strict=True)
    return encoder.eval().requires_grad_(False)


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
    encoder = filled(CompactConfig())
    photo, other = waves(), waves().flip(3) * 0.9
    wanted, made = (encoder.vectors(p) for p in (photo, other))
    agrees("encode", encoder.codes(wanted))
    assert torch.equal(encoder(photo), encoder.codes(wanted))
    correction = Correction()
    correction.load_state_dict(waiting("refine"))
    agrees("correction", correction(encoder, wanted, made))
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
    encoder = filled(CompactConfig(), "super_resolution")
    agrees("super_resolution", encoder(waves()))


@torch.no_grad()
def test_drawings_are_seen_too() -> None:
    encoder = filled(CompactConfig(in_channels=1, sight="drawing"), "sketch_to_face")
    lines = (waves().mean(1, keepdim=True) + 1) / 2
    agrees("sketch_to_face", encoder(lines))


@torch.no_grad()
def test_maps_are_not_seen() -> None:
    encoder = filled(CompactConfig(in_channels=19, sight="none"), "segmentation_to_face")
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

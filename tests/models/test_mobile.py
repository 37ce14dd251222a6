"""MobileStyleGAN: the wavelet transform, sizes, codes, and that decoding is a function of the codes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from psp.models.haar import inverse_haar
from psp.models.mobile import MobileConfig, MobileGenerator

SMALL = MobileConfig(size=64, style_dim=32, n_mlp=2, channels=(32, 32, 16, 16))


@pytest.fixture
def generator() -> MobileGenerator:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = MobileGenerator(SMALL)
        for name, plane in made.named_buffers():
            if name.endswith("noise"):
                plane.normal_()
    return made.requires_grad_(False)


def codes(seed: int = 0, count: int = 2) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, SMALL.n_codes, SMALL.style_dim, generator=draw)


def test_the_transform_is_the_one_that_the_notes_say() -> None:
    draw = torch.Generator().manual_seed(1)
    bands = torch.randn(2, 12, 4, 4, generator=draw)
    low, detail = bands[:, :3], bands[:, 3:].reshape(2, 3, 3, 4, 4)
    half = 2**-0.5
    wanted = torch.zeros(2, 3, 8, 8)
    for row, above in ((0, 1), (1, -1)):
        for column, left in ((0, 1), (1, -1)):
            lows = (low + above * detail[:, :, 0]) * half
            highs = (detail[:, :, 1] + above * detail[:, :, 2]) * half
            wanted[:, :, row::2, column::2] = (lows + left * highs) * half
    assert torch.allclose(inverse_haar(bands), wanted, atol=1e-6)


def test_the_transform_keeps_lengths_and_its_low_band_is_the_mean() -> None:
    bands = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(2))
    out = inverse_haar(bands)
    assert torch.allclose(out.square().sum(), bands.square().sum())
    assert torch.allclose(F.avg_pool2d(out, 2), bands[:, :2] / 2, atol=1e-6)


def test_the_published_shape_has_23_codes_at_rising_sizes() -> None:
    config = MobileConfig()
    assert config.n_codes == len(config.resolutions) == 23
    assert config.resolutions[:5] == (4, 8, 8, 8, 16)
    assert config.resolutions[-4:] == (512, 512, 512, 1024)
    with torch.device("meta"):
        weights = sum(p.numel() for p in MobileGenerator(config).parameters())
    assert weights == 9_407_628  # and 699,024 numbers of stored noise


@pytest.mark.parametrize("fields", [{"size": 60}, {"channels": (32, 32)}, {"channels": (32, 32, 16, 18)}])
def test_a_shape_that_contradicts_itself_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        MobileConfig(**({"size": 64, "channels": (32, 32, 16, 16)} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [4, 8, 16, 32, 64])
def test_smaller_pictures_are_means_of_the_large_one(generator: MobileGenerator, size: int) -> None:
    full = generator(codes())
    assert full.shape == (2, 3, 64, 64)
    small = generator(codes(), max_size=size)
    assert torch.allclose(small, F.avg_pool2d(full, 64 // size), atol=1e-5)


def test_a_picture_does_not_depend_on_its_neighbours_nor_on_the_call(generator: MobileGenerator) -> None:
    both, weights = generator(codes()), {k: v.clone() for k, v in generator.state_dict().items()}
    assert torch.allclose(generator(codes()[1:]), both[1:], atol=1e-5)
    assert torch.equal(generator(codes()), both)
    assert all(torch.equal(weights[name], value) for name, value in generator.state_dict().items())


def test_each_code_changes_the_picture_from_its_size_on(generator: MobileGenerator) -> None:
    base = codes(count=1)
    for index, size in enumerate(SMALL.resolutions):
        changed = base.clone()
        changed[:, index] += 1
        assert not torch.equal(generator(changed), generator(base))
        if size > 4:
            below = (generator.features(c, size // 2) for c in (changed, base))
            assert torch.equal(*below)


def test_gradients_reach_codes_and_weights_and_values_stay_the_same(generator: MobileGenerator) -> None:
    given = codes().requires_grad_()
    made = generator(given)
    made.square().mean().backward()
    assert given.grad is not None
    assert (given.grad.abs().sum(2) > 0).all()
    assert torch.allclose(made, generator(codes()), atol=1e-5)
    generator.requires_grad_(True)
    generator(codes()).mean().backward()
    assert all(p.grad is not None for name, p in generator.named_parameters() if "mapping" not in name)


def test_mapping_takes_the_length_out_of_z(generator: MobileGenerator) -> None:
    z = torch.randn(3, 32, generator=torch.Generator().manual_seed(4))
    assert generator.map(z).shape == (3, 32)
    assert torch.allclose(generator.map(z), generator.map(5 * z), atol=1e-4)

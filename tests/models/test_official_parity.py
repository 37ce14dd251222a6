"""The models give the numbers of the official code, for seeded weights (see tests/golden/README.md)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig, official_channels
from psp.models.psp import PSP, PSPConfig
from tests.official import CASES, Case

KINDS = {"w_256": "w", "wplus_256": "w_plus"}
CODES_TOLERANCE = 1e-4  # relative to the largest code
IMAGE_TOLERANCE = 1e-3  # relative to the picture's standard deviation


def official_model(case: Case) -> PSP:
    size = case.opts()["output_size"]
    assert isinstance(size, int)
    config = PSPConfig(
        EncoderConfig(kind=KINDS.get(case.name, "gradual"), in_channels=case.channels, n_codes=case.n_codes),
        GeneratorConfig(size=size, channels=official_channels(size)),
    )
    with torch.device("meta"):
        model = PSP(config)
    state = case.state_dict() | {"latent_avg": case.latent_avg()}
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def assert_close(value: torch.Tensor, golden: np.ndarray, scale: float, tolerance: float) -> None:
    assert value.shape == golden.shape
    assert np.abs(value.numpy() - golden).max() <= tolerance * scale


def check(case: Case) -> None:
    golden, model = case.golden(), official_model(case)
    size = model.config.generator.size
    with torch.inference_mode():
        codes = model.encode(case.images())
        image = model.decode(codes)
        assert_close(codes, golden["codes"], np.abs(golden["codes"]).max(), CODES_TOLERANCE)
        middle = slice(size // 2 - 16, size // 2 + 16)
        small = F.adaptive_avg_pool2d(image, 256)[:, :, 112:144, 112:144]
        for value, name in (
            (F.adaptive_avg_pool2d(image, 32), "image_mean32"),
            (image[:, :, middle, middle], "image_crop"),
            (small, "image256_crop"),
        ):
            assert_close(value, golden[name], golden[name].std(), IMAGE_TOLERANCE)
        if "mix_w" in golden:
            w = model.map(case.z())
            assert_close(w, golden["mix_w"], np.abs(golden["mix_w"]).max(), CODES_TOLERANCE)
            layers = tuple(range(8, case.n_codes))
            for alpha, name in ((1.0, "mix_none_mean32"), (0.4, "mix_a04_mean32")):
                mixed = F.adaptive_avg_pool2d(model.decode(model.mix(codes, w, layers, alpha)), 32)
                assert_close(mixed, golden[name], golden[name].std(), IMAGE_TOLERANCE)


@pytest.mark.parametrize("name", [pytest.param("sketch_256", marks=pytest.mark.slow), "w_256", "wplus_256"])
def test_gives_the_official_numbers_at_256_px(name: str) -> None:
    check(CASES[name])


@pytest.mark.slow
def test_gives_the_official_numbers_at_1024_px() -> None:
    check(CASES["encode_1024"])


@pytest.mark.parametrize("name", list(CASES))
def test_has_exactly_the_official_keys_and_shapes(name: str) -> None:
    case = CASES[name]
    size = case.opts()["output_size"]
    assert isinstance(size, int)
    config = PSPConfig(
        EncoderConfig(kind=KINDS.get(name, "gradual"), in_channels=case.channels, n_codes=case.n_codes),
        GeneratorConfig(size=size, channels=official_channels(size)),
    )
    with torch.device("meta"):
        ours = {key: list(value.shape) for key, value in PSP(config).state_dict().items()}
    assert ours.pop("latent_avg") == [case.latent_rows, 512]
    assert ours == {key: shape for key, (shape, _) in case.keys().items()}

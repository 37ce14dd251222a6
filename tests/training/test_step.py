"""One step's terms: which pictures count how, and what corrected codes learn from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from psp.losses.objective import LossWeights, Objective
from psp.models.compact import CompactEncoder
from psp.models.psp import PSP
from psp.training.code_distance import CodeDistance
from psp.training.decoding import decode_at
from psp.training.step import LossTerms, Plan
from tests.compact import compact_config, compact_model, mobile_config

WEIGHTS = LossWeights(l2=1.0, lpips=0.0, identity=0.0, w_norm=1.0, code=1.0)


@pytest.fixture
def model() -> PSP:
    model = compact_model(mobile_config(), seed=2)
    model.decoder.requires_grad_(False)
    return model


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def wanted() -> Tensor:
    return torch.randn(4, 11, 32, generator=torch.Generator().manual_seed(1))


def terms_of(model: PSP, wanted: Tensor) -> LossTerms:
    return LossTerms(model, Objective(WEIGHTS), CodeDistance(model.decoder, wanted))


def test_pictures_and_codes_count_where_the_plan_says(model: PSP, images: Tensor, wanted: Tensor) -> None:
    step = terms_of(model, wanted)
    with torch.no_grad():
        terms = step(images, images, Plan(decoded=1, synthetic=4, synthetic_decoded=2), wanted)
        offsets = model.encoder(images)
        outputs = decode_at(model, offsets + model.w_avg, 64)
    chosen = [0, 2, 3]
    assert float(terms["l2"]) == pytest.approx(float((outputs - images)[chosen].square().mean()), rel=1e-4)
    assert float(terms["w_norm"]) == pytest.approx(float(offsets[:2].flatten(1).norm(dim=1).mean()), rel=1e-4)
    assert step.distance is not None
    assert float(terms["code"]) == pytest.approx(float(step.distance(offsets[2:], wanted)), rel=1e-4)


@pytest.mark.parametrize("corrections", [1, 2])
def test_corrected_codes_are_those_that_the_studio_decodes(
    model: PSP, images: Tensor, wanted: Tensor, corrections: int
) -> None:
    plan = Plan(decoded=2, synthetic=4, synthetic_decoded=1, corrections=corrections)
    same = PSP(mobile_config(corrections)).eval()
    same.load_state_dict(model.state_dict())
    with torch.no_grad():
        terms = terms_of(model, wanted)(images, images, plan, wanted)
        outputs = decode_at(same, same.encode(images[:3]), 64)
    assert float(terms["l2"]) == pytest.approx(float((outputs - images[:3]).square().mean()), rel=1e-4)


def test_only_steps_with_a_correction_teach_it(model: PSP, images: Tensor, wanted: Tensor) -> None:
    assert isinstance(model.encoder, CompactEncoder) and model.encoder.correction is not None
    step, learned = terms_of(model, wanted), model.encoder.correction.gain
    for corrections, teaches in ((0, False), (2, True)):
        model.zero_grad(set_to_none=True)
        terms = step(images, images, Plan(2, 4, 1, corrections), wanted)
        torch.stack(list(terms.values())).sum().backward()
        assert (learned.grad is not None) is teaches
        assert model.encoder.base.weight.grad is not None
        assert all(p.grad is None for p in model.decoder.parameters())


def test_a_stylegan2_is_decoded_whole_and_averaged_down() -> None:
    model = compact_model(compact_config())
    codes = torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = model.decode(codes)
        torch.testing.assert_close(decode_at(model, codes, 16), torch.nn.functional.avg_pool2d(whole, 2))

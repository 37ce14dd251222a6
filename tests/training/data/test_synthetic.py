"""Synthetic pairs: functions of seed and number, rendered once, gone on with where rendering broke off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from psp.errors import TrainingError
from psp.maps.classes import numbered_classes
from psp.models.psp import PSP
from psp.training.config import DegradeConfig
from psp.training.data.prepare import Preparation
from psp.training.data.synthetic import SyntheticPairs, draw_codes
from psp.training.decoding import decode_at
from tests.compact import compact_config, compact_model, mobile_config
from tests.full_disk import full_disk

PREPARE = Preparation(size=64)


@pytest.fixture(scope="module")
def model() -> PSP:
    model = compact_model(mobile_config(), seed=2)
    model.latent_avg.fill_(0.1)
    return model


def kept(model: PSP, folder: Path, **more: object) -> SyntheticPairs:
    pairs = SyntheticPairs(model, PREPARE, 64, 7, pictures=20, folder=folder)
    pairs.render()
    return pairs


def test_a_pair_depends_on_the_seed_and_its_number_alone(model: PSP) -> None:
    codes = draw_codes(model, 7, 0, 12)
    torch.testing.assert_close(draw_codes(model, 7, 5, 3), codes[5:8], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(draw_codes(model, 8, 0, 12), codes)


def test_codes_cross_between_few_w_and_none_is_far_out(model: PSP) -> None:
    codes = draw_codes(model, 7, 0, 400)
    layers = codes.shape[1]
    changes = (codes[:, 1:] - codes[:, :-1]).abs().amax(dim=2).gt(1e-6).sum(dim=1)
    assert set(changes.tolist()) <= {0, 1, 2}
    assert changes.eq(0).float().mean() == pytest.approx(0.55, abs=0.1)
    assert all(changes.eq(count).any() for count in (1, 2))
    crossed = (codes[:, 1:] - codes[:, :-1]).abs().amax(dim=2).gt(1e-6).any(dim=0)
    assert crossed.sum() == layers - 1  # at any layer


def test_the_average_is_what_codes_are_drawn_towards(model: PSP) -> None:
    plain = draw_codes(model, 7, 0, 300)[:, 0] - 0.1
    rng = np.random.default_rng([7, 11, 0])
    with torch.no_grad():
        w = model.map(torch.from_numpy(rng.standard_normal((3, 32), np.float32)))[0] - 0.1
    share = float((plain[0] @ w) / w.square().sum())
    assert 0.6 <= share <= 1.0 + 1e-5
    torch.testing.assert_close(plain[0], share * w, rtol=1e-3, atol=1e-4)


def test_pictures_are_those_of_the_codes(model: PSP, tmp_path: Path) -> None:
    batch = kept(model, tmp_path).batch(3, 5)
    assert batch.inputs.shape == batch.targets.shape == (5, 3, 64, 64)
    with torch.no_grad():
        images = decode_at(model, batch.codes, 64).clamp(-1, 1)
    assert (images - batch.targets).abs().max() < 0.02  # halves and 8 bits
    assert torch.equal(batch.inputs, batch.targets)


def test_what_is_kept_is_gone_through_again_with_other_inputs(model: PSP, tmp_path: Path) -> None:
    worn = Preparation(size=64, degrade=DegradeConfig(noise=1.0))
    pairs = SyntheticPairs(model, worn, 64, 7, pictures=16, folder=tmp_path)
    pairs.render()
    first, again, second = pairs.batch(2, 2), pairs.batch(2, 2), pairs.batch(18, 2)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, second.targets) and torch.equal(first.codes, second.codes)
    assert not torch.equal(first.inputs, second.inputs)
    assert not torch.equal(first.inputs, first.targets)


def test_rendered_on_the_way_pairs_are_the_same_and_never_end(model: PSP, tmp_path: Path) -> None:
    ahead, fresh = kept(model, tmp_path).batch(1, 3), SyntheticPairs(model, PREPARE, 64, 7).batch(1, 3)
    assert (ahead.targets - fresh.targets).abs().max() < 0.01
    torch.testing.assert_close(ahead.codes, fresh.codes, rtol=1e-3, atol=1e-3)
    far = SyntheticPairs(model, PREPARE, 64, 7).batch(10**6, 1)
    assert not torch.equal(far.codes, fresh.codes[:1])


def test_rendering_goes_on_where_it_broke_off(model: PSP, tmp_path: Path) -> None:
    whole = kept(model, tmp_path).batch(0, 32)
    first, second = sorted(tmp_path.rglob("pairs-*.safetensors"))  # 20 asked for: two files of 16
    second.unlink()
    second.with_name("pairs-00007.safetensors").write_bytes(b"torn")
    before = first.stat().st_mtime_ns
    said: list[str] = []
    pairs = SyntheticPairs(model, PREPARE, 64, 7, pictures=20, folder=tmp_path)
    pairs.render(said.append)
    assert len(said) == 1 and "Rendering 16 synthetic pictures" in said[0]
    assert first.stat().st_mtime_ns == before
    assert torch.equal(pairs.batch(0, 32).targets, whole.targets)
    pairs.render(said.append)
    assert len(said) == 1


def test_pairs_of_another_generator_lie_apart(model: PSP, tmp_path: Path) -> None:
    kept(model, tmp_path)
    kept(compact_model(mobile_config(), seed=3), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_told_and_leaves_no_half_file(model: PSP, tmp_path: Path) -> None:
    with full_disk(20_000), pytest.raises(TrainingError, match=r"cannot be kept.*data\.synthetic\.pictures"):
        kept(model, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_tasks_see_what_the_page_would_make_of_the_picture(model: PSP, tmp_path: Path) -> None:
    sketch = SyntheticPairs(model, Preparation("sketch_to_face", 64, 1), 64, 7).batch(0, 2)
    assert sketch.inputs.shape == (2, 1, 64, 64) and 0 <= sketch.inputs.min() <= sketch.inputs.max() <= 1
    maps = Preparation("segmentation_to_face", 64, 19)
    pairs = SyntheticPairs(model, maps, 64, 7, pictures=2, folder=tmp_path)
    pairs.render()
    inputs = pairs.batch(0, 2).inputs
    assert inputs.shape == (2, 19, 64, 64) and inputs.sum(dim=1).eq(1).all()


def test_what_cannot_be_drawn_is_told() -> None:
    without = compact_model(compact_config(n_mlp=0))
    with pytest.raises(TrainingError, match="no mapping network"):
        SyntheticPairs(without, PREPARE, 32, 0)
    own = Preparation("segmentation_to_face", 64, 4, classes=numbered_classes(4))
    with pytest.raises(TrainingError, match=r"classes of faces.*share=0"):
        SyntheticPairs(compact_model(mobile_config()), own, 64, 0)

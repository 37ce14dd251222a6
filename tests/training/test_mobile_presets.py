"""The presets on the bundled generator, two steps of each on a small one: from photos to a loaded model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_psp, read_info, save_psp
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.errors import SettingsError, TrainingError
from psp.models.compact import CompactEncoder
from psp.models.psp import PSP
from psp.training.coach import Coach, _corrections
from psp.training.config import SyntheticConfig, TrainConfig
from psp.training.data.pictures import Batch
from psp.training.data.synthetic import SyntheticPairs
from psp.training.limits import check_config
from psp.training.machine import open_accelerator
from psp.training.presets import preset
from psp.training.presets_mobile import MOBILE_PRESETS
from psp.training.run import RunOptions, train
from psp.training.scalars import read_scalars
from tests.compact import Sight, compact_model, mobile_config

TASKS: dict[str, tuple[int, Sight, int]] = {
    "encode": (3, "photo", 2),
    "super_resolution": (3, "photo", 1),
    "sketch_to_face": (1, "drawing", 0),
    "segmentation_to_face": (19, "none", 0),
}


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small models, as the bundled family is."""
    folder = tmp_path_factory.mktemp("family")
    for task, (channels, sight, corrections) in TASKS.items():
        model = compact_model(mobile_config(corrections, in_channels=channels, sight=sight), seed=4)
        save_psp(model, folder / f"{task}.safetensors", precision="float32", info={"task": task})
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six faces' worth of smooth colours, two held out."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for index in range(6):
        path = folder / ("val" if index < 2 else "train") / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return folder


def shortened(name: str, **changes: object) -> TrainConfig:
    """The preset with few pictures a step, without the networks of the losses."""
    full = preset(name)
    return dataclasses.replace(
        full,
        optimizer=dataclasses.replace(full.optimizer, batch=8, warmup=0),
        losses=dataclasses.replace(full.losses, lpips=0.0, identity=0.0),
        data=dataclasses.replace(
            full.data, synthetic=dataclasses.replace(full.data.synthetic, pictures=16), vary=full.data.vary
        ),
        pictures=24,
        ema_pictures=0,
        log_every=1,
        save_every=1,
        precision="float32",
        **changes,  # type: ignore[arg-type]  # fields of the config
    )


def options(data: Path, out: Path, start: Path, **more: Any) -> RunOptions:
    return RunOptions(data, out, start_from=start, device="cpu", check=False, **more)  # they are tiny


@pytest.mark.parametrize(
    "name",
    [
        name if name == "mobile-encode" else pytest.param(name, marks=pytest.mark.slow)
        for name in MOBILE_PRESETS
    ],
)
def test_three_steps_of_each_preset_give_a_model(name: str, family: Path, data: Path, tmp_path: Path) -> None:
    config = shortened(name)
    path = train(config, options(data / "train", tmp_path / "run", family))  # the last is the best
    before, after = load_psp(family, task=config.task), load_psp(path)
    assert after.config == before.config
    assert after(torch.zeros(1, after.config.encoder.in_channels, 64, 64)).shape == (1, 3, 64, 64)
    changed = changed_keys(before, after)
    assert changed and all(key.startswith(("encoder.", *config.trained)) for key in changed)
    assert not any("running" in key or ".face." in key for key in changed)
    if config.trained:
        assert all(key.startswith(config.trained) for key in changed)
    terms = {each.name for each in read_scalars(tmp_path / "run" / "scalars.csv")}
    assert {"l2", "code"} <= terms
    assert list((tmp_path / "run" / "synthetic").rglob("pairs-*.safetensors"))


def changed_keys(base: PSP, made: PSP) -> set[str]:
    before, after = base.state_dict(), made.state_dict()
    return {key for key in after if not torch.equal(after[key], before[key])}


@pytest.mark.slow
def test_a_run_with_synthetic_pictures_goes_on_exactly(family: Path, data: Path, tmp_path: Path) -> None:
    config = shortened("mobile-encode")
    # The rate must not depend on the length of the run.
    config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, decay_from=1.0))
    pairs = tmp_path / "pairs"
    whole = load_psp(
        train(config, options(data / "train", tmp_path / "whole", family, synthetic=pairs))
    ).state_dict()
    parts = options(data / "train", tmp_path / "parts", family, synthetic=pairs)
    train(dataclasses.replace(config, pictures=8), parts)
    for key, value in load_psp(train(config, parts)).state_dict().items():
        assert torch.equal(value, whole[key]), key
    assert not (tmp_path / "parts" / "synthetic").exists()  # they lie where the option says


@pytest.mark.slow
def test_a_run_that_makes_nothing_better_ends_with_what_it_began_with(
    family: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter((0.5, 0.6))
    measure = Coach._reconstruct

    def worse(self: Coach, held_out: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        return measure(self, held_out)[0], {"loss": next(losses)}

    monkeypatch.setattr(Coach, "_reconstruct", worse)
    path = train(shortened("mobile-encode"), options(data, tmp_path / "run", family))
    assert read_info(path)["pictures"] == "0"
    assert not changed_keys(load_psp(family), load_psp(path))
    figures = read_scalars(tmp_path / "run" / "scalars.csv")
    assert [each.pictures for each in figures if each.group == "held_out"] == [0, 24]


@pytest.mark.slow
def test_the_parts_of_a_batch_see_its_synthetic_pictures_once(
    family: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    original = SyntheticPairs.batch

    def batch(self: SyntheticPairs, first: int, count: int) -> object:
        seen.append((first, count))
        return original(self, first, count)

    monkeypatch.setattr(SyntheticPairs, "batch", batch)
    config = dataclasses.replace(shortened("mobile-encode"), pictures=16)
    train(config, options(data, tmp_path / "run", family, accumulate=2))
    assert seen == [(0, 3), (3, 3), (6, 3), (9, 3)]


def test_the_face_network_is_the_requirements_own_and_stays(family: Path, data: Path, tmp_path: Path) -> None:
    path = train(
        shortened("mobile-encode"),
        options(data, tmp_path / "run", family),
    )
    encoder = load_psp(path).encoder
    assert isinstance(encoder, CompactEncoder) and encoder.face is not None
    for key, value in load_face_descriptor().state_dict().items():
        assert torch.equal(encoder.face.network.state_dict()[key], value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sight"),
    [("mobile-sketch", "photo"), pytest.param("mobile-segmentation", "none", marks=pytest.mark.slow)],
)
def test_a_task_can_start_from_a_model_for_photos_too(
    name: str, sight: str, family: Path, data: Path, tmp_path: Path
) -> None:
    config = shortened(name)
    base = family / "encode.safetensors"
    made = load_psp(train(config, options(data, tmp_path / "run", base)))
    shape = made.config.encoder
    assert shape.in_channels == preset(name).model.encoder.in_channels
    assert (shape.sight, shape.corrections) == (sight, 0)  # type: ignore[union-attr]  # a compact encoder


def test_what_does_not_go_together_is_told() -> None:
    config = preset("mobile-encode")
    none = dataclasses.replace(config, data=dataclasses.replace(config.data, synthetic=SyntheticConfig()))
    with pytest.raises(SettingsError, match=r"losses\.code counts on synthetic"):
        check_config(none)
    with pytest.raises(TrainingError, match="16, 12 of it synthetic, cannot be divided"):
        open_accelerator(config, "cpu", accumulate=8)
    assert (config.data_batch, config.synthetic_batch) == (4, 12)


def test_a_correction_is_taught_where_the_picture_and_its_result_can_be_compared() -> None:
    model = compact_model(mobile_config(2), seed=4)
    assert [_corrections(model, task) for task in ("encode", "super_resolution")] == [2, 0]

"""The recipe of the bundled family, two steps of it for every task, on a CPU: from data to a loaded model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_psp, read_info, save_psp
from psp.checkpoints.generators import save_generator
from psp.losses.objective import LossWeights
from psp.models.mobile import MobileConfig
from psp.models.psp import PSP
from psp.training.config import OptimizerConfig, TrainConfig, VaryConfig
from psp.training.presets import preset, preset_names
from psp.training.run import RunOptions, train
from tests.compact import compact_config, compact_model

TASKS = [n for n in preset_names() if n.startswith("portraits128-") and n != "portraits128-encode"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four faces' worth of smooth colours, one held out."""
    rng = np.random.default_rng(0)
    for index in range(4):
        folder = tmp_path / "data" / ("val" if index < 1 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return tmp_path / "data"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A small model as "encode" leaves it: encoder and generator in two files."""
    config = compact_config(n_mlp=0, size=32)
    model = compact_model(config)
    path = tmp_path / "start" / "encode.safetensors"
    save_psp(model, path, precision="int8", decoder_file="generator.safetensors")
    return path


@pytest.mark.parametrize("name", TASKS)
def test_two_steps_of_each_task_give_a_model_that_shares_the_rest(
    name: str, data: Path, start: Path, tmp_path: Path
) -> None:
    full = preset(name)
    config = dataclasses.replace(
        full,
        optimizer=dataclasses.replace(full.optimizer, batch=2),
        losses=dataclasses.replace(full.losses, lpips=0.0, identity=0.0),
        pictures=4,
        decoded=min(full.decoded, 1),
        trained=tuple(part for part in full.trained if "body" not in part or "body.0" in part),
        freeze_norms_from=0,
        compiled=False,
        mixed_precision="no",
    )
    path = train(config, RunOptions(data, tmp_path / "run", start_from=start, device="cpu"))
    assert path.name == f"{full.task}.safetensors"
    assert read_info(path)["base"] == "encode.safetensors"
    made, base = load_psp(path), load_psp(start)
    channels = full.model.encoder.in_channels
    assert made(torch.zeros(1, channels, 32, 32)).shape == (1, 3, 32, 32)
    changed = _changed(base, made)
    assert changed and all(key.startswith((*config.trained, "encoder.")) for key in changed)
    whole = start.stat().st_size + start.with_name("generator.safetensors").stat().st_size
    assert path.stat().st_size < whole


def test_encode_goes_on_from_a_finished_model(data: Path, start: Path, tmp_path: Path) -> None:
    full = preset("portraits128-encode")
    config = dataclasses.replace(
        full,
        optimizer=dataclasses.replace(full.optimizer, batch=2),
        losses=dataclasses.replace(full.losses, lpips=0.0, identity=0.0),
        data=dataclasses.replace(full.data, vary=VaryConfig()),
        pictures=4,
        compiled=False,
        mixed_precision="no",
    )
    path = train(config, RunOptions(data, tmp_path / "run", start_from=start, device="cpu"))
    assert "base" not in read_info(path) and read_info(path)["decoder"] == "generator.safetensors"
    changed = _changed(load_psp(start), load_psp(path))
    assert any(key.startswith("encoder.") for key in changed)
    assert any(key.startswith("decoder.") for key in changed)
    assert not any("running" in key for key in changed)  # norms stay as they were


@pytest.mark.parametrize("kind", ["stylegan2", "mobile"])
def test_an_encoder_is_trained_for_a_generator_of_any_kind(data: Path, tmp_path: Path, kind: str) -> None:
    shape = compact_config(n_mlp=2)
    if kind == "mobile":
        mobile = MobileConfig(size=32, style_dim=32, n_mlp=2, channels=(16, 16, 8))
        encoder = dataclasses.replace(shape.encoder, n_codes=mobile.n_codes)
        shape = dataclasses.replace(shape, encoder=encoder, generator=mobile)
    generator = compact_model(shape, seed=3).decoder
    path = tmp_path / "generator.safetensors"
    save_generator(path, generator, torch.full((32,), 0.25), {})
    config = TrainConfig(
        name="test",
        task="encode",
        model=compact_config(n_mlp=0),  # the file says what the generator is like
        losses=LossWeights(lpips=0.0, identity=0.0),
        optimizer=OptimizerConfig(batch=2),
        train_generator=True,
        pictures=4,
        precision="float32",
    )
    made = load_psp(train(config, RunOptions(data, tmp_path / "run", generator=path, device="cpu")))
    assert made.config.generator == shape.generator
    assert made.w_avg.eq(0.25).all()
    for key, value in generator.state_dict().items():
        torch.testing.assert_close(
            made.decoder.state_dict()[key], value, rtol=1e-3, atol=1e-3
        )  # it was in halves
    again = train(config, RunOptions(data, tmp_path / "again", generator=tmp_path / "run/best", device="cpu"))
    assert load_psp(again).config.generator == shape.generator  # a whole model gives its generator


def _changed(base: PSP, made: PSP) -> set[str]:
    before, after = base.state_dict(), made.state_dict()
    return {key for key in after if not torch.equal(after[key], before[key])}

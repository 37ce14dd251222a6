"""What a run starts from: a generator of any kind, or a model; two steps on a CPU, to a loaded model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_psp, save_psp
from psp.checkpoints.generators import save_generator
from psp.errors import TrainingError
from psp.losses.objective import LossWeights
from psp.models.mobile import MobileConfig
from psp.training.config import OptimizerConfig, TrainConfig
from psp.training.run import RunOptions, train
from tests.compact import compact_config, compact_model, save_compact_generator
from tests.restyle import restyle_file, restyle_model

CONFIG = TrainConfig(
    name="test",
    task="encode",
    model=compact_config(),  # what is started from says what the model is like
    losses=LossWeights(lpips=0.0, identity=0.0),
    optimizer=OptimizerConfig(batch=2),
    pictures=4,
    keep_norms=True,
    precision="float32",
)


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


@pytest.mark.parametrize("kind", [pytest.param("stylegan2", marks=pytest.mark.slow), "mobile"])
def test_an_encoder_is_trained_for_a_generator_of_any_kind(data: Path, tmp_path: Path, kind: str) -> None:
    shape = compact_config(n_mlp=2)
    if kind == "mobile":
        mobile = MobileConfig(size=32, style_dim=32, n_mlp=2, channels=(16, 16, 8))
        encoder = dataclasses.replace(shape.encoder, n_codes=mobile.n_codes)
        shape = dataclasses.replace(shape, encoder=encoder, generator=mobile)
    generator = compact_model(shape, seed=3).decoder
    path = tmp_path / "generator.safetensors"
    save_generator(path, generator, torch.full((32,), 0.25), {})
    made = load_psp(train(CONFIG, RunOptions(data, tmp_path / "run", generator=path, device="cpu")))
    assert made.config.generator == shape.generator
    assert made.w_avg.eq(0.25).all()
    for key, value in generator.state_dict().items():
        torch.testing.assert_close(
            made.decoder.state_dict()[key], value, rtol=1e-3, atol=1e-3
        )  # it was in halves
    again = train(CONFIG, RunOptions(data, tmp_path / "again", generator=tmp_path / "run/best", device="cpu"))
    assert load_psp(again).config.generator == shape.generator  # a whole model gives its generator


@pytest.mark.slow
def test_passes_are_not_trained_but_their_generator_takes_a_new_encoder(data: Path, tmp_path: Path) -> None:
    model = restyle_model(size=64)
    torch.save(restyle_file(model=model), tmp_path / "restyle.pt")
    options = RunOptions(data, tmp_path / "run", start_from=tmp_path / "restyle.pt", device="cpu")
    with pytest.raises(TrainingError, match="encoder of ReStyle, whose passes are not trained here"):
        train(CONFIG, options)
    options = RunOptions(data, tmp_path / "new", generator=tmp_path / "restyle.pt", device="cpu")
    made = load_psp(train(CONFIG, options))
    assert made.config.generator == model.config.generator and made.config.encoder.passes == 1
    torch.testing.assert_close(made.w_avg, model.w_avg, rtol=1e-3, atol=1e-3)


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """A folder with the models of two tasks."""
    folder = tmp_path / "family"
    for seed, task in ((5, "encode"), (6, "super_resolution")):
        save_psp(compact_model(seed=seed), folder / f"{task}.safetensors", info={"task": task})
    return folder


@pytest.mark.parametrize(
    ("task", "channels", "started"), [("encode", 3, 5), ("super_resolution", 3, 6), ("sketch_to_face", 1, 5)]
)
def test_a_run_goes_on_from_the_model_of_its_task_or_else_that_for_photos(
    data: Path, family: Path, tmp_path: Path, task: str, channels: int, started: int
) -> None:
    encoder = dataclasses.replace(CONFIG.model.encoder, in_channels=channels)
    model = dataclasses.replace(CONFIG.model, encoder=encoder)
    optimizer = dataclasses.replace(CONFIG.optimizer, lr=1e-12)
    config = dataclasses.replace(CONFIG, task=task, model=model, optimizer=optimizer, start=str(family))
    made = load_psp(train(config, RunOptions(data, tmp_path / "run", device="cpu")), task=task).state_dict()
    for key, value in compact_model(seed=started).state_dict().items():
        if value.shape == made[key].shape:
            torch.testing.assert_close(made[key], value, rtol=1e-3, atol=1e-3)
        else:
            assert key.startswith("encoder.input_layer.")


@pytest.mark.slow
def test_what_the_command_line_names_goes_before_the_presets_start(
    data: Path, family: Path, tmp_path: Path
) -> None:
    config = dataclasses.replace(CONFIG, start="nowhere/at/all.safetensors")
    generator = save_compact_generator(tmp_path / "generator.safetensors", seed=8)
    options = RunOptions(data, tmp_path / "run", device="cpu")
    for given, seed in (({"start_from": family}, 5), ({"generator": generator}, 8)):
        out = tmp_path / f"run{seed}"
        made = load_psp(train(config, dataclasses.replace(options, out=out, **given))).decoder
        wanted = compact_model(seed=seed).decoder
        for key, value in wanted.state_dict().items():
            torch.testing.assert_close(made.state_dict()[key], value, rtol=1e-3, atol=1e-3)

"""The real training loop, a few steps on a CPU: it learns, resumes exactly, stops by the clock, exports."""

from __future__ import annotations

import dataclasses
import itertools
import json
import resource
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_psp, read_info
from psp.errors import CheckpointError, ModelNotFoundError, TrainingError
from psp.losses.objective import LossWeights, Objective
from psp.models.irse import ArcFace
from psp.models.psp import PSP
from psp.training.coach import STATE_FILE, Coach, Start, rate_factor
from psp.training.config import OptimizerConfig, TrainConfig
from psp.training.data.sources import open_sources
from psp.training.loop import Progress
from psp.training.machine import open_accelerator
from psp.training.networks import build_objective
from psp.training.presets import preset, preset_names
from psp.training.run import RunOptions, train
from psp.training.scalars import read_scalars
from tests.compact import compact_config, compact_model, save_compact_generator

CONFIG = TrainConfig(
    name="test",
    task="encode",
    model=compact_config(),
    losses=LossWeights(lpips=0.0, identity=0.0, w_norm=0.0003),
    optimizer=OptimizerConfig(batch=4, warmup=8),
    pictures=24,
    log_every=2,
    sheet_every=3,
    save_every=3,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve smooth pictures, four of them held out."""
    rng = np.random.default_rng(0)
    for index in range(12):
        folder = tmp_path / "data" / ("val" if index < 4 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return tmp_path / "data"


def coach(data: Path, out: Path, config: TrainConfig = CONFIG, *, accumulate: int = 1, **more: Any) -> Coach:
    accelerator = open_accelerator(config, "cpu", accumulate)
    start = Start(more.pop("model", None) or compact_model(config.model, seed=3))
    return Coach(config, open_sources(data), Objective(config.losses), out, accelerator, start, **more)


def test_a_run_makes_progress_pictures_curves_and_a_checkpoint(data: Path, tmp_path: Path) -> None:
    lines: list[Progress] = []
    config = dataclasses.replace(CONFIG, pictures=160)
    coach(data, tmp_path / "run", config, report=lines.append).run()
    losses = [line.terms["loss"] for line in lines if "loss" in line.terms]
    assert losses[-1] < 0.9 * losses[0]
    assert lines[-1].position.pictures == 160
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"scalars.csv", "curves.png", STATE_FILE, "sheet-00000160.png"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    with Image.open(tmp_path / "run" / "sheet-00000160.png") as sheet:
        assert sheet.size == (12 * 32, 2 * 32)
    with Image.open(tmp_path / "run" / "curves.png") as curves:
        assert curves.width > 1000 and len(set(curves.convert("L").getdata())) > 10


def test_a_resumed_run_equals_the_unbroken_one(data: Path, tmp_path: Path) -> None:
    whole = coach(data, tmp_path / "whole").run()
    first = coach(data, tmp_path / "parts")
    break_at(first, 5, OSError("the machine goes down"))  # the third step was saved
    with pytest.raises(OSError, match="goes down"):
        first.run()
    second = coach(data, tmp_path / "parts")
    assert second.position.step == 3
    equal(second.run(), whole)
    figures = [read_scalars(tmp_path / name / "scalars.csv") for name in ("parts", "whole")]
    places = [[(f.group, f.pictures, f.name) for f in found] for found in figures]
    assert places[0] == places[1]  # what the broken run had logged from beyond its state is gone


def break_at(runner: Coach, step: int, error: BaseException | None = None) -> None:
    """Let the ``step``-th step of a run fail before it does anything, or ask to stop after it."""
    original, done = runner.step, itertools.count(1)

    def wrapped() -> dict[str, float]:
        if next(done) == step:
            if error is not None:
                raise error
            signal.raise_signal(signal.SIGINT)
        return original()

    runner.step = wrapped  # type: ignore[method-assign]


def equal(model: PSP, other: PSP) -> None:
    for key, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


def test_a_run_stopped_by_ctrl_c_is_saved_and_goes_on_exactly(data: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, save_every=1000, optimizer=OptimizerConfig(name="ranger", batch=4))
    whole = coach(data, tmp_path / "whole", config).run()
    first = coach(data, tmp_path / "parts", config)
    break_at(first, 2)
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second = coach(data, tmp_path / "parts", config)
    assert second.position.step == 2  # the step that was under way was finished
    equal(second.run(), whole)


@pytest.mark.slow
def test_accumulated_gradients_are_those_of_the_whole_batch(data: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, keep_norms=True)  # norms would see the parts of a batch
    whole = coach(data, tmp_path / "whole", config).run().state_dict()
    runner = coach(data, tmp_path / "parts", config, accumulate=2)
    parts = runner.run().state_dict()
    assert runner.position.step == 6
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_pictures_read_by_other_processes_are_the_same(data: Path, tmp_path: Path) -> None:
    equal(coach(data, tmp_path / "ahead", workers=1).run(), coach(data, tmp_path / "here").run())


def test_a_full_disk_stops_the_run_and_the_last_good_state_stays(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run", dataclasses.replace(CONFIG, save_every=2))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(b"the last good one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # files may not grow beyond, as on a full disk
    try:
        with pytest.raises(TrainingError, match=r"cannot be written after 8 pictures.*Free some space"):
            runner.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "run" / STATE_FILE).read_bytes() == b"the last good one"
    assert not list((tmp_path / "run").glob("*.tmp"))


@pytest.mark.slow
def test_norms_are_fixed_in_time_and_a_resumed_run_has_the_same(data: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, pictures=32, freeze_norms_from=16, save_every=1)
    whole = coach(data, tmp_path / "whole", config)
    settled: list[float] = []
    original = whole.step

    def step() -> dict[str, float]:
        terms = original()
        norm = whole.model.encoder.input_layer[1]
        settled.append(float(norm.running_mean.sum()))  # type: ignore[union-attr, operator]  # a batch norm
        return terms

    whole.step = step  # type: ignore[method-assign]
    whole.run()
    assert len(set(settled[:4])) == 4
    assert len(set(settled[4:])) == 1
    first = coach(data, tmp_path / "parts", config)
    first.config = dataclasses.replace(config, pictures=24)
    first.run()
    resumed = coach(data, tmp_path / "parts", config)
    resumed.run()
    assert not resumed.model.encoder.input_layer[1].training  # type: ignore[union-attr]  # a batch norm
    assert torch.equal(
        resumed.model.encoder.input_layer[1].running_mean,  # type: ignore[union-attr, arg-type]  # a batch norm
        first.model.encoder.input_layer[1].running_mean,  # type: ignore[union-attr, arg-type]  # a batch norm
    )


@pytest.mark.slow
def test_a_frozen_generator_stays_as_it_was(data: Path, tmp_path: Path) -> None:
    start = compact_model(CONFIG.model, seed=9)
    before = {key: value.clone() for key, value in start.state_dict().items()}
    after = coach(data, tmp_path / "run", model=start).run().state_dict()
    for key, value in before.items():
        if key.startswith("decoder."):
            assert torch.equal(value, after[key]), key
    assert not torch.equal(before["encoder.latlayer1.weight"], after["encoder.latlayer1.weight"])


def test_norms_of_the_model_to_start_from_can_be_kept(data: Path, tmp_path: Path) -> None:
    start = compact_model(CONFIG.model, seed=9)
    norm = start.encoder.input_layer[1]  # type: ignore[union-attr]  # a batch norm
    norm.running_mean.fill_(0.3)  # type: ignore[union-attr, operator]
    config = dataclasses.replace(CONFIG, keep_norms=True)
    runner = coach(data, tmp_path / "run", config, model=start)
    after = runner.run().encoder.input_layer[1]  # type: ignore[union-attr]
    assert after.running_mean.eq(0.3).all()  # type: ignore[union-attr, operator]


def test_a_run_needs_a_generator(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="pretrained"):
        train(CONFIG, RunOptions(data, tmp_path / "run", device="cpu"))


def test_the_clock_stops_a_run_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    coach(data, tmp_path / "run", dataclasses.replace(CONFIG, pictures=10**9)).run(minutes=0.01)
    assert (tmp_path / "run" / STATE_FILE).exists()


def test_a_nan_stops_the_run_and_the_last_good_state_stays(data: Path, tmp_path: Path) -> None:
    runner = coach(data, tmp_path / "run")
    with torch.no_grad():
        runner.model.encoder.latlayer1.weight.fill_(float("nan"))  # type: ignore[union-attr]  # the gradual encoder
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(b"the last good one")
    with pytest.raises(TrainingError, match="nan"):
        runner.run()
    assert (tmp_path / "run" / STATE_FILE).read_bytes() == b"the last good one"


def test_a_checkpoint_of_another_preset_is_refused(data: Path, tmp_path: Path) -> None:
    coach(data, tmp_path / "run").run()
    with pytest.raises(TrainingError, match="'test'"):
        coach(data, tmp_path / "run", dataclasses.replace(CONFIG, name="other"))


def test_what_comes_out_is_a_model_that_the_studio_loads(data: Path, tmp_path: Path) -> None:
    generator = save_compact_generator(tmp_path / "generator.safetensors")
    path = train(CONFIG, RunOptions(data, tmp_path / "run", generator=generator, device="cpu"))
    assert path.parent.name == "best"
    assert path.name == "encode.safetensors"
    model = load_psp(path)
    images = torch.zeros(1, 3, 32, 32)
    assert model(images).shape == (1, 3, 32, 32)
    info = read_info(path)
    assert (info["preset"], info["task"], info["pictures"]) == ("test", "encode", "24")
    assert info["data"] == "data: 8 pictures"
    assert json.loads(info["figures"])["l2"] > 0
    for given in (path.parent, path.parent.parent):  # the folder, and the run's
        assert torch.equal(load_psp(given)(images), model(images))


def test_the_identity_term_finds_its_network_or_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSP_OFFLINE", "1")
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    config = dataclasses.replace(CONFIG, losses=LossWeights(lpips=0.0, identity=0.1))
    with pytest.raises(ModelNotFoundError, match="PSP_WEIGHTS_DIR"):
        build_objective(config, None)
    with torch.random.fork_rng(devices=[]):
        torch.save(ArcFace().state_dict(), tmp_path / "arcface.pth")
    objective = build_objective(config, tmp_path / "arcface.pth")
    face = torch.zeros(1, 3, 128, 128)
    assert float(objective(face, face, torch.zeros(1, 2, 2))["identity"]) == pytest.approx(0.0, abs=1e-5)
    torch.save({"something": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="ArcFace"):
        build_objective(config, tmp_path / "other.pth")


def test_the_rate_rises_stays_and_falls() -> None:
    config = dataclasses.replace(
        CONFIG, pictures=1000, optimizer=OptimizerConfig(batch=4, warmup=100, decay_from=0.5, final=0.1)
    )
    factors = [rate_factor(config, pictures) for pictures in (0, 96, 400, 750, 1000)]
    assert factors == pytest.approx([0.04, 1.0, 1.0, 0.55, 0.1])


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_builds_its_model(name: str) -> None:
    config = preset(name)
    with torch.device("meta"):
        model = PSP(config.model)
    names = [name for name, _ in model.named_parameters()]
    unknown = [start for start in config.trained if not any(name.startswith(start) for name in names)]
    assert not unknown


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(TrainingError, match="ffhq_encode"):
        preset("nothing")

"""Two processes on a CPU (gloo), started by the real launchers: together they do what one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import load_tensors
from psp.training.coach import STATE_FILE
from psp.training.scalars import read_scalars
from tests.compact import save_compact_generator

# A run of the real command: batch norms in training mode, 32 px.
SETTINGS = {
    "task": "'encode'",
    "losses": "{ lpips = 0.0, identity = 0.0, w_norm = 0.001 }",
    "optimizer": "{ name = 'ranger', batch = 4, warmup = 8, decay_from = 1.0 }",
    "model.encoder": "{ in_size = 32, n_codes = 8, code_dim = 32, patch = 2, width = 16, style_width = 16, "
    "coarse = 2, medium = 4, stages = [{ depth = 16, units = 1 }, { depth = 16, units = 1 }, "
    "{ depth = 16, units = 1 }] }",
    "model.generator": "{ size = 32, style_dim = 32, channels = [16, 16, 16, 16] }",
    "data": "{ shares = [], vary = { colour = 0.5, backgrounds = 0.0, patches = 0.5 } }",
    "pictures": "24",
    "freeze_norms_from": "0",
    "ema_pictures": "8",
    "mixed_precision": "'no'",
    "log_every": "1",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight smooth pictures, two of them held out."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for index in range(8):
        place = folder / ("val" if index < 2 else "train")
        place.mkdir(exist_ok=True)
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        small.resize((32, 32), Image.Resampling.BICUBIC).save(place / f"{index}.png")
    return folder


def train(data: Path, out: Path, launcher: list[str], **changed: str) -> subprocess.CompletedProcess[str]:
    config = out.with_suffix(".toml")
    config.write_text("".join(f"{name} = {value}\n" for name, value in (SETTINGS | changed).items()))
    command = [
        *(sys.executable, *launcher, "-m", "psp", "train", "--preset", "small"),
        *("--config", str(config), "--data", str(data), "--out", str(out)),
        *("--generator", str(save_compact_generator(out.with_suffix(".generator.safetensors")))),
        *("--device", "cpu", "--no-compile", "--workers", "0", "--threads", "1"),
    ]
    env = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


ONE = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    train(data, folder / "one", ONE)
    train(data, folder / "two", TWO)
    return folder / "one", folder / "two"


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_tensors(run / STATE_FILE)[0]


@pytest.mark.slow
def test_two_processes_equal_one_with_the_same_total_batch(runs: tuple[Path, Path]) -> None:
    one, two = (weights(run) for run in runs)
    assert set(one) == set(two)
    moved = 0.0
    for key, value in one.items():
        if value.is_floating_point():
            torch.testing.assert_close(two[key], value, rtol=1e-3, atol=2e-5, msg=key)
        if key.startswith("model.encoder") and "running_mean" in key:
            moved += float(value.abs().sum())
    assert moved > 0.1  # batch norms measured, so their statistics were compared too


@pytest.mark.slow
def test_their_losses_are_equal_at_every_step(runs: tuple[Path, Path]) -> None:
    one, two = (read_scalars(run / "scalars.csv") for run in runs)
    losses = [
        [each.value for each in found if (each.group, each.name) == ("train", "loss")] for found in (one, two)
    ]
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_a_run_of_two_goes_on_exactly_where_it_stopped(
    data: Path, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    train(data, tmp_path / "parts", TWO, pictures="12")
    done = train(data, tmp_path / "parts", TWO)
    assert done.stdout.count("24/24") == 2  # one process tells: the last step and the held-out figures
    for key, value in weights(runs[1]).items():
        assert torch.equal(weights(tmp_path / "parts")[key], value), key


@pytest.mark.slow
def test_ctrl_c_ends_the_command_with_its_state_saved(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    config = tmp_path / "run.toml"
    settings = SETTINGS | {"pictures": "1_000_000", "save_every": "1_000_000", "sheet_every": "1_000_000"}
    config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    command = [
        *(sys.executable, "-m", "psp", "train", "--preset", "small", "--config", str(config)),
        *("--generator", str(save_compact_generator(tmp_path / "generator.safetensors"))),
        *("--data", str(data), "--out", str(out), "--device", "cpu", "--no-compile", "--workers", "1"),
    ]
    # A session of its own, so that the signal reaches the readers too, as Ctrl-C in a terminal does.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None and "/1000000" in process.stdout.readline()
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "The state is saved" in rest
    assert any(key.startswith("model.encoder") for key in weights(out))

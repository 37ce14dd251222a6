"""A run writes over nothing that no run has made, and all it writes is whole."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from psp.checkpoints import save_psp
from psp.errors import TrainingError
from psp.losses.objective import LossWeights
from psp.training.config import OptimizerConfig, TrainConfig
from psp.training.data.maps import open_maps
from psp.training.data.sources import open_sources
from psp.training.overrides import override, read_toml
from psp.training.run import RunOptions, train
from psp.training.run_folder import require_run_folder
from psp.training.scalars import ScalarLog, read_scalars
from tests.compact import compact_config, compact_model, save_compact_generator
from tests.full_disk import full_disk

CONFIG = TrainConfig(
    name="test",
    task="encode",
    model=compact_config(),
    losses=LossWeights(lpips=0.0, identity=0.0),
    optimizer=OptimizerConfig(batch=2),
    pictures=4,
    precision="float32",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pictures, one of them held out, in a folder with a dot in its name."""
    folder = tmp_path / "faces.v1"
    for name, colour in (("val/a.png", "red"), ("b.png", "green"), ("c.png", "blue")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), colour).save(folder / name)
    return folder


def options(data: Path, out: Path, **more: Any) -> RunOptions:
    generator = save_compact_generator(out.with_name("generator.safetensors"))
    return RunOptions(data, out, generator=generator, device="cpu", **more)


def test_a_run_can_be_made_again_from_its_config(data: Path, tmp_path: Path) -> None:
    train(CONFIG, options(data, tmp_path / "run"))
    again = override(dataclasses.replace(CONFIG, seed=7), read_toml(tmp_path / "run" / "config.toml"))
    assert again == CONFIG
    require_run_folder(tmp_path / "run")
    (tmp_path / "run" / "last.safetensors").unlink()
    require_run_folder(tmp_path / "run")  # stopped before its first state


@pytest.mark.parametrize(
    "name",
    ["config.toml", "scalars.csv", "curves.png", "data-check.csv", "sheet-00000004.png", "best/encode.pt"],
)
def test_a_folder_with_files_of_anothers_is_refused(data: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "run" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"mine")
    with pytest.raises(TrainingError, match=r"no run has made.*--out"):
        train(CONFIG, options(data, tmp_path / "run"))
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file()] == [file]


def test_no_untrained_model_is_the_best(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="before the first step"):
        train(CONFIG, options(data, tmp_path / "run", minutes=1e-9))
    assert not (tmp_path / "run" / "best").exists()
    train(CONFIG, options(data, tmp_path / "run"))  # goes on
    assert (tmp_path / "run" / "best" / "encode.safetensors").is_file()
    config = json.loads((tmp_path / "run" / "best" / "config.json").read_text())
    assert list(config["tasks"]) == ["encode"]


def test_other_files_may_lie_beside_a_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "scalars.csv").touch()
    require_run_folder(tmp_path)
    require_run_folder(tmp_path / "new")


def test_the_model_to_start_from_is_not_written_over(data: Path, tmp_path: Path) -> None:
    base = tmp_path / "run" / "best" / "encode.safetensors"
    save_psp(compact_model(CONFIG.model), base)
    (tmp_path / "run" / "config.toml").write_text("# Settings of a run of pSp Studio\n")
    before = base.read_bytes()
    with pytest.raises(TrainingError, match="the model to start from"):
        train(CONFIG, RunOptions(data, tmp_path / "run", start_from=base.parent, device="cpu"))
    assert base.read_bytes() == before


def test_a_file_of_maps_that_is_none_stays(data: Path, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "me.png")
    before = (tmp_path / "me.png").read_bytes()
    with pytest.raises(TrainingError, match=r"me\.png is no file of maps"):
        open_maps(open_sources(data), tmp_path / "me.png", 32)
    assert (tmp_path / "me.png").read_bytes() == before


def test_a_full_disk_costs_no_line_that_was_logged(tmp_path: Path) -> None:
    log = ScalarLog(tmp_path)
    for step in range(100):
        log.add("train", step, {"loss": 1.0})
    log.close()
    before = read_scalars(tmp_path / "scalars.csv")
    with full_disk(200), pytest.raises(OSError, match="large"):
        ScalarLog(tmp_path, 50)
    assert read_scalars(tmp_path / "scalars.csv") == before
    ScalarLog(tmp_path, 50).close()
    assert read_scalars(tmp_path / "scalars.csv") == before[:51]


def test_a_folder_keeps_its_whole_name(data: Path) -> None:
    assert [source.name for source in open_sources(data)] == ["faces.v1"]  # its sheet is called so

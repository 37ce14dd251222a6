"""Presets changed from outside: by a TOML file, by the command line, and written down to be used again."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from psp.cli.train import add_train, configure
from psp.errors import SettingsError
from psp.models.irse import Stage
from psp.training.overrides import override, read_assignments, read_toml, to_toml
from psp.training.presets import preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_a_run_written_down_gives_the_same_run(name: str, tmp_path: Path) -> None:
    config = preset(name)
    (tmp_path / "config.toml").write_text(to_toml(config), encoding="utf-8")
    other = preset("domain" if name != "domain" else "ffhq_encode")
    assert override(other, read_toml(tmp_path / "config.toml")) == config


def test_single_settings_are_changed_wherever_they_are() -> None:
    changes = read_assignments(
        [
            "optimizer.lr=2e-4",
            "losses.lpips = 0.5",
            "pictures=1000",
            "data.resize_factors=[1, 8]",
            "data.shares=[['mine', 0.5]]",
            "task=toonify",
            "model.encoder.stages=[{depth=64, units=3, stride=1}]",
        ]
    )
    config = override(preset("ffhq_encode"), changes)
    assert (config.optimizer.lr, config.losses.lpips, config.pictures) == (2e-4, 0.5, 1000)
    assert (config.data.resize_factors, config.data.shares) == ((1, 8), (("mine", 0.5),))
    assert config.task == "toonify"
    assert config.model.encoder.stages == (Stage(64, 3, 1),)
    assert config.optimizer.beta1 == 0.95  # the rest stays


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optimizer.rate=1", "no setting optimizer.rate.*lr"),
        ("pictures=many", "pictures cannot be 'many'.*int"),
        ("optimizer=3", "optimizer is a group"),
        ("identity=facenet", "arcface, dlib"),
        ("losses.lpips=true", "float"),
        ("model.encoder.n_codes=4", "contradict"),
        ("pictures", "sets nothing"),
    ],
)
def test_what_cannot_be_set_is_said(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        override(preset("ffhq_encode"), read_assignments([text]))


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("pictures = = 3")
    with pytest.raises(SettingsError, match="no TOML"):
        read_toml(tmp_path / "bad.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_toml(tmp_path / "absent.toml")


def test_the_command_line_goes_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("pictures = 500\nseed = 3\n[optimizer]\nlr = 0.001\nbatch = 2\n")
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers(), lambda line: None)
    given = [
        "train",
        "--preset",
        "celebs_seg_to_face",
        "--data",
        "d",
        "--config",
        str(tmp_path / "mine.toml"),
    ]
    options = parser.parse_args([*given, "--batch", "4", "--set", "seed=7", "--label-nc", "10"])
    config = configure(preset("celebs_seg_to_face"), options)
    assert (config.pictures, config.seed, config.optimizer.batch, config.optimizer.lr) == (500, 7, 4, 0.001)
    assert config.model.encoder.in_channels == 10

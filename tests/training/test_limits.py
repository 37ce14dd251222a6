"""Every number of a run is within its limits, or an error says what these are: no traceback, no nonsense."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from psp.cli.main import main
from psp.errors import SettingsError
from psp.training.config import TrainConfig
from psp.training.gan.config import gan_preset, gan_preset_names
from psp.training.limits import check_channels, check_config, check_run
from psp.training.overrides import override, read_assignments
from psp.training.presets import preset, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_within_the_limits(name: str) -> None:
    check_config(preset(name))


@pytest.mark.parametrize("name", gan_preset_names())
def test_so_are_those_of_generators(name: str) -> None:
    check_config(gan_preset(name))


def numbers(kind: type, place: str = "") -> Iterator[tuple[str, type]]:
    """Yield the path and type of every setting that is a number."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from numbers(hint, f"{place}{field.name}.")
        elif hint in (int, float):
            yield f"{place}{field.name}", hint


NUMBERS = dict(numbers(TrainConfig))


@pytest.mark.parametrize("name", NUMBERS)
def test_no_setting_takes_what_is_no_sensible_number(name: str) -> None:
    wrong = ["-1", str(2**70), "text", "[1]", "true"]
    wrong += ["nan", "inf", "-inf", "1e300"] if NUMBERS[name] is float else ["0.5", "nan"]
    for value in wrong:
        # The numbers of a model's shape contradict each other first.
        with pytest.raises(
            SettingsError, match=None if name.startswith("model.") else name.rpartition(".")[2]
        ):
            check_config(override(preset("small"), read_assignments([f"{name}={value}"])))


@pytest.mark.parametrize(
    "text",
    [
        *("pictures=0", "log_every=0", "sheet_every=0", "save_every=0", "seed=4294967296"),
        *("compare_at=16", "name=../x", "name=''", "name=a/b", "task=''"),
        *(
            "optimizer.batch=0",
            "optimizer.lr=0",
            "optimizer.lr=0.0",
            "optimizer.eps=0.0",
            "optimizer.beta1=1.0",
        ),
        *(
            "optimizer.beta2=1.5",
            "optimizer.final=2.0",
            "optimizer.decay_from=1.5",
            "losses.identity_share=0",
        ),
        *("data.resize_factors=[0]", "data.resize_factors=[-4]", "data.resize_factors=[]"),
        *("data.resize_factors=[100000]", "data.resize_factors=[4,0.5]", "data.factor_shares=[0.5]"),
        "data.factor_shares=[0.0,0.0,0.0,0.0,0.0,0.0]",
        *('data.shares=[["a",-0.5]]', 'data.shares=[["a",2.0]]', 'data.shares=[["a"]]', 'data.shares=["a"]'),
        *("data.vary.glasses=1.5", "data.vary.shift=2.0", "data.vary.colour=1000.0"),
        *("model.encoder.in_channels=0", "model.encoder.in_channels=-3", "model.encoder.in_size=0"),
        *("model.encoder.in_size=1", "model.encoder.stages=[]", "model.encoder.patch=1000"),
        *("model.generator.size=100", "model.generator.size=0", "model.generator.channels=[]"),
        *("optimizer=1", "=1", "optimizer..lr=1", "nothing=1", "seed=1\npictures=5", f"name={'[' * 5000}"),
    ],
)
def test_what_cannot_be_trained_with_is_said(text: str) -> None:
    with pytest.raises(SettingsError):
        check_config(override(preset("small"), read_assignments([text])))


def test_weights_that_are_all_0_are_refused() -> None:
    off = {field.name: 0.0 for field in dataclasses.fields(preset("small").losses)}
    with pytest.raises(SettingsError, match="All weights"):
        check_config(override(preset("small"), {"losses": off | {"identity_share": 1.0}}))


def test_what_is_asked_of_the_machine_has_limits_too() -> None:
    check_run(workers=0, minutes=None)
    for wrong in (
        {"workers": -1},
        {"workers": 10**6},
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"accumulate": 0},
    ):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            check_run(**{"workers": 0, "minutes": None, **wrong})


@pytest.mark.parametrize(
    ("name", "channels"),
    [("small", 5), ("celebs_sketch_to_face", 3), ("toonify", 1), ("small", 19)],
)
def test_an_encoder_takes_what_is_made_of_pictures(name: str, channels: int) -> None:
    config = override(preset(name), {"model": {"encoder": {"in_channels": channels}}})
    with pytest.raises(SettingsError, match=f"takes {channels} channels"):
        check_channels(config)
    check_channels(preset(name))


TRAIN = ["train", "--preset", "small"]
GENERATOR = ["train-generator", "--preset", "small128"]


@pytest.mark.parametrize("command", [TRAIN, GENERATOR], ids=["train", "train-generator"])
@pytest.mark.parametrize(
    "flag",
    [
        *(
            "--batch 0",
            "--batch -1",
            "--batch x",
            "--batch 1e3",
            "--batch 100000000",
            "--pictures 0",
            "--pictures -5",
        ),
        *("--seed -1", "--seed 99999999999999999999", "--workers -1", "--workers 100000", "--threads 0"),
        *(
            "--threads -2",
            "--threads 1000000",
            "--minutes 0",
            "--minutes -1",
            "--minutes nan",
            "--minutes inf",
        ),
        *("--device cpu:foo", "--device gpu", "--device cuda:", "--device cuda:99", "--device cuda:-1"),
    ],
)
def test_the_command_line_says_it(
    command: list[str], flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused([*command, "--data", str(tmp_path), "--out", str(tmp_path / "run"), *flag.split()], capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "flag",
    [
        *(
            "--label-nc 0",
            "--label-nc -1",
            "--label-nc 1",
            "--label-nc 100000",
            "--accumulate 0",
            "--accumulate -1",
        ),
        *("--set data.resize_factors=[0]", "--set optimizer.lr=nan", "--set name=../x", "--accumulate x"),
    ],
)
def test_so_does_what_only_train_has(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused([*TRAIN, "--data", str(tmp_path), "--out", str(tmp_path / "run"), *flag.split()], capsys)


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command that must end with an error in words and the exit code 2."""
    try:
        code = main(command)
    except SystemExit as ended:  # argparse says it itself
        code = int(ended.code or 0)
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert "error: " in told
    assert "Traceback" not in told

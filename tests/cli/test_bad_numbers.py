"""Bad numbers on the command line and in the environment: words, the exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from psp.cli.main import main
from psp.config import Settings
from psp.errors import SettingsError
from psp.inference.devices import pick_device
from psp.registry.own import own_families
from psp.training.overrides import read_toml


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))


def run(command: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command and return its exit code and the last line of its errors."""
    try:
        code = main(command)
    except SystemExit as ended:  # argparse says it itself
        code = int(ended.code or 0)
    return code, capsys.readouterr().err.strip().splitlines()[-1]


TASKS = {
    "--variants": ("sketch_to_face", ["0", "-1", "17", "x", "1.5", "999999999999999999999", "nan"]),
    "--seed": ("sketch_to_face", ["4294967296", "99999999999999999999999", "x", "1.5", ""]),
    "--alpha": ("sketch_to_face", ["-0.1", "1.1", "nan", "inf", "x", "1e400"]),
    "--layers": ("sketch_to_face", ["99", "8-99", "x", "-", "5-2"]),
    "--strength": ("toonify", ["-1", "2", "nan", "x"]),
    "--factor": ("super_resolution", ["3", "-4", "x", "64", "1e1"]),
    "--face": ("encode", ["-1", "x", "1.5", "ALL", "99999999999999999999"]),
    "--batch": ("infer", ["0", "-1", "x", "100000000"]),
    "--workers": ("infer", ["0", "-1", "x", "100000"]),
    "--size": ("align", ["0", "-1", "x", "100000"]),
}


@pytest.mark.parametrize("flag", TASKS)
def test_a_bad_number_is_said(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, values = TASKS[flag]
    (tmp_path / "in").mkdir()
    Image.new("L", (128, 128), 255).save(tmp_path / "in" / "a.png")
    folder = task in ("infer", "align")
    given = [str(tmp_path / "in")] if folder else [str(tmp_path / "in" / "a.png")]
    where = [str(tmp_path / "out")] if folder else ["-o", str(tmp_path / "out")]
    for value in values:
        code, told = run([task, *given, *where, f"{flag}={value}"], capsys)
        assert code == 2, value
        assert "error: " in told
        assert "_face value" not in told
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "device",
    ["cpu:foo", "cuda:foo", "cuda:", "cuda:-1", "cuda:99", "gpu", "cpu:1", ":", "cpu cpu", "cuda:9999999"],
)
def test_a_device_that_cannot_be_is_said(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError):
        pick_device(device)
    monkeypatch.setenv("PSP_DEVICE", device)
    Image.new("L", (128, 128), 255).save(tmp_path / "a.png")
    for command in (["encode", str(tmp_path / "a.png")], ["evaluate", "--data", str(tmp_path)]):
        code, told = run(command, capsys)
        assert code == 2
        assert "device" in told.lower()


def test_devices_are_named_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_device("CPU") == "cpu"
    assert pick_device("cpu:0") == "cpu:0"
    assert Settings.from_env({"PSP_DEVICE": " CUDA:1 "}).device == "cuda:1"


@pytest.mark.parametrize("name", ["PSP_MAX_PIXELS", "PSP_MAX_MODELS", "PSP_MAX_MODELS_MB", "PSP_QUEUE_SIZE"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "1e6", "\u00b2", "9" * 5000, "nan"])
def test_a_bad_number_in_the_environment_is_said(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


@pytest.mark.parametrize("name", ["PSP_WEIGHTS_DIR", "PSP_CACHE_DIR", "PSP_MODELS"])
def test_the_home_of_nobody_is_said(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: "~no-such-user-anywhere/x"})


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("seed = 7\n", encoding="utf-8-sig")
    assert read_toml(file) == {"seed": 7}
    file.write_text('[mine]\npath = "runs/mine"\n', encoding="utf-8-sig")
    (family,) = own_families(file, frozenset())
    assert (family.name, family.path) == ("mine", tmp_path / "runs" / "mine")
    file.write_text("seed = 7\r\n", encoding="utf-16")
    with pytest.raises(SettingsError, match="TOML"):
        read_toml(file)
    with pytest.raises(SettingsError, match="TOML"):
        own_families(file, frozenset())

"""Every example in the README runs: Python, the command line, TOML."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from psp.cli import main as cli
from psp.cli.train import configure
from psp.config import Settings
from psp.inference import examples
from psp.inference.pipeline import PspPipeline
from psp.registry.lookup import assets_dir
from psp.registry.own import own_families
from psp.training.limits import check_config
from psp.training.overrides import override, read_assignments
from psp.training.presets import preset
from tests.readme import ROOT, TEXT, blocks, commands, languages, lines, spans

TRAINING = next(block for block in blocks("bash") if "align PHOTOS" in block)
COMMANDS = [
    command
    for text in (*(line for block in blocks("bash") if block != TRAINING for line in lines(block)), *spans())
    for command in commands(text)
]
# These want an hour, a GPU, a download or an account: parsed, and their settings checked.
TOO_LONG = ("train", "train-generator")


@pytest.fixture
def home(
    tmp_path: Path, astronaut: Image.Image, pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of somebody who follows the README, with what its examples name."""
    monkeypatch.chdir(tmp_path)
    for name in ("PSP_MODEL", "PSP_MODELS", "PSP_WEIGHTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("PSP_CACHE_DIR", tmp_path / "cache"), ("PSP_DEVICE", "cpu"), ("PSP_OFFLINE", 1)):
        monkeypatch.setenv(name, str(value))
    face = astronaut.crop((140, 0, 308, 168))
    for name in ("me.jpg", "photo.jpg"):
        astronaut.save(name, quality=95)
    astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("her.jpg", quality=95)
    face.resize((48, 48)).save("tiny.png")
    pipeline.photo_to_sketch(face, align=False).image.save("drawing.png")
    pipeline.photo_to_mask(face, align=False).image.save("map.png")
    for place in (
        "DIR",
        "DIR/val",
        "PHOTOS",
        "OUT",
        "OUT/val",
        "PICTURES",
        "PICTURES/val",
        "MAPS",
        "MAPS/val",
    ):
        Path(place).mkdir()
        if place.startswith("MAPS"):
            shutil.copy("map.png", f"{place}/a.png")
        else:
            (astronaut if place == "PHOTOS" else face.resize((128, 128))).save(f"{place}/a.png")
    shutil.copytree(assets_dir() / "portraits-128", "runs/mine/best")
    return tmp_path


def test_no_block_is_left_out() -> None:
    assert languages() == {"python", "bash", "toml", "bibtex", ""}  # the last is the map of files
    others = [line for block in blocks("bash") for line in lines(block) if not commands(line)]
    assert [shlex.split(line)[0] for line in others] == [
        "pip",
        "pip",
        "printf",
    ]  # CI; the training's last line


@pytest.mark.parametrize("block", [block for block in blocks("python") if "gradio_client" not in block])
def test_python_runs(block: str, home: Path) -> None:
    exec(compile(block, "README.md", "exec"), {})  # what is tested is what stands there
    assert Path("out/me.png").is_file() and Path("out/me.safetensors").is_file()
    with Image.open("pasted.png") as pasted, Image.open("me.jpg") as photo:
        assert pasted.size == photo.size


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_run(command: list[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "EXAMPLES", examples.EXAMPLES[:1])
    monkeypatch.setattr(examples, "RESULTS", home / "results")
    if command in (["models", "push"], ["evaluate"]):
        command = [*command, "--help"]  # named only
    elif command[:2] == ["models", "push"]:
        command = [*command, "--dry-run"]
    elif "MAPS" in command or command[0] in TOO_LONG:
        parses(command)
        return
    if "--results" not in command:
        shutil.rmtree("OUT")
    try:
        code = cli.main(command)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 0


def parses(command: list[str]) -> None:
    """Check what is not run: its arguments, and what they make of the preset."""
    options = cli._parser().parse_args(command)
    if command[0] == "train":
        check_config(configure(preset(options.preset), options))


def test_training_runs_from_photos_to_the_studio(home: Path) -> None:
    shutil.rmtree("runs")
    *steps, last = lines(TRAINING)
    for line in steps:
        (command,) = commands(line)
        few = ["--pictures", "4", "--batch", "2", "--workers", "0"] if command[0] == "train" else []
        assert cli.main([*command, *few]) == 0
    written, started = last.split("&&")
    subprocess.run(written, shell=True, check=True)
    assert shlex.split(started) == ["PSP_MODELS=models.toml", "python", "app.py"]
    pipeline = PspPipeline(Settings.from_env({"PSP_MODELS": "models.toml", "PSP_DEVICE": "cpu"}))
    assert pipeline.encode("me.jpg", model="mine").details["model"] == "mine"


@pytest.mark.parametrize("block", blocks("toml"))
def test_toml_is_understood(block: str, home: Path) -> None:
    Path("models.toml").write_text(block, encoding="utf-8")
    families = own_families(Path("models.toml"), frozenset())
    assert [family.name for family in families] == ["my-portraits", "my-cats"]
    pipeline = PspPipeline(Settings.from_env({"PSP_MODELS": "models.toml", "PSP_DEVICE": "cpu"}))
    assert pipeline.encode("tiny.png", "my-portraits", align=False).details["model"] == "my-portraits"


def flags() -> set[str]:
    """Return all flags of all commands."""
    found: set[str] = set()
    waiting = [cli._parser()]
    while waiting:
        for action in waiting.pop()._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
    return found


@pytest.mark.parametrize("span", [span for span in spans() if span.startswith("--")])
def test_flags_in_the_text_are_there(span: str) -> None:
    words = shlex.split(span)
    launchers = {"--num_machines", "--nproc-per-node"}
    assert {word for word in words if word.startswith("--")} <= flags() | launchers
    sets = [value for flag, value in itertools.pairwise(words) if flag == "--set"]
    check_config(override(preset("ffhq_encode"), read_assignments(sets)))


def test_files_and_variables_in_the_text_are_there() -> None:
    paths = {
        span.split()[0].removeprefix("python ")
        for span in spans()
        if re.match(r"(python )?[\w-]+/\S+\.\w+", span)
    }
    paths |= {span.split()[1] for span in spans() if span.startswith("python benchmarks/")}
    ours = {
        path for path in paths if path.startswith(("psp/", "tests/", "benchmarks/", "assets/", "examples/"))
    }
    assert ours and not [path for path in ours if not (ROOT / path).exists()]
    source = (ROOT / "psp" / "config.py").read_text(encoding="utf-8")
    source += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "psp").rglob("*.py"))
    named = set(re.findall(r"\bPSP_[A-Z_]+", TEXT))
    assert named and not [name for name in named if name not in source]
    for path in re.findall(r"\]\(([\w./-]+)\)", TEXT):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", ["benchmarks/README.md", "assets/portraits-128/README.md"])
def test_commands_of_the_other_pages_are_understood(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for line in (line for block in blocks("bash", text) for line in lines(block)):
        placed = line.replace("TASK", "encode").replace("FILE", "figures.csv")
        found = commands(placed)
        for command in found:
            parses(command)
        scripts = [
            word
            for word in shlex.split(placed, comments=True)
            if word.startswith("benchmarks/") and "." in word
        ]
        assert (
            found or scripts or "-m benchmarks." in placed or placed.startswith(("pip ", "git ", "pytest"))
        ), line
        assert all((ROOT / script).is_file() for script in scripts)

"""Every snippet in README, CONTRIBUTING and docs runs, or is understood: Python, the command line, TOML.

What cannot be run stands in ``tests/test_pages.py``, with why.
"""

from __future__ import annotations

import argparse
import itertools
import pkgutil
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from psp.cli import main as cli
from psp.cli.train import configure
from psp.config import Settings
from psp.inference import examples
from psp.inference.pipeline import PspPipeline
from psp.registry.own import own_families
from psp.training.limits import check_config
from psp.training.overrides import override, read_assignments
from psp.training.presets import preset
from tests.moving_pictures import frames_of, write_video
from tests.pages import OTHERS, PAGES, ROOT, Block, blocks, commands, lines, promised, spans, text_of, words
from tests.restyle import restyle_file, restyle_model
from tests.test_pages import NOT_RUN

TRAINING = next(block for block in blocks("bash") if "align PHOTOS" in block.body)
SHELL = [line for block in blocks("bash") if block != TRAINING for line in lines(block)]
# In the text, `psp train` is a command's name.
SAID = [*SHELL, *(span for span in spans() if not span.startswith("psp "))]
COMMANDS = list(dict.fromkeys(tuple(command) for text in SAID for command in commands(text)))
PYTHON = [
    block for block in blocks("python") if "gradio_client" not in block.body and block.body not in NOT_RUN
]
# These want an hour, a GPU, a download, an account, earlier results or the bundled generator, serve, or write
# into the repository: parsed, and their settings checked.
PARSED = (
    ("serve",),
    ("train",),
    ("train-generator",),
    ("models", "pin"),
    ("models", "import-mobile"),
    ("space",),
    ("gallery",),
    ("edit",),
    ("move",),
    ("refine",),
)


@pytest.fixture(scope="module")
def furnished(
    tmp_path_factory: pytest.TempPathFactory,
    astronaut: Image.Image,
    pipeline: PspPipeline,
    small_assets: Path,
) -> Path:
    """A folder with what the documentation's snippets name, to be copied."""
    home = tmp_path_factory.mktemp("furnished")
    face = astronaut.crop((140, 0, 308, 168))
    for name in ("me.jpg", "photo.jpg"):
        astronaut.save(home / name, quality=95)
    astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(home / "her.jpg", quality=95)
    write_video(home / "me.mp4", frames_of(astronaut, [(80, 10, 340)] * 4, (480, 360)))
    face.resize((48, 48)).save(home / "tiny.png")
    pipeline.photo_to_sketch(face, align=False).image.save(home / "drawing.png")
    pipeline.photo_to_mask(face, align=False).image.save(home / "map.png")
    for place in ("DIR", "PHOTOS", "OUT", "PICTURES", "MAPS"):
        for folder in (home / place, home / place / "val"):
            if folder.name == "val" and place == "PHOTOS":
                continue
            folder.mkdir()
            if place == "MAPS":
                shutil.copy(home / "map.png", folder / "a.png")
            else:
                (astronaut if place == "PHOTOS" else face.resize((128, 128))).save(folder / "a.png")
    shutil.copytree(small_assets / "mobile-1024", home / "runs" / "mine" / "best")
    for name, kind in (("psp_ffhq", "restyle_ir_se"), ("e4e_horse", "restyle_e4e_resnet")):
        file = restyle_file(kind, restyle_model(kind, size=64))
        torch.save(file, home / f"restyle_{name}_encode.pt")
    return home


@pytest.fixture
def home(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of somebody who follows the documentation, who stands in it."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("PSP_MODEL", "PSP_MODELS", "PSP_WEIGHTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("PSP_CACHE_DIR", tmp_path / "cache"), ("PSP_DEVICE", "cpu"), ("PSP_OFFLINE", 1)):
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block: Block, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block.body, block.page, "exec"), {})  # what is tested is what stands there
    assert capsys.readouterr().out.splitlines() == promised(block)
    saved = re.findall(r'\bsave\("([^"]+)"\)', block.body)
    assert all(Path(name).is_file() for name in saved)
    if "out/me.png" in saved:
        assert Path("out/me.safetensors").is_file()
    if "pasted.png" in saved:
        with Image.open("pasted.png") as pasted, Image.open("me.jpg") as photo:
            assert pasted.size == photo.size


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_run(command: tuple[str, ...], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "EXAMPLES", examples.EXAMPLES[:1])
    monkeypatch.setattr(examples, "RESULTS", home / "results")
    if command in (("models", "push"), ("evaluate",), ("gallery",)):
        command = (*command, "--help")  # named only
    elif command[:2] == ("models", "push"):
        command = (*command, "--dry-run")
    elif "MAPS" in command or command[:1] in PARSED or command[:2] in PARSED:
        parses(command)
        return
    if "--results" not in command:
        shutil.rmtree("OUT")
    try:
        code = cli.main(command)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 0


def parses(command: Sequence[str]) -> None:
    """Check what is not run: its arguments, and what they make of the preset."""
    options = cli.build_parser().parse_args(command)
    if command[0] == "train":
        check_config(configure(preset(options.preset), options))


@pytest.mark.slow
def test_training_runs_from_photos_to_the_studio(home: Path) -> None:
    shutil.rmtree("runs")
    *steps, last = lines(TRAINING)
    for line in steps:
        (command,) = commands(line)
        few = ["--pictures", "4", "--batch", "2", "--workers", "0"] if command[0] == "train" else []
        few += ["--set", "data.synthetic.pictures=16", "--set", "measured=1"] if few else []
        assert cli.main([*command, *few]) == 0
    written, started = last.split("&&")
    subprocess.run(written, shell=True, check=True)
    assert shlex.split(started) == ["PSP_MODELS=models.toml", "python", "app.py"]
    pipeline = PspPipeline(Settings.from_env({"PSP_MODELS": "models.toml", "PSP_DEVICE": "cpu"}))
    assert pipeline.encode("me.jpg", model="mine").details["model"] == "mine"


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_understood(block: Block, home: Path) -> None:
    Path("models.toml").write_text(block.body, encoding="utf-8")
    families = own_families(Path("models.toml"), frozenset())
    assert [family.name for family in families] == ["my-portraits", "my-cats"]
    pipeline = PspPipeline(Settings.from_env({"PSP_MODELS": "models.toml", "PSP_DEVICE": "cpu"}))
    assert pipeline.encode("tiny.png", "my-portraits", align=False).details["model"] == "my-portraits"


def flags() -> set[str]:
    """Return all flags of all commands."""
    found: set[str] = set()
    waiting = [cli.build_parser()]
    while waiting:
        for action in waiting.pop()._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
    return found


@pytest.mark.parametrize("span", [span for span in spans() if span.startswith("--")])
def test_flags_in_the_text_are_there(span: str) -> None:
    said = shlex.split(span)
    launchers = {"--num_machines", "--nproc-per-node", "--help"}
    assert {word for word in said if word.startswith("--")} <= flags() | launchers
    sets = [value for flag, value in itertools.pairwise(said) if flag == "--set"]
    check_config(override(preset("ffhq_encode"), read_assignments(sets)))


@pytest.mark.parametrize("page", PAGES)
def test_files_and_names_in_the_text_are_there(page: str) -> None:
    named = [span.removeprefix("python ").split()[0] for span in spans((page,)) if span.strip()]
    files = [name for name in named if re.fullmatch(r"[\w-]+/\S+\.(py|sh|md)|\w+\.py", name)]
    modules = {path.name for folder in ("psp", "tests") for path in (ROOT / folder).rglob("*.py")}
    there = [(ROOT / name).exists() or (ROOT / "psp" / name).exists() or name in modules for name in files]
    gone = [name for name, found in zip(files, there, strict=True) if not found]
    assert gone in ([], ["scripts/inference.py"])  # the official code's
    for name in named:
        if re.fullmatch(r"psp(\.\w+)+", name):
            pkgutil.resolve_name(name)


def test_variables_in_the_text_are_there() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "psp").rglob("*.py"))
    named = {name for page in PAGES for name in re.findall(r"\bPSP_[A-Z_]+", text_of(page))}
    assert named
    assert not [name for name in named if name not in source]


@pytest.mark.parametrize("block", blocks("bash", OTHERS), ids=str)
def test_commands_of_the_other_pages_are_understood(block: Block) -> None:
    for line in lines(block):
        placed = line.replace("TASK", "encode").replace("FILE", "figures.csv")
        found = commands(placed)
        for command in found:
            parses(command)
        scripts = [word for word in words(placed) if re.fullmatch(r"\w+/\S+\.(py|sh)", word)]
        assert (
            found or scripts or "-m benchmarks." in placed or placed.startswith(("pip ", "git ", "pytest"))
        ), line
        assert all((ROOT / script).is_file() for script in scripts)

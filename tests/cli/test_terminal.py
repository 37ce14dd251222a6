"""Whatever the terminal's encoding, a command says what it has done, and its JSON stays JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "Żółć–α→日本 é"
ENCODINGS = ("cp1252", "ascii")

COMMANDS = """
import contextlib, sys
from psp.cli.main import main
for command in {commands!r}:
    with contextlib.suppress(SystemExit):  # --help
        code = main(command)
        print("code", code)
"""


def run(commands: list[list[str]], encoding: str, cache: Path, **more: str) -> tuple[str, str]:
    """Run commands in one process whose terminal has an encoding; return what it says."""
    env = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "0",
        "PSP_DEVICE": "cpu",
        "PSP_CACHE_DIR": str(cache),
    }
    code = COMMANDS.format(commands=commands)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env | more, capture_output=True, check=False
    )
    out, err = (text.decode(encoding) for text in (done.stdout, done.stderr))
    assert done.returncode == 0, err
    assert "UnicodeEncodeError" not in err
    return out, err


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_says_what_it_has_done(encoding: str, astronaut: Image.Image, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    (folder / "val").mkdir(parents=True)
    photo = folder / "val" / f"{NAME}.png"
    astronaut.crop((140, 0, 308, 168)).resize((128, 128)).save(photo)
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"torn")
    out = str(tmp_path / "out" / NAME)
    commands = [
        ["photo_to_sketch", str(photo), "--no-align", "-o", out],
        ["encode", str(photo), "--no-align", "-o", out],
        ["encode", str(photo), "--no-align", "-o", out, "--model", NAME],  # an error
        ["infer", str(folder), out, "--no-align", "--workers", "1"],
        ["prepare", str(folder), f"{out}2", "--task", "sketch_to_face", "--workers", "1"],
        ["train", "--preset", "small", "--data", str(folder), "--out", f"{out}4", "--check-only"],
        ["evaluate", "--data", str(folder), "--sheet", out],
        ["models"],
        [
            "models",
            "push",
            "--repo",
            "me/psp-mine",
            "--model",
            str(ROOT / "assets" / "mobile-1024"),
            "--dry-run",
        ],
    ]
    said, _ = run(commands, encoding, tmp_path / "cache")
    codes = [line for line in said.splitlines() if line.startswith("code")]
    assert [int(line.split()[1]) for line in codes] == [0, 0, 2, 0, 0, 2, 0, 0, 0]
    sketch = json.loads(said[: said.index("code")])
    assert sketch["recipe"]["task"] == "photo_to_sketch"
    assert (Path(out) / f"{NAME}-photo_to_sketch.png").is_file()


@pytest.mark.parametrize("encoding", [pytest.param("cp1252", marks=pytest.mark.slow), "ascii"])
def test_so_does_every_help(encoding: str, tmp_path: Path) -> None:
    names = [
        "encode",
        "super_resolution",
        "style_mix",
        "align",
        "prepare",
        "infer",
        "models",
        "train",
        "evaluate",
    ]
    said, _ = run(
        [["--help"], *([name, "--help"] for name in [*names, "train-generator"])], encoding, tmp_path
    )
    assert said.count("usage:") == len(names) + 2


def test_a_plain_locale_is_enough(tmp_path: Path) -> None:
    env = {
        "PSP_CACHE_DIR": str(tmp_path),
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "psp", "models"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | env,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"mobile-1024" in done.stdout


def test_signs_are_replaced_by_what_they_look_like() -> None:
    code = "from psp.cli.terminal import make_printable; make_printable(); "
    code += "print('256×256 → α Fréchet … 日 \\udce9')"
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "256x256 -> alpha Frechet ... \\u65e5 \\udce9"


def test_the_studio_says_what_is_wrong_at_its_start() -> None:
    env = {**os.environ, "PSP_DEVICE": "cpu:foo"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: There is no device 'cpu:foo'")
    assert "Traceback" not in done.stderr

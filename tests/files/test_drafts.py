"""Files written whole or not at all, and what killed processes left of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from psp.checkpoints.tensors import save_tensors
from psp.files.drafts import clear_drafts, writing

# Writes half a file and waits to be killed.
HALF = """
import sys, time
from pathlib import Path
from psp.files.drafts import writing
with writing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


def start_writing(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HALF, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    return process


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with writing(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with pytest.raises(ZeroDivisionError), writing(path) as file:
        file.write(b"other")
        raise ZeroDivisionError
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_drafts_of_a_killed_process_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    dead = start_writing(tmp_path / "dead.safetensors")
    dead.kill()
    dead.wait()
    living = start_writing(tmp_path / "living.safetensors")  # a new draft clears the folder
    try:
        names = [path.name for path in tmp_path.iterdir()]
        assert len(names) == 1
        assert names[0].startswith(".living.safetensors.")
        assert clear_drafts(tmp_path) == 0
        save_tensors(tmp_path / "whole.safetensors", {})
        assert len(list(tmp_path.iterdir())) == 2
    finally:
        living.kill()
        living.wait()
    assert clear_drafts(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["whole.safetensors"]


def test_only_drafts_are_cleared(tmp_path: Path) -> None:
    names = {"mine.tmp", ".hidden.tmp", ".a.1234567.tmp", ".a.12345678.tmp.txt"}
    for name in names:
        (tmp_path / name).touch()
    assert clear_drafts(tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == names
    assert clear_drafts(tmp_path / "nothing") == 0

"""Whole folders: a file in the folder of the results that no earlier run has made stays, and is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from psp.folders.align import align_folder
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.folders.prepare import prepare_folder
from tests.folders.conftest import read_report

Into = Callable[..., Folders]

COMMANDS: dict[str, Callable[[Folders], None]] = {
    "align": align_folder,
    "prepare": lambda folders: prepare_folder(folders, "sketch_to_face"),
    "infer": lambda folders: infer_folder(
        folders, Inference("encode", align=False, couples=True, latents=True)
    ),
}
"""What a folder's command is called, and one that needs no search for faces where there is one."""


@pytest.fixture
def faces(astronaut: Image.Image, tmp_path: Path) -> Path:
    """Two square faces whose names have dots."""
    (tmp_path / "faces").mkdir()
    for name in ("IMG.0001.jpg", "IMG.0002.jpg"):
        astronaut.crop((90, 0, 346, 256)).save(tmp_path / "faces" / name)
    return tmp_path / "faces"


@pytest.mark.parametrize("command", COMMANDS)
def test_what_no_earlier_run_has_made_stays_and_is_told(
    command: str, faces: Path, into: Into, lines: list[str]
) -> None:
    folders = into(faces)
    folders.out.mkdir()
    Image.new("RGB", (64, 64), "red").save(folders.out / "IMG.0001.png")
    before = (folders.out / "IMG.0001.png").read_bytes()
    COMMANDS[command](folders)
    assert (folders.out / "IMG.0001.png").read_bytes() == before
    assert (folders.out / "IMG.0002.png").is_file()
    rows = {row["file"]: row for row in read_report(folders.out / f"{command}-report.csv")}
    assert rows["IMG.0001.jpg"]["result"] == "failed"
    assert "IMG.0001.png is there already" in rows["IMG.0001.jpg"]["reason"]
    assert any("IMG.0001.png is there already" in line for line in lines)


@pytest.mark.parametrize("taken", ["couples/IMG.0001.png", "latents/IMG.0001.safetensors"])
def test_so_does_what_has_the_name_of_a_couple_or_of_codes(taken: str, faces: Path, into: Into) -> None:
    folders = into(faces)
    (folders.out / taken).parent.mkdir(parents=True)
    (folders.out / taken).write_bytes(b"mine")
    COMMANDS["infer"](folders)
    assert (folders.out / taken).read_bytes() == b"mine"
    assert not (folders.out / "IMG.0001.png").exists()


def test_crops_are_no_results_of_another_command(faces: Path, into: Into) -> None:
    align_folder(into(faces))
    before = (into(faces).out / "IMG.0001.png").read_bytes()
    with pytest.raises(Exception, match="all 2 failed"):
        COMMANDS["infer"](into(faces))
    assert (into(faces).out / "IMG.0001.png").read_bytes() == before

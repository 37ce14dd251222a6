"""A folder of photos becomes a folder of crops, those of single photos; what fails stops nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.cli.main import main
from psp.errors import InputError
from psp.faces.alignment import align
from psp.folders.align import align_folder
from psp.folders.batch import Folders
from psp.inference.pipeline import PspPipeline
from tests.folders.conftest import pictures_in, read_report

ROOT = Path(__file__).resolve().parents[2]
Into = Callable[..., Folders]


def test_crops_are_those_of_single_photos_and_failures_stop_nothing(
    photos: Path, sky: Path, tmp_path: Path, pipeline: PspPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["align", str(photos), str(out), "--workers", "2"]) == 0
    assert pictures_in(out) == {"one.png", "below/two.png"}
    for source, crop in (("one.jpg", "one.png"), ("below/two.png", "below/two.png")):
        assert (out / crop).read_bytes() == pipeline.align(photos / source).png()
    told = capsys.readouterr().out
    assert "2 aligned, 2 failed" in told
    assert "  below/torn.png: The file 'torn.png' is truncated" in told
    rows = {row["file"]: row for row in read_report(out / "align-report.csv")}
    assert {name: row["result"] for name, row in rows.items()} == {
        "below/torn.png": "failed",
        "below/two.png": "aligned",
        "one.jpg": "aligned",
        "sky.png": "failed",
    }
    assert rows["sky.png"]["reason"].startswith("No face was found")
    assert (rows["sky.png"]["faces"], rows["below/two.png"]["faces"]) == ("0", "2")
    side = pipeline.align(photos / "one.jpg").details["alignment"]["side"]
    assert (float(rows["one.jpg"]["side"]), rows["one.jpg"]["face"]) == (side, "0")


def test_all_faces_are_cropped_by_number(photos: Path, into: Into, pipeline: PspPipeline) -> None:
    folders = into(photos)
    align_folder(folders, face=None, size=64)
    assert pictures_in(folders.out) == {"one-face-0.png", "below/two-face-0.png", "below/two-face-1.png"}
    with Image.open(folders.out / "below" / "two-face-1.png") as crop:
        assert crop.size == (64, 64)
        single = align(pipeline.read(photos / "below" / "two.png"), face=1, size=64).crop
        assert np.array_equal(np.asarray(crop), np.asarray(single))
    rows = [row for row in read_report(folders.out / "align-report.csv") if row["file"] == "below/two.png"]
    assert [row["face"] for row in rows] == ["0", "1"]


def test_a_face_that_is_not_there_is_told_by_number(photos: Path, into: Into) -> None:
    folders = into(photos)
    align_folder(folders, face=1)
    assert pictures_in(folders.out) == {"below/two.png"}
    reasons = {row["file"]: row["reason"] for row in read_report(folders.out / "align-report.csv")}
    assert "There is no face number 1: 1 face was found." in reasons["one.jpg"]


def test_a_second_run_makes_what_is_missing_and_nothing_else(
    photos: Path, into: Into, lines: list[str]
) -> None:
    folders = into(photos)
    align_folder(folders)
    one, two = folders.out / "one.png", folders.out / "below" / "two.png"
    two.unlink()
    kept = one.stat().st_mtime_ns
    align_folder(folders)
    assert two.is_file()
    assert one.stat().st_mtime_ns == kept
    assert "1 of 3 were there already; 2 to do" in lines
    rows = {row["file"]: row for row in read_report(folders.out / "align-report.csv")}
    assert (rows["one.jpg"]["result"], rows["one.jpg"]["faces"]) == ("aligned", "1")


@pytest.mark.slow
def test_what_is_there_is_made_anew_in_another_size_or_on_demand(photos: Path, into: Into) -> None:
    (photos / "below" / "two.png").unlink()
    align_folder(into(photos))
    one = into(photos).out / "one.png"
    align_folder(into(photos), size=128)
    with Image.open(one) as crop:
        assert crop.size == (128, 128)
    changed = one.stat().st_mtime_ns
    align_folder(into(photos, again=True), size=128)
    assert one.stat().st_mtime_ns > changed


def test_where_nothing_can_be_aligned_the_exit_code_says_so(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "one.jpg").unlink()
    (photos / "below" / "two.png").unlink()
    assert main(["align", str(photos), "-o", str(tmp_path / "out"), "--workers", "1"]) == 2
    assert "No picture could be aligned; all 1 failed." in capsys.readouterr().err
    assert len(read_report(tmp_path / "out" / "align-report.csv")) == 1


def test_one_photo_is_still_one_photo(photos: Path, tmp_path: Path, pipeline: PspPipeline) -> None:
    assert main(["align", str(photos / "one.jpg"), str(tmp_path / "single")]) == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "single").iterdir()}
    assert written == {"one-align.png": pipeline.align(photos / "one.jpg").png()}
    assert main(["align", str(photos / "one.jpg"), "--size", "64"]) == 2


def test_a_size_that_cannot_be_is_told_before_any_work(photos: Path, into: Into) -> None:
    with pytest.raises(InputError, match="32 to 4096"):
        align_folder(into(photos), size=8)
    assert not into(photos).out.exists()


def test_stopped_by_a_person_it_ends_at_once_and_leaves_whole_files_and_a_report(
    photos: Path, tmp_path: Path
) -> None:
    for number in range(80):
        # Each its own: the crop of a file that was seen before is there at once.
        data = (photos / "one.jpg").read_bytes() + bytes([number])
        (photos / f"more-{number:02}.jpg").write_bytes(data)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "psp", "align", str(photos), str(out), "--workers", "2"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        while not list(out.glob("more-*.png")):
            assert running.poll() is None
            time.sleep(0.05)
        start = time.perf_counter()
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=20)
    finally:
        running.kill()
    assert time.perf_counter() - start < 10
    assert running.returncode == 130
    assert told.strip() == "stopped"
    made = {name for name in pictures_in(out) if not name.endswith(".part")}
    assert 0 < len(made) < 80
    for name in made:
        with Image.open(out / name) as crop:
            crop.load()  # whole
    for row in read_report(out / "align-report.csv"):
        assert row["result"] == "failed" or str(Path(row["file"]).with_suffix(".png")) in made

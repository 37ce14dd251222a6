"""Processes that a launcher started share a folder: the bytes and the report of one, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from psp.cli.folders import _ending_well
from psp.cli.main import main
from psp.config import Settings
from psp.folders import batch
from psp.folders.align import align_folder
from psp.folders.batch import Folders
from psp.folders.infer import Inference, Tally, infer_folder
from psp.folders.plan import usual_batch
from psp.folders.processes import in_turn
from psp.folders.reports import falls_to
from psp.inference.launched import ALONE, Place
from psp.inference.network import Network
from tests.folders.conftest import pictures_in, read_report
from tests.folders.test_infer import Into

Here = Callable[[Path, Place], None]
ROOT = Path(__file__).resolve().parents[2]
# Names that meet in "1.png"; one that no process can read; and one in a folder below.
NAMES = ("1.jpg", "1.png", "2.jpg", "3.jpg", "below/4.jpg", "below/5.jpg", "below/torn.jpg")
# Is killed when the second result of it is to be saved.
DYING = """
import os, signal, sys
from psp.folders.saver import Saver
save, saved = Saver.save, []
def dying(saver, target, *what):
    saved.append(target)
    if len(saved) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    save(saver, target, *what)
Saver.save = dying
from psp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def given(astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "below").mkdir()
    for number, name in enumerate(NAMES):
        astronaut.rotate(5 * number).resize((64, 64)).save(folder / name)
    (folder / "below" / "torn.jpg").write_bytes((folder / "1.jpg").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def here(small_assets: Path, given: Path, tmp_path_factory: pytest.TempPathFactory) -> Here:
    """Runs one process's part in this process, without others that prepare pictures."""
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache"))
    network = Network(settings)
    inference = Inference(
        "encode", str(small_assets / "mobile-1024"), batch=1, align=False, couples=True, latents=True
    )

    def run(out: Path, place: Place) -> None:
        folders = Folders(given, out, 0, False, settings, lambda line: None, place)
        infer_folder(folders, inference, network=network)

    return run


@pytest.fixture(scope="module")
def wish(small_assets: Path, given: Path) -> tuple[str, ...]:
    """The same on the command line: where from, and how."""
    model = ("--model", str(small_assets / "mobile-1024"))
    return (str(given), *model, "--no-align", "--latents", "--couples", "--workers", "1")


@pytest.fixture(scope="module")
def one(here: Here, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All files that one process leaves."""
    out = tmp_path_factory.mktemp("one")
    here(out, ALONE)
    assert len(all_in(out)) == 3 * 6 + 1
    return all_in(out)


def environment(place: Place) -> dict[str, str]:
    """Return what a launcher sets."""
    said = {"RANK": place.number, "WORLD_SIZE": place.count, "LOCAL_RANK": place.local}
    return {**os.environ, **{name: str(value) for name, value in said.items()}, "PSP_DEVICE": "cpu"}


def all_in(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, the hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def together(commands: Sequence[Sequence[str]], count: int) -> list[tuple[int, str]]:
    """Run the first of ``count`` processes as a launcher does, all at once.

    Returns:
        The exit code of each, and what it told.
    """
    running = [
        subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment(Place(number, count, number)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, command in enumerate(commands)
    ]
    try:
        told = [each.communicate(timeout=120)[0] for each in running]
    finally:
        for each in running:
            each.kill()
    return [(each.returncode, words) for each, words in zip(running, told, strict=True)]


def test_three_processes_make_the_bytes_and_the_report_of_one(
    wish: tuple[str, ...], one: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    told = together(3 * [["-m", "psp", "infer", wish[0], str(out), *wish[1:]]], 3)
    assert [code for code, _ in told] == [0, 0, 0], told
    assert all_in(out) == one
    whole = [words for _, words in told if "all processes: 6 made, 1 failed\n" in words]
    assert whole
    assert all(f"[{number}of3] report: " in words for number, (_, words) in enumerate(told, start=1))


def test_two_one_after_another_make_the_same(here: Here, one: dict[str, bytes], tmp_path: Path) -> None:
    for number in (1, 0):
        here(tmp_path / "out", Place(number, 2))
    assert all_in(tmp_path / "out") == one


@pytest.mark.slow
def test_killed_in_two_and_resumed_in_three_nothing_is_done_twice_or_left_out(
    wish: tuple[str, ...], here: Here, one: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ((code, words),) = together([["-c", DYING, "infer", wish[0], str(out), *wish[1:]]], 2)
    assert code == -signal.SIGKILL, words
    here(out, Place(1, 2))
    assert {path.name for path in out.glob("*.csv")} == {"infer-report.csv", "infer-report.1of2.csv"}
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert 0 < sum(path.parent in (out, out / "below") for path in before) < 6
    for number in (2, 0, 1):
        here(out, Place(number, 3))
    results = {name: data for name, data in all_in(out).items() if not name.endswith((".csv", ".part"))}
    assert results == {name: data for name, data in one.items() if not name.endswith(".csv")}
    mains = [path for path in before if path.parent in (out, out / "below")]
    assert all(path.stat().st_mtime_ns == before[path] for path in mains)
    assert {path.name for path in out.glob("*.csv")} == {"infer-report.csv"}
    rows = read_report(out / "infer-report.csv")
    assert [row["file"] for row in rows] == sorted(NAMES)
    assert {row["file"] for row in rows if row["result"] != "made"} == {"below/torn.jpg"}


def test_faces_are_cropped_by_two_and_three_as_by_one(
    two_people: Image.Image,
    astronaut: Image.Image,
    tmp_path: Path,
    into: Into,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "each", lambda function, items, workers, ahead: in_turn(function, items))
    photos = tmp_path / "photos"
    photos.mkdir()
    two_people.resize((400, 256)).save(photos / "a.jpg")
    astronaut.resize((256, 256)).save(photos / "a.png")
    astronaut.resize((240, 240)).save(photos / "b.jpg")
    (photos / "torn.jpg").write_bytes((photos / "a.jpg").read_bytes()[:900])
    for count in (1, 2, 3):
        for number in reversed(range(count)):
            folders = replace(into(photos, f"out-{count}"), place=Place(number, count))
            align_folder(folders, face=None, size=64)
    first = all_in(tmp_path / "out-1")
    assert {"a.jpg-face-0.png", "a.jpg-face-1.png", "a.png-face-0.png", "b-face-0.png"} <= {*first}
    assert all_in(tmp_path / "out-2") == all_in(tmp_path / "out-3") == first


def test_a_process_without_pictures_loads_no_model(given: Path, into: Into, tmp_path: Path) -> None:
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "1.jpg").write_bytes((given / "1.jpg").read_bytes())
    place = next(Place(n, 2) for n in range(2) if not falls_to("1.jpg", Place(n, 2)))
    folders = replace(into(tmp_path / "single"), place=place)
    assert infer_folder(folders, Inference("encode", model="nothing")) == Tally(0, 0, 0, 0)
    assert pictures_in(folders.out) == set()


def test_a_process_that_is_asked_to_end_does_so_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    left = []
    with pytest.raises(SystemExit) as ended, _ending_well():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            left.append("report")
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL  # a second one ends it at once
    assert ended.value.code == 128 + signal.SIGTERM
    assert left
    assert signal.getsignal(signal.SIGTERM) == before


def test_pictures_go_one_by_one_on_a_cpu_and_together_on_a_gpu() -> None:
    assert [usual_batch(device) for device in ("cpu", "cpu:0", "cuda", "cuda:1", "mps")] == [1, 1, 8, 8, 8]


def test_a_process_that_cannot_be_is_refused_before_any_work(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "7")
    monkeypatch.setenv("WORLD_SIZE", "3")
    for command in ("align", "infer"):
        assert main([command, str(given), str(tmp_path / "out")]) == 2
        assert "error: RANK is 7, but WORLD_SIZE is 3: the ranks are 0 to 2. Start" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""Whole folders when something gives way: memory, a picture in the model, the process, the disk."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.config import Settings
from psp.errors import CheckpointError, DeviceMemoryError, StoppedError
from psp.folders.align import align_folder
from psp.folders.batch import Folders
from psp.folders.bundle import pack, unpack
from psp.folders.infer import Inference, infer_folder
from psp.inference.errands import Work
from psp.inference.network import Network
from psp.models.psp import PSP
from tests.folders.conftest import pictures_in, read_report
from tests.folders.test_infer import Into
from tests.full_disk import full_disk
from tests.killed import killed_at
from tests.read_only import read_only

COUNT = 3
WISH = Inference("encode", batch=2, align=False, latents=True)
ALL = {f"{number}.png" for number in range(COUNT)} | {f"latents/{n}.safetensors" for n in range(COUNT)}

Fault = Callable[[torch.Tensor], Exception | None]


@pytest.fixture
def given(astronaut: Image.Image, into: Into, tmp_path: Path) -> Folders:
    """Three small pictures, which are prepared in this process."""
    (tmp_path / "given").mkdir()
    for number in range(COUNT):
        astronaut.rotate(5 * number).resize((64, 64)).save(tmp_path / "given" / f"{number}.jpg")
    return into(tmp_path / "given", workers=0)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """One for all tests: the model is loaded once."""
    return Network(Settings(device="cpu", offline=True, cache_dir=tmp_path_factory.mktemp("cache")))


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], list[int]]:
    """Makes every encoder raise what a function returns for its pictures; returns how many came each time."""

    def break_it(fault: Fault) -> list[int]:
        encode, seen = PSP.encode, list[int]()

        def encoding(model: PSP, images: torch.Tensor, *rest: object) -> torch.Tensor:
            seen.append(len(images))
            if (error := fault(images)) is not None:
                raise error
            return encode(model, images, *rest)  # type: ignore[arg-type]  # whatever they are

        monkeypatch.setattr(PSP, "encode", encoding)
        return seen

    return break_it


def results(folders: Folders) -> dict[str, str]:
    return {row["file"]: row["result"] for row in read_report(folders.out / "infer-report.csv")}


def test_batches_become_smaller_until_they_fit_and_it_is_said(
    given: Folders, network: Network, faulty: Callable[[Fault], list[int]], lines: list[str]
) -> None:
    seen = faulty(lambda images: torch.OutOfMemoryError("CUDA out of memory") if len(images) > 1 else None)
    infer_folder(given, WISH, network=network)
    assert pictures_in(given.out) == ALL
    assert seen == [2, 1, 1, 1]  # once it has learned it, it tries no larger ones
    told = [line for line in lines if "too little memory" in line]
    assert [line.partition("for ")[2] for line in told] == [
        "2 pictures at once; it goes on with 1 (--batch 1)",
    ]


def test_where_not_even_one_fits_that_is_told_and_what_is_made_stays(
    given: Folders, network: Network, faulty: Callable[[Fault], list[int]]
) -> None:
    seen = faulty(lambda images: torch.OutOfMemoryError("CUDA out of memory") if len(seen) > 1 else None)
    with pytest.raises(DeviceMemoryError, match=r"a single picture.*what is made already stays"):
        infer_folder(given, WISH, network=network)
    assert pictures_in(given.out) == {name for name in ALL if int(Path(name).stem) < 2}
    assert sorted(results(given).values()) == ["made"] * 2


def test_a_picture_that_fails_in_the_model_takes_no_other_along(
    given: Folders, network: Network, faulty: Callable[[Fault], list[int]]
) -> None:
    first: list[torch.Tensor] = []

    def fault(images: torch.Tensor) -> Exception | None:
        first.append(images[0])
        return RuntimeError("device-side assert") if any(image.equal(first[0]) for image in images) else None

    faulty(fault)
    infer_folder(given, WISH, network=network)
    assert pictures_in(given.out) == {name for name in ALL if Path(name).stem != "0"}
    assert results(given) == {f"{n}.jpg": "failed" if n == 0 else "made" for n in range(COUNT)}
    (row,) = (row for row in read_report(given.out / "infer-report.csv") if row["result"] == "failed")
    assert row["reason"] == "RuntimeError: device-side assert"


def test_a_model_that_fails_from_the_start_is_not_tried_on_all(
    given: Folders, network: Network, faulty: Callable[[Fault], list[int]]
) -> None:
    for number in range(9):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(given.pictures / f"more-{number}.png")
    seen = faulty(lambda _: CheckpointError("The model gave no picture."))
    with pytest.raises(CheckpointError, match="gave no picture"):
        infer_folder(given, WISH, network=network)
    assert sum(size == 1 for size in seen) == 10
    assert not pictures_in(given.out)


def test_who_stops_the_work_is_no_picture_that_failed(
    given: Folders, network: Network, faulty: Callable[[Fault], list[int]]
) -> None:
    seen = faulty(lambda _: StoppedError("Stopped."))
    with pytest.raises(StoppedError):
        infer_folder(given, WISH, network=network)
    assert seen == [2]


def test_a_single_request_is_told_of_too_little_memory_in_words(
    faulty: Callable[[Fault], list[int]], network: Network
) -> None:
    faulty(lambda _: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    size = network.load("auto", "encode").in_size
    work = Work("auto", "encode", inputs=np.zeros((1, 3, size, size), np.float32))
    with pytest.raises(DeviceMemoryError, match=r"too little memory for this.*PSP_DEVICE=cpu"):
        network.run(work)


def test_killed_in_infer_everything_is_whole_and_the_next_run_makes_the_rest(
    given: Folders, network: Network
) -> None:
    wish = Inference("encode", batch=1, align=False, latents=True)
    killed_at("psp.files.saving._write", lambda: infer_folder(given, wish, network=network), nth=3)
    there = {path for path in given.out.rglob("*") if path.is_file() and not path.name.startswith(".")}
    before = {path: path.read_bytes() for path in there}
    infer_folder(given, wish, network=network)
    assert pictures_in(given.out) >= ALL
    assert set(results(given).values()) == {"made"}
    for path, content in before.items():
        assert path.suffix == ".csv" or path.read_bytes() == content  # whole, and the same again


def test_killed_in_align_the_next_run_makes_the_rest(photos: Path, into: Into) -> None:
    shutil.copy(photos / "one.jpg", photos / "more.jpg")
    folders = into(photos)
    killed_at("psp.folders.ledger.Ledger.add", lambda: align_folder(folders))
    align_folder(folders)
    assert pictures_in(folders.out) >= {"one.png", "more.png", "below/two.png"}
    for name in ("one.png", "more.png", "below/two.png"):
        with Image.open(folders.out / name) as made:
            made.load()


def test_a_folder_for_results_that_cannot_be_written_is_told(given: Folders, network: Network) -> None:
    given.out.mkdir()
    with read_only(given.out), pytest.raises(OSError, match="Read-only"):
        infer_folder(given, WISH, network=network)
    assert not list(given.out.iterdir())


def test_a_disk_that_becomes_full_leaves_what_is_whole(given: Folders, network: Network) -> None:
    infer_folder(given, WISH, network=network)
    before = {path: path.read_bytes() for path in given.out.rglob("*") if path.is_file()}
    again = Folders(given.pictures, given.out, 0, True, given.settings, lambda line: None)
    with full_disk(100), pytest.raises(OSError, match="large"):
        infer_folder(again, WISH, network=network)
    after = {path: path.read_bytes() for path in given.out.rglob("*") if path.is_file()}
    assert after == before


def test_files_of_before_1980_are_packed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.png").write_bytes(b"a picture")
    os.utime(tmp_path / "results" / "a.png", (1, 1))  # a clock without a battery
    pack(tmp_path / "results", tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert archive.read("a.png") == b"a picture"


def test_a_batch_that_finds_the_disk_full_leaves_the_one_before(given: Folders, tmp_path: Path) -> None:
    photos = sorted(given.pictures.iterdir())
    unpack(photos[:2], tmp_path / "in", 10)
    with full_disk(300), pytest.raises(OSError, match="large"):
        unpack(photos, tmp_path / "in", 10)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["0.jpg", "1.jpg"]
    with full_disk(300), pytest.raises(OSError, match="large"):
        pack(given.pictures, tmp_path / "all.zip")
    assert not [path for path in tmp_path.iterdir() if "all.zip" in path.name]

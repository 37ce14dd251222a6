"""A conversion that is killed, made twice at once, or cannot be kept: never half a model, never none."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from psp.checkpoints import load_psp
from psp.checkpoints.convert import SETTLING
from psp.checkpoints.hashes import check_seal
from psp.config import Settings
from tests.checkpoints.samples import assert_same, make, official, save_pt
from tests.forked import in_two_processes
from tests.full_disk import full_disk
from tests.killed import killed_at
from tests.read_only import read_only


def settled() -> None:
    """Wait until conversions of this process are finished."""
    for thread in threading.enumerate():
        if thread.name == SETTLING:
            thread.join(20)


def the_only_file(settings: Settings) -> Path:
    """Return the conversion, after checking that nothing else is there."""
    settled()
    (found,) = (settings.cache_dir / "converted").iterdir()
    assert check_seal(found, settings.cache_dir)
    return found


# In the middle of the copy; when all is there but the name; between the name and the seal; before the note.
@pytest.mark.parametrize(
    ("place", "nth"),
    [
        ("psp.checkpoints.tensors._bytes_of", 9),
        ("pathlib.Path.replace", 1),
        ("pathlib.Path.replace", 2),
        ("psp.checkpoints.convert.seal_in_place", 1),
        ("psp.checkpoints.convert.keep_seal", 1),
    ],
)
def test_one_that_is_killed_is_made_again(tmp_path: Path, settings: Settings, place: str, nth: int) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))

    def load() -> None:
        load_psp(path, settings=settings)
        settled()

    killed_at(place, load, nth)
    assert_same(load_psp(path, settings=settings), make())
    the_only_file(settings)


def test_two_at_once_make_one(tmp_path: Path, settings: Settings) -> None:
    model = make()
    path = save_pt(tmp_path / "x.pt", official(model))
    barrier = threading.Barrier(2, timeout=20)

    def load() -> None:
        barrier.wait()
        for _ in range(3):
            assert_same(load_psp(path, settings=settings), model)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(load) for _ in range(2)]:
            done.result()
    the_only_file(settings)


def test_two_processes_at_once_make_one(tmp_path: Path, settings: Settings) -> None:
    model = make()
    path = save_pt(tmp_path / "x.pt", official(model))
    in_two_processes(lambda: assert_same(load_psp(path, settings=settings), model))
    the_only_file(settings)


@pytest.mark.parametrize("why", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_where_it_cannot_be_kept_the_model_works_without(
    tmp_path: Path, settings: Settings, why: int
) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    settings.cache_dir.mkdir()
    with read_only(settings.cache_dir, why):
        assert_same(load_psp(path, settings=settings), make())
    assert not list(settings.cache_dir.rglob("*.*"))


def test_a_disk_that_becomes_full_keeps_nothing_half(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    with full_disk(5000):
        assert_same(load_psp(path, settings=settings), make())
    assert not list((settings.cache_dir / "converted").iterdir())
    assert_same(load_psp(path, settings=settings), make())
    the_only_file(settings)


def test_a_note_that_is_damaged_is_not_believed(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    load_psp(path, settings=settings)
    settled()
    for number, note in enumerate((settings.cache_dir / "hashes").iterdir()):
        note.write_bytes((b"", b"{", b"[]", b"\xff", note.read_bytes()[:-9])[number % 5])
    assert_same(load_psp(path, settings=settings), make())


def test_a_clock_that_is_set_back_makes_nothing_stale(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    load_psp(path, settings=settings)
    settled()
    save_pt(path, official(make(seed=2)))
    os.utime(path, (1, 1))  # as of 1970: older than its conversion
    assert_same(load_psp(path, settings=settings), make(seed=2))

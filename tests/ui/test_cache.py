"""Files that the page hands out: the same ones made and read by many at once are whole for everybody."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from PIL import Image

from psp.ui.cache import cached, cached_picture


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_the_same_file_is_kept_once_and_touched(folder: Path) -> None:
    first = Path(cached(b"same", "a.bin"))
    os.utime(first, (1, 1))
    inode = first.stat().st_ino
    assert Path(cached(b"same", "a.bin")) == first
    assert first.stat().st_ino == inode  # left as it is for those who read it
    assert first.stat().st_mtime > 1  # but not too old any more
    assert cached(b"other", "a.bin") != str(first)
    assert cached(b"same", "../../b.bin") == str(first.with_name("b.bin"))
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 3


def test_a_cut_file_is_made_whole(folder: Path) -> None:
    path = Path(cached(b"whole", "a.bin"))
    path.write_bytes(b"who")
    assert Path(cached(b"whole", "a.bin")).read_bytes() == b"whole"


def test_many_writers_and_readers_of_one_file(folder: Path) -> None:
    data = os.urandom(2_000_000)
    path = Path(cached(data, "result.png"))
    done = threading.Event()

    def write(_: int) -> None:
        for _ in range(40):
            assert cached(data, "result.png") == str(path)

    def clear() -> None:  # as the studio does for its age; the next one makes it anew
        while not done.is_set():
            path.unlink(missing_ok=True)
            done.wait(0.002)

    def read(_: int) -> tuple[int, int]:
        whole = broken = 0
        while not done.is_set():
            with contextlib.suppress(FileNotFoundError):
                whole, broken = (whole + 1, broken) if path.read_bytes() == data else (whole, broken + 1)
        return whole, broken

    with ThreadPoolExecutor(16) as threads:
        readers = [threads.submit(read, i) for i in range(6)]
        clearing = threads.submit(clear)
        try:
            for writer in [threads.submit(write, i) for i in range(8)]:
                writer.result()
        finally:
            done.set()
        clearing.result()
        counts = [reader.result() for reader in readers]
    assert sum(whole for whole, _ in counts) > 0
    assert sum(broken for _, broken in counts) == 0
    assert {each.name for each in path.parent.iterdir()} <= {path.name}


def test_downloads_are_whole_while_others_make_the_same_result(url: str) -> None:
    """Over HTTP, from the folder that the served studio uses."""
    noise = Image.effect_noise((900, 900), 80)
    path = cached_picture(noise, "result")
    data, done = Path(path).read_bytes(), threading.Event()

    def make() -> None:
        while not done.is_set():
            assert cached_picture(noise, "result") == path

    def download(_: int) -> bool:
        with urlopen(f"{url}gradio_api/file={quote(path)}") as answer:
            return bool(answer.read() == data)

    with ThreadPoolExecutor(8) as threads:
        makers = [threads.submit(make) for _ in range(3)]
        try:
            assert all(threads.map(download, range(120)))
        finally:
            done.set()
        for maker in makers:
            maker.result()
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.size) == ("PNG", (900, 900))

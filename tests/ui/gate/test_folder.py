"""The temporary folder: private, swept by age, deleted with its studio, or by the next one."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from psp.inference.pipeline import PspPipeline
from psp.ui.app import build_app
from psp.ui.cache import cached
from psp.ui.gate.folder import DAY, HOUR, clear_abandoned, sweep, sweeping, temporary_folder
from psp.ui.gate.serving import _kept

# A studio that keeps a file and waits to be killed.
STUDIO = """
import sys, time
from pathlib import Path
from psp.ui.gate.folder import temporary_folder
with temporary_folder(Path(sys.argv[1])) as files:
    (files / "upload").write_bytes(b"a face")
    print(files, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "base"))
    return tmp_path / "base"


def aged(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    then = time.time() - seconds
    os.utime(path, (then, then))
    os.utime(path.parent, (then, then))
    return path


def test_it_is_private_and_gone_at_the_end(base: Path, tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with temporary_folder(tmp_path / "cache") as files:
        assert files.parent.parent == base
        assert stat.S_IMODE(files.parent.stat().st_mode) == 0o700
        assert Path(cached(b"result", "a.png")).is_relative_to(files)
        assert Path(tempfile.gettempdir()).parent == files.parent
        with temporary_folder(tmp_path / "cache") as other:  # a second studio leaves the first one's alone
            assert other.parent != files.parent
            assert files.is_dir()
        assert os.environ["GRADIO_TEMP_DIR"] == str(files)
    assert list(base.iterdir()) == []
    assert (os.environ["GRADIO_TEMP_DIR"], tempfile.gettempdir()) == (str(base), before)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_killed_studios_files_are_deleted_by_the_next(base: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "converted").mkdir(parents=True)
    (cache / "converted" / ".big.safetensors.0123abcd.tmp").write_bytes(b"half")
    studios = []
    for _ in range(2):
        studio = subprocess.Popen(
            [sys.executable, "-c", STUDIO, str(cache)], stdout=subprocess.PIPE, text=True
        )
        assert studio.stdout is not None
        studios.append((studio, Path(studio.stdout.readline().strip())))
    (killed, left), (living, kept) = studios
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    try:
        assert (left / "upload").exists()
        with temporary_folder(cache):
            assert not left.parent.exists()
            assert (kept / "upload").exists()
    finally:
        living.kill()
        living.wait()
    assert clear_abandoned(base) == 1
    assert list(base.iterdir()) == []
    assert list((cache / "converted").iterdir()) == []


def test_what_is_not_a_studios_stays(base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "mine").mkdir(parents=True)
    base.mkdir()
    (base / "psp-studio-link").symlink_to(outside)
    (base / "psp-studio-starting").mkdir()  # no lock yet
    (base / "another").mkdir()
    assert clear_abandoned(base) == 0
    assert (outside / "mine").is_dir()
    assert len(list(base.iterdir())) == 3
    os.utime(base / "psp-studio-starting", (1, 1))
    assert clear_abandoned(base) == 1


def test_the_sweep_goes_by_age(base: Path, tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        old = [
            aged(files / ("a" * 64) / "result.png", DAY - HOUR + 9),
            aged(files / ("b" * 64) / "photo.jpg", 3 * DAY),
            aged(files / ("c" * 64) / ".draft.part", HOUR + 9),
            aged(files / "tmp12345678", HOUR + 9),  # an upload that was cut off
            aged(files.parent / "tmp" / "tmp87654321", HOUR + 9),
        ]
        young = [
            aged(files / ("d" * 64) / "result.png", DAY - HOUR - 99),
            aged(files / "tmpabcdefgh", HOUR - 99),
            aged(files.parent / "tmp" / "tmpabcdefgh", HOUR - 99),
        ]
        example = aged(files / ("e" * 64) / "example.jpg", 9 * DAY)
        assert sweep(files, {str(example)}, time.time()) == len(old)
        assert [path.exists() for path in (*old, *young, example)] == [False] * 5 + [True] * 4
        aged(files / ("a" * 64) / "x", DAY).unlink()
        os.utime(files / ("a" * 64), (1, 1))
        sweep(files, {str(example)}, time.time())
        assert not (files / ("a" * 64)).exists()
        assert sweep(files, {str(example)}, time.time() + DAY) == len(young)


def test_a_clock_that_is_set_back_keeps_nothing_for_ever(base: Path, tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        of_before = aged(files / ("a" * 64) / "photo.jpg", -400 * DAY)  # written before it was set back
        now = time.time()
        assert sweep(files, set(), now) == 0
        assert abs(of_before.stat().st_mtime - now) < 1  # from here on it ages as all others do
        assert sweep(files, set(), now + DAY - HOUR + 9) == 1


def test_a_clock_that_is_set_forward_deletes_nothing_early(base: Path, tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        young = aged(files / ("a" * 64) / "photo.jpg", HOUR)
        old = aged(files / ("b" * 64) / "photo.jpg", DAY)
        real = time.time
        with sweeping(files, set, every=0.02), pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: real() + 400 * DAY)
            end = time.monotonic() + 10
            while old.exists() and time.monotonic() < end:
                time.sleep(0.02)
        assert young.exists() and not old.exists()


def test_it_is_swept_while_it_is_used_and_nothing_else_is(base: Path, tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        old, foreign = aged(files / ("a" * 64) / "old", 2 * DAY), aged(tmp_path / "gradio" / "old", 2 * DAY)
        with sweeping(files, set, every=0.05), sweeping(foreign.parent, set, every=0.05):
            end = time.monotonic() + 10
            while old.exists() and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(0.2)
        assert not old.exists()
        assert foreign.exists()


def test_what_the_page_shows_is_kept(base: Path, tmp_path: Path, pipeline: PspPipeline) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        page = build_app(pipeline)
        shown = [path for path in files.rglob("*") if path.is_file()]
        assert shown
        assert {str(path) for path in shown} <= _kept(page)
        sweep(files, _kept(page), time.time() + 9 * DAY)
        assert all(path.exists() for path in shown)


def test_an_upload_that_is_cut_off_is_swept(
    base: Path, tmp_path: Path, pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_folder(tmp_path / "cache") as files:
        page = build_app(pipeline)
        _, url, _ = page.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", _frontend=False
        )
        try:
            head = (
                "POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; "
                'name="files"; filename="me.jpg"\r\n\r\n'
            )
            with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as cut:
                cut.sendall(head.encode() + b"x" * 100_000)
                end = time.monotonic() + 20
                while not (left := list(files.glob("tmp*"))) and time.monotonic() < end:
                    time.sleep(0.05)
            assert left
            sweep(files, _kept(page), time.time() + HOUR + 60)
            assert not list(files.glob("tmp*"))
        finally:
            page.close()

"""A Hub that refuses, stalls or lies, and a disk that does not take what it sends."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from psp.checkpoints import find_file
from psp.checkpoints import hub as downloads
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.registry import lookup
from tests.checkpoints.loopback_hub import Hub
from tests.checkpoints.samples import entry_for
from tests.forked import in_two_processes
from tests.full_disk import full_disk
from tests.read_only import read_only

ADVICE = {401: "HF_TOKEN", 403: "HF_TOKEN", 404: "PSP_WEIGHTS_DIR", 429: "some minutes", 500: "some minutes"}
LOGIN_PAGE = b"<!DOCTYPE html><title>Log in to this network</title>"


def left(settings: Settings) -> list[str]:
    """Return the names of what downloads have left in the cache, but locks."""
    return [each.name for each in settings.cache_dir.rglob("*") if each.is_file() and each.suffix != ".lock"]


@pytest.mark.parametrize("status", ADVICE)
def test_a_refusal_says_what_to_do_and_costs_nothing_that_was_there(
    hub: Hub, online: Settings, status: int
) -> None:
    entry = entry_for(hub.content)
    hub.break_after = [2_000_000]
    hub.refuse = [0, status]
    with pytest.raises(ModelNotFoundError, match=rf"answered {status}.*{ADVICE[status]}"):
        find_file(entry, online)
    assert left(online) == ["w.pt.part"]
    assert find_file(entry, online).read_bytes() == hub.content
    assert str(hub.asked[-1][1]) != "bytes=0-"  # it went on


def test_one_that_stalls_is_left_and_the_download_goes_on(
    hub: Hub, online: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.3)
    hub.break_after, hub.stall = [2_000_000], 1.0
    assert find_file(entry_for(hub.content), online).read_bytes() == hub.content
    assert len(hub.asked) == 2


def test_one_that_says_nothing_at_all_is_told(
    hub: Hub, online: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.3)
    hub.break_after, hub.stall = [0, 0], 1.0
    with pytest.raises(ModelNotFoundError, match=r"cannot be reached.*PSP_WEIGHTS_DIR"):
        find_file(entry_for(hub.content), online)
    assert "w.pt" not in left(online)


@pytest.mark.parametrize("lie", [-1_000_000, 1_000_000])
def test_a_wrong_length_gives_no_wrong_file(hub: Hub, online: Settings, lie: int) -> None:
    entry, hub.lie = entry_for(hub.content), lie
    if lie > 0:  # the rest never comes, and the file was whole
        assert find_file(entry, online).read_bytes() == hub.content
        return
    with pytest.raises(CheckpointError, match="not the file that it should be"):
        find_file(entry, online)
    assert not left(online)
    hub.lie = 0
    assert find_file(entry, online).read_bytes() == hub.content


@pytest.mark.parametrize("file", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("content", [LOGIN_PAGE, b"PK\x03\x04" + bytes(5000), b"\x10" + bytes(7) + b"{"])
def test_what_no_hash_is_known_of_must_be_whole_to_be_kept(
    hub: Hub, online: Settings, file: str, content: bytes
) -> None:
    hub.content = content
    with pytest.raises(CheckpointError, match=rf"download of {file} is torn, or something else.*Try again"):
        find_file(entry_for(b"", file=file, sha256=None), online)
    assert not [name for name in left(online) if name.startswith("w.")]


def test_two_who_want_the_same_file_fetch_it_once(hub: Hub, online: Settings) -> None:
    entry, barrier = entry_for(hub.content), threading.Barrier(2, timeout=20)

    def fetch() -> bytes:
        barrier.wait()
        return find_file(entry, online).read_bytes()

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(fetch) for _ in range(2)]
    assert [each.result() for each in both] == [hub.content] * 2
    assert len(hub.asked) == 1


def test_two_processes_that_want_the_same_file_fetch_it_once(hub: Hub, online: Settings) -> None:
    entry = entry_for(hub.content)

    def fetch() -> None:
        assert find_file(entry, online).read_bytes() == hub.content

    in_two_processes(fetch)
    assert len(hub.asked) == 1
    assert "w.pt.part" not in left(online)


def test_a_full_disk_is_told_and_the_download_goes_on_later(hub: Hub, online: Settings) -> None:
    entry = entry_for(hub.content)
    with full_disk(3_000_000), pytest.raises(CheckpointError, match=r"cannot be kept.*Free some space"):
        find_file(entry, online)
    assert left(online) == ["w.pt.part"]
    assert find_file(entry, online).read_bytes() == hub.content
    assert str(hub.asked[-1][1]).startswith("bytes=")


@pytest.mark.parametrize("why", [errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_be_written_is_told(hub: Hub, online: Settings, why: int) -> None:
    online.cache_dir.mkdir()
    with (
        read_only(online.cache_dir, why),
        pytest.raises(CheckpointError, match=r"cannot be kept.*PSP_CACHE_DIR"),
    ):
        find_file(entry_for(hub.content), online)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_a_downloaded_file_that_is_damaged_later_is_not_used(hub: Hub, online: Settings, damage: str) -> None:
    entry = entry_for(hub.content)
    path = find_file(entry, online)
    whole = path.read_bytes()
    path.write_bytes({"flipped": whole[:-1] + b"?", "truncated": whole[:-9], "empty": b""}[damage])
    with pytest.raises(CheckpointError, match=r"w\.pt is not the file that it should be.*download it again"):
        find_file(entry, online)
    path.unlink()
    assert find_file(entry, online).read_bytes() == whole
    assert lookup.download_path(entry, online) == path

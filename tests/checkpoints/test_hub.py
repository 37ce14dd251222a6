"""Downloads: resumed where they stopped, verified, done once, and clear about what went wrong."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from psp.checkpoints import find_file, load_psp
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from psp.registry import lookup
from tests.checkpoints.loopback_hub import Hub
from tests.checkpoints.samples import assert_same, entry_for, make, official, save_pt


def test_a_download(hub: Hub, online: Settings) -> None:
    entry = entry_for(hub.content, file="a+b.pt")
    seen: list[tuple[int, int | None]] = []
    path = find_file(entry, online, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == hub.content
    assert path == lookup.download_path(entry, online)
    assert seen[-1] == (len(hub.content), len(hub.content))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert hub.asked == [(f"/some/repo/resolve/{'a' * 40}/a%2Bb.pt", None)]
    assert find_file(entry, dataclasses.replace(online, offline=True)) == path
    assert len(hub.asked) == 1


def test_a_broken_connection_resumes(hub: Hub, online: Settings) -> None:
    hub.break_after = [2_000_000, 1_500_000]
    path = find_file(entry_for(hub.content), online)
    assert path.read_bytes() == hub.content
    assert len(hub.asked) == 3
    starts = [int(str(asked).removeprefix("bytes=").removesuffix("-")) for _, asked in hub.asked[1:]]
    assert 0 < starts[0] < starts[1] <= 3_500_000


def test_a_download_goes_on_after_the_process_ended(hub: Hub, online: Settings) -> None:
    entry = entry_for(hub.content)

    class KilledError(BaseException):
        pass

    def kill(done: int, total: int | None) -> None:
        if done > 2_000_000:
            raise KilledError

    with pytest.raises(KilledError):
        find_file(entry, online, kill)
    assert not lookup.download_path(entry, online).exists()
    assert find_file(entry, online).read_bytes() == hub.content
    assert int(str(hub.asked[1][1]).removeprefix("bytes=").removesuffix("-")) > 1_000_000


def test_a_server_without_ranges_starts_again(hub: Hub, online: Settings) -> None:
    hub.ranges = False
    hub.break_after = [2_000_000]
    assert find_file(entry_for(hub.content), online).read_bytes() == hub.content


def test_a_download_that_was_complete_but_unnamed(hub: Hub, online: Settings) -> None:
    entry = entry_for(hub.content)
    part = lookup.download_path(entry, online).with_name("w.pt.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(hub.content)
    assert find_file(entry, online).read_bytes() == hub.content


def test_a_download_with_a_wrong_hash_is_not_kept(hub: Hub, online: Settings) -> None:
    entry = entry_for(b"something else")
    with pytest.raises(CheckpointError, match=str(entry.sha256)):
        find_file(entry, online)
    assert not list(lookup.download_path(entry, online).parent.glob("w.pt*")) or not (
        lookup.download_path(entry, online).exists()
    )
    with pytest.raises(CheckpointError):  # and not taken for granted the next time
        find_file(entry, online)
    assert len(hub.asked) == 2


def test_a_hub_without_the_file(hub: Hub, online: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match=r"answered 404.*PSP_WEIGHTS_DIR"):
        find_file(entry_for(b"x", source="other/repo"), online)


def test_no_network_is_said_at_once(online: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    import huggingface_hub  # noqa: F401  (its import is not what is timed)

    began = time.perf_counter()
    with pytest.raises(ModelNotFoundError, match=r"w\.pt is not on this machine.*PSP_WEIGHTS_DIR"):
        find_file(entry_for(b"x"), online)
    assert time.perf_counter() - began < 2


def test_an_official_model_from_the_hub(
    hub: Hub, online: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.content = save_pt(tmp_path / "x.pt", official(make())).read_bytes()
    monkeypatch.setattr(lookup, "MODELS", (entry_for(hub.content),))
    assert_same(load_psp("fam", settings=online), make())
    assert_same(load_psp("fam", settings=dataclasses.replace(online, offline=True)), make())
    assert len(hub.asked) == 1

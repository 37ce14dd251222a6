"""Weight files on this machine: where they are looked for, their hashes, and what a missing one leads to."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from pathlib import Path

import pytest

from psp.checkpoints import file_sha256, find_file, load_psp, save_psp
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError
from tests.checkpoints.samples import assert_same, entry_for, make


def test_the_order_is_bundled_then_folder(tmp_path: Path, settings: Settings) -> None:
    assert settings.weights_dir is not None
    entry = entry_for(b"ok", bundled=True)
    folder = settings.weights_dir / "fam" / "w.pt"
    bundled = tmp_path / "assets" / "fam" / "w.pt"
    for path in (folder, bundled):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"ok")
        assert find_file(entry, settings, assets=tmp_path / "assets") == path


def test_a_wrong_hash_in_the_folder_is_refused(settings: Settings) -> None:
    assert settings.weights_dir is not None
    settings.weights_dir.mkdir()
    path = settings.weights_dir / "w.pt"
    path.write_bytes(b"other")
    entry = entry_for(b"right")
    with pytest.raises(CheckpointError) as caught:
        find_file(entry, settings)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)
    assert str(entry.sha256) in str(caught.value)
    path.write_bytes(b"right")  # same size: the note of the old hash must not hold
    assert find_file(entry, settings) == path


def test_a_known_hash_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from psp.checkpoints import hashes

    path = tmp_path / "big"
    path.write_bytes(b"content")
    first = file_sha256(path, tmp_path / "cache")
    monkeypatch.setattr(hashes, "hash_file", lambda path: "0" * 64)
    assert file_sha256(path, tmp_path / "cache") == first
    assert file_sha256(path) == "0" * 64


def test_offline_says_at_once_what_is_missing(settings: Settings) -> None:
    began = time.perf_counter()
    with pytest.raises(ModelNotFoundError, match=r"psp_ffhq_encode\.pt .* offline.*PSP_WEIGHTS_DIR"):
        load_psp("ffhq-1024", settings=settings)
    with pytest.raises(ModelNotFoundError, match=r"drive\.google\.com/file/d/1YKoiVuFaqdvzDP5CZaqa3k5phL"):
        load_psp("ffhq-1024", task="toonify", settings=dataclasses.replace(settings, offline=False))
    with pytest.raises(ModelNotFoundError, match=r"Restore assets/mobile-1024"):
        load_psp(settings=settings, assets=settings.cache_dir)
    with pytest.raises(ModelNotFoundError, match=r"There is no file gone\.pt"):
        load_psp("gone.pt", settings=settings)
    assert time.perf_counter() - began < 1


def test_the_bundled_family_is_loaded_by_name(tmp_path: Path, settings: Settings) -> None:
    save_psp(make(), tmp_path / "mobile-1024" / "encode.safetensors", precision="float32")
    assert_same(load_psp(settings=settings, assets=tmp_path), make())
    assert_same(load_psp("auto", task="style_mix", settings=settings, assets=tmp_path), make())

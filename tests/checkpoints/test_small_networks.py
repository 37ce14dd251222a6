"""The small networks beside the models: loaded strictly, and refused where their file is another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from psp.checkpoints import load_tensors, save_tensors, small_networks
from psp.checkpoints.small_networks import FOLDER, load_face_mapper, load_previews
from psp.errors import CheckpointError, ModelNotFoundError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in FOLDER.glob("p*.safetensors"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_networks_are_ready_for_use_also_when_first_asked_for_in_inference_mode() -> None:
    with torch.inference_mode():
        network, previews = load_face_mapper(), load_previews()
    for loaded in (network, previews):
        assert not loaded.training
        assert all(not p.requires_grad and not p.is_inference() for p in loaded.parameters())
    picture = torch.zeros(1, 3, 256, 256, requires_grad=True)
    network(picture).sum().backward()
    assert picture.grad is not None


def test_the_sha256_of_a_bundled_file_is_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_face_mapper(folder)
    monkeypatch.setattr(small_networks, "FOLDER", folder / "mobile-1024")
    monkeypatch.setattr(small_networks, "assets_dir", lambda: folder)
    shutil.copytree(folder, folder.parent / "copy")
    shutil.move(str(folder.parent / "copy"), folder / "mobile-1024")
    with pytest.raises(CheckpointError, match="SHA256SUMS"):
        load_face_mapper(folder / "mobile-1024")


def test_what_is_missing_or_another_network_is_refused(folder: Path, tmp_path: Path) -> None:
    path = folder / "parser.safetensors"
    tensors, metadata = load_tensors(path, mapped=False)
    save_tensors(path, {k: v for k, v in tensors.items() if k != "out.bias"}, metadata)
    with pytest.raises(CheckpointError, match="holds another network"):
        load_face_mapper(folder)
    save_tensors(path, tensors | {"out.bias": torch.full((19,), torch.nan)}, metadata)
    with pytest.raises(CheckpointError, match="no numbers"):
        load_face_mapper(folder)
    (folder / "preview.safetensors").write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError):
        load_previews(folder)
    path.unlink()
    with pytest.raises(ModelNotFoundError):
        load_face_mapper(folder)


def test_a_bundled_file_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_networks, "FOLDER", tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"There is no file parser\.safetensors.*Restore"):
        load_face_mapper(tmp_path)

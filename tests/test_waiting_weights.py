"""The weights that wait for the mobile-1024 family: whole, small, and of finite numbers."""

from __future__ import annotations

from hashlib import sha256

import pytest
import torch

from psp.checkpoints.quantize import from_int8
from psp.checkpoints.tensors import load_tensors
from psp.registry import assets_dir

FOLDER = assets_dir() / "mobile-1024"
SUMS = dict(line.split()[::-1] for line in (FOLDER / "SHA256SUMS").read_text().splitlines())


def test_every_file_is_listed() -> None:
    assert set(SUMS) == {path.name for path in FOLDER.glob("*.safetensors")}


@pytest.mark.parametrize("name", SUMS)
def test_file_is_as_it_was_made(name: str) -> None:
    path = FOLDER / name
    assert sha256(path.read_bytes()).hexdigest() == SUMS[name]
    assert path.stat().st_size < 11_000_000
    tensors = from_int8(name, load_tensors(path)[0])
    assert all(torch.isfinite(value).all() for value in tensors.values())

"""The weights that wait for the mobile-1024 family: whole, small, and of finite numbers."""

from __future__ import annotations

import pytest
import torch

from psp.checkpoints.quantize import from_int8
from psp.checkpoints.tensors import load_tensors
from psp.files.pins import read_pins, require_pinned
from psp.registry.lookup import assets_dir

FOLDER = assets_dir() / "mobile-1024"
NAMES = [path.name for path in sorted(FOLDER.glob("*.safetensors"))]


def test_every_file_is_listed() -> None:
    listed = {name.rpartition("/")[2] for name in read_pins(assets_dir()) if name.startswith("mobile-1024/")}
    assert listed == set(NAMES) != set()


@pytest.mark.parametrize("name", NAMES)
def test_file_is_as_it_was_made(name: str) -> None:
    path = FOLDER / name
    require_pinned(path, assets_dir())
    assert path.stat().st_size < 11_000_000
    tensors = from_int8(name, load_tensors(path)[0])
    assert all(torch.isfinite(value).all() for value in tensors.values())

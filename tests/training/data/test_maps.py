"""Maps made ahead: kept, read again, mirrored with left and right in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.inference.compact_parser import map_face
from psp.training.data import maps
from psp.training.data.maps import mirror_map, open_maps
from psp.training.data.sources import open_sources


def test_left_and_right_change_places_in_a_mirror() -> None:
    labels = np.array([[4, 5, 1], [6, 7, 13], [8, 9, 0]], np.uint8)
    assert mirror_map(labels).tolist() == [[1, 4, 5], [13, 6, 7], [0, 8, 9]]
    assert np.array_equal(mirror_map(mirror_map(labels)), labels)


def test_maps_are_made_once_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "faces"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(3):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    sources = open_sources(tmp_path / "data" / "faces")
    made = open_maps(sources, tmp_path / "maps.npz", 64)
    picture = Image.open(folder / "1.png").convert("RGB")
    assert np.array_equal(made["faces", "1.png"], map_face(picture, 64))
    assert len(made) == 3

    def fail(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(maps, "_make_map", fail)
    again = open_maps(sources, tmp_path / "maps.npz", 64)
    assert all(np.array_equal(again[key], made[key]) for key in made)

"""Files that the studio writes name their own sha256: flipped bytes of the right size are found and told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from psp.checkpoints import hashes, load_psp, load_tensors, open_generator, read_info, save_psp, save_tensors
from psp.checkpoints.generators import save_generator
from psp.checkpoints.hashes import check_seal
from psp.checkpoints.tensors import SEAL, hash_sealed
from psp.config import Settings
from psp.errors import CheckpointError
from psp.training.state import Position, RunState, load_state, save_state
from tests.checkpoints.samples import assert_same, make, official, save_pt, settle
from tests.files.test_pins import flip


def test_a_sealed_file_is_the_same_whenever_it_is_written(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(0), "c": torch.tensor(True)}
    save_tensors(tmp_path / "x.safetensors", tensors, {"k": "v"}, sealed=True)
    save_tensors(tmp_path / "y.safetensors", tensors, {"k": "v"}, sealed=True)
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()
    loaded, info = load_tensors(tmp_path / "x.safetensors")
    assert torch.equal(loaded["a"], tensors["a"]) and info["k"] == "v"
    assert info[SEAL] == hash_sealed(tmp_path / "x.safetensors")
    assert check_seal(tmp_path / "x.safetensors")
    save_tensors(tmp_path / "z.safetensors", tensors)
    assert not check_seal(tmp_path / "z.safetensors")


@pytest.mark.parametrize("start", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("count", [1, 2000])
def test_flipped_bytes_anywhere_are_an_error(
    tmp_path: Path, settings: Settings, start: float, count: int
) -> None:
    path = tmp_path / "mine.safetensors"
    save_psp(make(), path)
    load_psp(path, settings=settings)
    flip(path, count, start)
    with pytest.raises(CheckpointError, match=r"mine\.safetensors"):
        load_psp(path, settings=settings)


def test_what_the_file_says_of_itself_is_part_of_it(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "mine.safetensors"
    save_psp(make(), path, info={"task": "encode"})
    seal = read_info(path)[SEAL].encode()
    data = path.read_bytes()
    for changed in (data.replace(b'"encode"', b'"decode"'), data.replace(seal, bytes([*seal[::-1]]))):
        assert changed != data
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match="its content is not what was written"):
            load_psp(path, settings=settings)


def test_a_damaged_generator_of_ones_own_is_an_error(tmp_path: Path, settings: Settings) -> None:
    model = make()
    save_psp(model, tmp_path / "m.safetensors", decoder_file="g.safetensors")
    save_generator(tmp_path / "alone.safetensors", model.decoder, torch.zeros(32), {})
    open_generator(tmp_path / "alone.safetensors", settings)
    ways = {
        "g": lambda: load_psp(tmp_path / "m.safetensors", settings=settings),
        "alone": lambda: open_generator(tmp_path / "alone.safetensors", settings),
    }
    for name, open_it in ways.items():
        flip(tmp_path / f"{name}.safetensors", 10, 0.9)
        with pytest.raises(CheckpointError, match=rf"{name}\.safetensors"):
            open_it()


@pytest.mark.parametrize("damage", ["flipped", "zeros", "truncated", "no seal"])
def test_a_damaged_conversion_is_made_again(tmp_path: Path, settings: Settings, damage: str) -> None:
    model = make()
    path = save_pt(tmp_path / "x.pt", official(model))
    load_psp(path, settings=settings)
    settle()
    (converted,) = (settings.cache_dir / "converted").glob("*.safetensors")
    whole = converted.read_bytes()
    if damage == "flipped":
        flip(converted)
    elif damage == "zeros":
        converted.write_bytes(whole[:-5000] + bytes(5000))
    elif damage == "truncated":
        converted.write_bytes(whole[:-5000])
    else:
        tensors, info = load_tensors(converted)
        tensors = {key: value * 0 for key, value in tensors.items()}
        save_tensors(converted, tensors, {key: text for key, text in info.items() if key != SEAL})
    assert_same(load_psp(path, settings=settings), model)
    settle()
    assert converted.read_bytes() == whole


@pytest.mark.parametrize("start", [0.1, 0.4, 0.8])
def test_flipped_bytes_in_a_pickle_are_an_error(tmp_path: Path, settings: Settings, start: float) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    flip(path, 100, start)
    with pytest.raises(CheckpointError, match=r"x\.pt is (damaged|truncated)"):
        load_psp(path, settings=settings)
    with pytest.raises(CheckpointError, match=r"x\.pt is (damaged|truncated)"):
        open_generator(path, settings)


def test_a_pickle_without_checksums_is_believed(tmp_path: Path, settings: Settings) -> None:
    model = make()
    torch.serialization.set_crc32_options(False)
    try:
        path = save_pt(tmp_path / "x.pt", official(model))
    finally:
        torch.serialization.set_crc32_options(True)
    assert_same(load_psp(path, settings=settings), model)


def test_a_seal_is_checked_once_as_long_as_the_file_does_not_change(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.safetensors"
    save_psp(make(), path)
    hashed: list[Path] = []
    monkeypatch.setattr(hashes, "hash_sealed", lambda path: hashed.append(path) or hash_sealed(path))
    for _ in range(3):
        load_psp(path, settings=settings)
    assert hashed == [path]


def test_a_damaged_state_of_a_run_is_an_error(tmp_path: Path) -> None:
    model = torch.nn.Linear(8, 8)
    state = RunState("test", model, None, torch.optim.Adam(model.parameters()))
    path = tmp_path / "last.safetensors"
    save_state(path, state, Position(1, 2, 3.0))
    assert load_state(path, state)[0] == Position(1, 2, 3.0)
    flip(path, 4, 0.9)
    with pytest.raises(CheckpointError, match=r"last\.safetensors is damaged"):
        load_state(path, state)


def test_where_nothing_can_be_kept_files_are_checked_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = Settings(cache_dir=tmp_path / "file", offline=True)
    path = tmp_path / "mine.safetensors"
    save_psp(make(), path)
    with caplog.at_level(logging.WARNING):
        load_psp(path, settings=settings)
    flip(path)
    with pytest.raises(CheckpointError, match="damaged"):
        load_psp(path, settings=settings)

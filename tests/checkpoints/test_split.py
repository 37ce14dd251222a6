"""Models in several files: how they are split, read as one, and what is told of parts that are not right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from psp.checkpoints import load_psp, load_tensors, open_generator, read_metadata, save_psp, save_tensors
from psp.checkpoints.generators import save_generator
from psp.checkpoints.siblings import all_siblings
from psp.config import Settings
from psp.errors import CheckpointError
from tests.checkpoints.samples import assert_same, make

LARGEST = 20_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model in several files, its generator in some of its own."""
    model, path = make().half().float(), tmp_path / "m.safetensors"
    save_generator(tmp_path / "g.safetensors", model.decoder, model.latent_avg, {}, largest=LARGEST)
    save_psp(model, path, decoder_file="g.safetensors", largest=LARGEST)
    return path


def parts(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(read_metadata(path)["parts"])
    return found


def test_a_model_in_parts_is_the_model(path: Path, settings: Settings) -> None:
    files = [path, *all_siblings(path)]
    assert set(files) == set(path.parent.glob("*.safetensors")) and len(files) > 4
    largest = max(value.numel() * 2 for value in load_psp(path, settings=settings).state_dict().values())
    for file in files:
        tensors = load_tensors(file)[0].values()
        assert sum(value.numel() * value.element_size() for value in tensors) <= max(LARGEST, largest)
    assert_same(load_psp(path, settings=settings), make().half().float())
    assert open_generator(path.with_name("g.safetensors"), settings).w_avg.shape[0] > 1
    assert "latent_avg" not in {
        name for file in [path, *path.parent.glob("m.part*")] for name in load_tensors(file)[0]
    }


def test_the_same_model_gives_the_same_files(path: Path, settings: Settings, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in tmp_path.glob("m*.safetensors")}
    save_psp(load_psp(path, settings=settings), path, decoder_file="g.safetensors", largest=LARGEST)
    assert {file.name: file.read_bytes() for file in tmp_path.glob("m*.safetensors")} == before


@pytest.mark.parametrize("which", ["m", "g"])
def test_a_missing_or_another_part_is_told(path: Path, settings: Settings, which: str) -> None:
    part = path.with_name(f"{which}.part2.safetensors")
    data = part.read_bytes()
    part.unlink()
    with pytest.raises(CheckpointError, match=rf"needs {which}\.part2\.safetensors, which is not beside it"):
        load_psp(path, settings=settings)
    save_tensors(part, {"x": torch.ones(2)})
    with pytest.raises(CheckpointError, match=rf"{which}\.part2\.safetensors is not the part"):
        load_psp(path, settings=settings)
    part.write_bytes(data)
    load_psp(path, settings=settings)


@pytest.mark.parametrize(
    "told", ["[]", "{}", "[1]", "no", '{"a": 1}', json.dumps({f"p{i}": "0" for i in range(65)}), "[" * 9999]
)
def test_parts_that_make_no_sense_are_told(path: Path, settings: Settings, told: str) -> None:
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | {"parts": told})
    with pytest.raises(CheckpointError, match="does not say which files are its parts"):
        load_psp(path, settings=settings)


@pytest.mark.parametrize("name", ["../g.safetensors", "/etc/passwd", "a/b", ""])
def test_a_part_lies_in_the_same_folder(path: Path, settings: Settings, name: str) -> None:
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | {"parts": json.dumps({name: "0" * 64})})
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_psp(path, settings=settings)


def test_no_tensor_stands_in_two_parts(path: Path, settings: Settings) -> None:
    part = path.with_name("m.part2.safetensors")
    twice = next(iter(load_tensors(part)[0].items()))
    tensors, metadata = load_tensors(path)
    save_tensors(path, dict([*tensors.items(), twice]), metadata)
    with pytest.raises(CheckpointError, match=r"Two parts of m\.safetensors hold"):
        load_psp(path, settings=settings)

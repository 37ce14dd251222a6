"""A model's file that is replaced, written over or deleted while a pipeline runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import load_tensors, save_psp
from psp.config import Settings
from psp.errors import CheckpointError
from psp.inference.job import Job
from psp.inference.pipeline import Result
from tests.compact import compact_model


@pytest.fixture
def square() -> Image.Image:
    return Image.effect_noise((64, 64), 60).convert("RGB")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A model whose tensors are stored as they are in memory, so that they could map the file."""
    path = tmp_path / "models" / "encode.safetensors"
    save_psp(compact_model(seed=1), path, precision="float32")
    return path


@pytest.fixture
def pipe(mine: Path, tmp_path: Path) -> PspPipeline:
    return PspPipeline.from_pretrained(mine, Settings(device="cpu", cache_dir=tmp_path / "cache"))


def made(pipe: PspPipeline, square: Image.Image) -> Result:
    return pipe.encode(square, align=False)


def afresh(mine: Path, square: Image.Image, tmp_path: Path) -> Result:
    settings = Settings(device="cpu", cache_dir=tmp_path / "another cache")
    return made(PspPipeline.from_pretrained(mine, settings), square)


def other_model(tmp_path: Path) -> bytes:
    path = tmp_path / "other.safetensors"
    save_psp(compact_model(seed=2), path, precision="float32")
    return path.read_bytes()


def test_a_replaced_file_is_noticed_and_one_that_is_not_is_loaded_once(
    pipe: PspPipeline, mine: Path, square: Image.Image, tmp_path: Path
) -> None:
    before = made(pipe, square)
    loaded = pipe.network.load("auto", "encode")
    assert pipe.network.load("auto", "encode") is loaded
    save_psp(compact_model(seed=2), mine, precision="float32")
    after = made(pipe, square)
    assert after.png() != before.png()
    assert after.png() == afresh(mine, square, tmp_path).png()
    assert after.recipe.model_sha256 != before.recipe.model_sha256
    assert pipe.network.loaded_count == 1


def test_a_file_that_is_written_over_does_not_end_the_process(
    pipe: PspPipeline, mine: Path, square: Image.Image, tmp_path: Path
) -> None:
    """``cp new old`` cuts the file first: reading weights that map it would be a bus error."""
    made(pipe, square)
    new = other_model(tmp_path)
    loaded = pipe.network.load("auto", "encode").psp
    with mine.open("r+b") as file:
        file.truncate(0)
        sum(float(value.sum()) for value in loaded.state_dict().values())  # every page
        file.write(new[: len(new) // 2])
        file.flush()
        with pytest.raises(CheckpointError, match=r"encode\.safetensors is truncated"):
            made(pipe, square)
        file.write(new[len(new) // 2 :])
    assert made(pipe, square).png() == afresh(mine, square, tmp_path).png()


def test_a_deleted_file_leaves_the_model_that_is_loaded(
    pipe: PspPipeline, mine: Path, square: Image.Image, tmp_path: Path
) -> None:
    before, new = made(pipe, square), other_model(tmp_path)
    mine.unlink()
    assert made(pipe, square).png() == before.png()
    mine.write_bytes(new)
    assert made(pipe, square).png() != before.png()


def test_a_replaced_generator_beside_it_is_noticed(
    pipe: PspPipeline, mine: Path, square: Image.Image
) -> None:
    mine.unlink()
    save_psp(compact_model(seed=3), mine, decoder_file="generator.safetensors")
    made(pipe, square)
    generator = mine.with_name("generator.safetensors")
    generator.write_bytes(generator.read_bytes()[:-4] + b"abcd")
    with pytest.raises(CheckpointError, match=r"generator\.safetensors is not the generator"):
        made(pipe, square)


def test_a_request_keeps_the_model_that_it_began_with(
    pipe: PspPipeline, mine: Path, square: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made(pipe, square)
    tell = Job.tell

    def replace_first(job: Job, words: str) -> None:
        save_psp(compact_model(seed=2), mine, precision="float32")
        tell(job, words)

    monkeypatch.setattr(Job, "tell", replace_first)
    during = made(pipe, square)
    assert during.png() == before.png()  # the recipe in it, with the hash of the file, too
    assert made(pipe, square).png() != before.png()


def test_tensors_in_memory_are_those_that_map_the_file(mine: Path, tmp_path: Path) -> None:
    mapped, read = load_tensors(mine)[0], load_tensors(mine, mapped=False)[0]
    assert mapped.keys() == read.keys()
    assert all(value.equal(read[name]) and value.dtype == read[name].dtype for name, value in mapped.items())
    half = tmp_path / "half.safetensors"
    save_psp(compact_model(), half, precision="int8")
    for name, value in load_tensors(half)[0].items():
        assert value.equal(load_tensors(half, mapped=False)[0][name])

"""Models that build on another file: only what differs is stored, and nothing but the right file will do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from psp.checkpoints import Precision, load_psp, load_tensors, read_info, save_psp, save_tensors
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import config_to_json
from psp.models.psp import PSP
from tests.checkpoints.samples import COMPACT, TINY, assert_same, make

BASE = "encode.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a base in 8 bits, whose generator is in a file of its own."""
    save_psp(make(), tmp_path / BASE, precision="int8", decoder_file="generator.safetensors")
    return tmp_path


def tuned(folder: Path, settings: Settings) -> PSP:
    """The base with another first layer and average: a model for drawings."""
    start = load_psp(folder / BASE, settings=settings)
    model = PSP(dataclasses.replace(TINY, encoder=dataclasses.replace(TINY.encoder, in_channels=1))).eval()
    state = start.state_dict()
    state["encoder.input_layer.0.weight"] = model.state_dict()["encoder.input_layer.0.weight"]
    state["latent_avg"] = state["latent_avg"] + 0.25
    state["encoder.input_layer.1.num_batches_tracked"] = torch.tensor(7)
    model.load_state_dict(state)
    return model


@pytest.mark.parametrize("precision", ["float32", "half", "int8"])
def test_only_what_differs_is_stored(folder: Path, settings: Settings, precision: Precision) -> None:
    model = tuned(folder, settings)
    path = folder / "sketch.safetensors"
    save_psp(model, path, precision=precision, base=BASE, info={"task": "sketch"})
    assert set(load_tensors(path)[0]) == {
        "encoder.input_layer.0.weight",
        "encoder.input_layer.1.num_batches_tracked",
        "latent_avg",
    }
    assert (read_info(path)["base"], read_info(path)["task"]) == (BASE, "sketch")
    loaded = load_psp(path, settings=settings)
    assert loaded.config == model.config
    if precision == "float32":
        assert_same(loaded, model)
    else:
        assert torch.equal(loaded.latent_avg, model.latent_avg.half().float())
        assert torch.equal(loaded.decoder.convs[0].conv.weight, model.decoder.convs[0].conv.weight)
    first = path.read_bytes()
    for again in (model, loaded):
        save_psp(again, path, precision=precision, base=BASE, info={"task": "sketch"})
        assert path.read_bytes() == first


def test_what_becomes_equal_by_storing_is_left_out_too(folder: Path, settings: Settings) -> None:
    path = folder / "m.safetensors"
    save_psp(make(), path, precision="int8", base=BASE)  # the weights before they were made 8 bits
    assert not load_tensors(path)[0]
    assert_same(load_psp(path, settings=settings), load_psp(folder / BASE, settings=settings))


def test_a_zero_of_another_sign_is_another_number(tmp_path: Path, settings: Settings) -> None:
    model = make()
    model.latent_avg.zero_()
    save_psp(model, tmp_path / BASE)
    model.latent_avg.mul_(-1)
    save_psp(model, tmp_path / "m.safetensors", base=BASE)
    assert set(load_tensors(tmp_path / "m.safetensors")[0]) == {"latent_avg"}
    assert load_psp(tmp_path / "m.safetensors", settings=settings).latent_avg.signbit().all()


def test_a_model_with_more_tensors_than_its_base(tmp_path: Path, settings: Settings) -> None:
    smaller = dataclasses.replace(COMPACT, generator=dataclasses.replace(COMPACT.generator, n_mlp=2))
    save_psp(make(COMPACT), tmp_path / BASE)
    model = make(smaller).half().float()
    save_psp(model, tmp_path / "m.safetensors", base=BASE)
    assert any(key.startswith("decoder.style.") for key in load_tensors(tmp_path / "m.safetensors")[0])
    assert_same(load_psp(tmp_path / "m.safetensors", settings=settings), model)


def test_a_base_may_have_more_than_the_model(tmp_path: Path, settings: Settings) -> None:
    larger = dataclasses.replace(COMPACT, generator=dataclasses.replace(COMPACT.generator, n_mlp=2))
    save_psp(make(larger), tmp_path / BASE)
    model = make(COMPACT).half().float()
    save_psp(model, tmp_path / "m.safetensors", base=BASE)
    assert_same(load_psp(tmp_path / "m.safetensors", settings=settings), model)


def test_a_tuned_generator_is_stored_as_what_has_changed(folder: Path, settings: Settings) -> None:
    base, model = load_psp(folder / BASE, settings=settings), load_psp(folder / BASE, settings=settings)
    name = next(key for key, value in model.decoder.state_dict().items() if value.numel() > 2000)
    draw = torch.Generator().manual_seed(0)
    tuned = model.decoder.state_dict()[name]
    tuned += 1e-3 * torch.randn(tuned.shape, generator=draw)
    paths = [folder / "tuned.safetensors", folder / "again.safetensors"]
    save_psp(model, paths[0], precision="int8", base=BASE)
    stored = set(load_tensors(paths[0])[0])
    assert stored == {f"decoder.{name}.change", f"decoder.{name}.change.scale"}
    loaded = load_psp(paths[0], settings=settings)
    was, now = base.decoder.state_dict()[name], loaded.decoder.state_dict()[name]
    assert (now - tuned).abs().max() < 0.02 * (tuned - was).abs().max()  # the whole in 8 bits is 20 times off
    save_psp(loaded, paths[1], precision="int8", base=BASE)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_change_of_what_is_not_there_is_told(folder: Path, settings: Settings) -> None:
    path = folder / "m.safetensors"
    save_psp(tuned(folder, settings), path, base=BASE)
    tensors, metadata = load_tensors(path)
    save_tensors(path, {**tensors, "decoder.nothing.change": torch.ones(3)}, metadata)
    with pytest.raises(
        CheckpointError, match=r"m\.safetensors changes decoder\.nothing, which its base has not"
    ):
        load_psp(path, settings=settings)


def test_what_cannot_be_a_base_is_refused_when_saving(folder: Path, settings: Settings) -> None:
    model, path = make(), folder / "m.safetensors"
    with pytest.raises(CheckpointError, match=r"m\.safetensors needs gone\.safetensors, which is not beside"):
        save_psp(model, path, base="gone.safetensors")
    with pytest.raises(CheckpointError, match="outside its folder"):
        save_psp(model, path, base=f"../{folder.name}/{BASE}")
    with pytest.raises(CheckpointError, match=r"generator\.safetensors .* not a model of the studio"):
        save_psp(model, path, base="generator.safetensors")
    assert not path.exists()
    save_psp(model, path, base=BASE)
    with pytest.raises(CheckpointError, match=r"m\.safetensors cannot be the base of n\.safetensors.*itself"):
        save_psp(model, folder / "n.safetensors", base=path.name)
    with pytest.raises(AssertionError):
        save_psp(model, path, base=BASE, decoder_file="generator.safetensors")
    with pytest.raises(AssertionError):
        save_psp(model, path, base=path.name)


def test_nothing_but_the_right_base_will_do(folder: Path, settings: Settings) -> None:
    path = folder / "m.safetensors"
    save_psp(tuned(folder, settings), path, base=BASE)
    whole = (folder / BASE).read_bytes()
    save_psp(make(seed=2), folder / BASE)
    with pytest.raises(
        CheckpointError, match=r"encode\.safetensors is not the base that m\.safetensors needs"
    ):
        load_psp(path, settings=settings)
    (folder / BASE).unlink()
    with pytest.raises(
        CheckpointError, match=r"m\.safetensors needs encode\.safetensors, which is not beside"
    ):
        load_psp(path, settings=settings)
    (folder / BASE).write_bytes(whole)
    load_psp(path, settings=settings)
    (folder / "generator.safetensors").unlink()  # the base's own
    with pytest.raises(CheckpointError, match=r"encode\.safetensors needs generator\.safetensors"):
        load_psp(path, settings=settings)


def test_bases_of_made_up_files(folder: Path, settings: Settings) -> None:
    path = folder / "m.safetensors"
    metadata = {"format": "psp-studio/1", "config": config_to_json(TINY)}
    own = {"latent_avg": torch.zeros(6, 32)}
    save_tensors(path, own, metadata | {"base": "../encode.safetensors"})
    with pytest.raises(CheckpointError, match="names a base outside its folder"):
        load_psp(path, settings=settings)
    save_tensors(path, own, metadata | {"base": path.name})
    with pytest.raises(CheckpointError, match="has a base itself"):
        load_psp(path, settings=settings)
    save_tensors(path, own | {"encoder.other": torch.zeros(3)}, metadata | {"base": BASE})
    with pytest.raises(CheckpointError, match=r"unexpected encoder\.other"):
        load_psp(path, settings=settings)
    save_tensors(path, {"latent_avg": torch.zeros(5, 32)}, metadata | {"base": BASE})
    with pytest.raises(CheckpointError, match=r"latent_avg is \[5, 32\]"):
        load_psp(path, settings=settings)

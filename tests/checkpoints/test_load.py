"""Models saved and loaded: files of our own format, and official ones, which are converted once."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from psp.checkpoints import (
    Precision,
    file_sha256,
    hashes,
    is_pickle,
    load_psp,
    load_tensors,
    read_info,
    save_psp,
    save_tensors,
)
from psp.checkpoints import convert as converting
from psp.checkpoints import load as loading
from psp.checkpoints.hashes import warn_unwritable
from psp.checkpoints.tensors import hash_sealed
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import config_to_json
from psp.models.psp import PSPConfig
from tests.checkpoints.samples import COMPACT, TINY, assert_same, make, official, save_pt, settle
from tests.full_disk import full_disk
from tests.official import CASES

ROOT = Path(__file__).parents[2]

# --- our own format ---


@pytest.mark.parametrize("precision", ["half", "float32"])
@pytest.mark.parametrize("config", [TINY, COMPACT])
def test_save_and_load(tmp_path: Path, settings: Settings, config: PSPConfig, precision: Precision) -> None:
    model = make(config)
    path = tmp_path / "deep" / "m.safetensors"
    save_psp(model, path, precision=precision, info={"task": "encode"})
    loaded = load_psp(path, settings=settings)
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert_same(loaded, model.half().float() if precision == "half" else model)
    assert read_info(path)["task"] == "encode"
    assert list(path.parent.iterdir()) == [path]
    assert (
        load_psp(path, settings=settings, dtype=torch.float64).encoder.input_layer[0].weight.dtype
        == torch.float64
    )


def test_saves_are_deterministic(tmp_path: Path) -> None:
    model = make()
    for name in ("a", "b"):
        save_psp(model, tmp_path / name, info={"step": "3", "task": "encode", "licence": "CC0"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_weights_beyond_half_precision_are_kept(tmp_path: Path, settings: Settings) -> None:
    model = make()
    model.latent_avg[0, 0] = 1e6
    save_psp(model, tmp_path / "m.safetensors")
    assert load_psp(tmp_path / "m.safetensors", settings=settings).latent_avg[0, 0] == 1e6


def test_models_can_share_a_generator(tmp_path: Path, settings: Settings) -> None:
    first, second = make(seed=1), make(seed=2)
    second.decoder.load_state_dict(first.decoder.state_dict())
    for name, model in (("a", first), ("b", second)):
        path = tmp_path / f"{name}.safetensors"
        save_psp(model, path, precision="float32", decoder_file="generator.safetensors")
    assert_same(load_psp(tmp_path / "a.safetensors", settings=settings), first)
    assert_same(load_psp(tmp_path / "b.safetensors", settings=settings), second)
    assert not any(key.startswith("decoder.") for key in load_tensors(tmp_path / "a.safetensors")[0])

    with pytest.raises(CheckpointError, match="holds another generator"):
        save_psp(make(seed=3), tmp_path / "c.safetensors", decoder_file="generator.safetensors")
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == [
        "a.safetensors",
        "b.safetensors",
        "generator.safetensors",
    ]
    save_psp(make(seed=3), tmp_path / "other.safetensors", decoder_file="g3.safetensors")
    (tmp_path / "g3.safetensors").replace(tmp_path / "generator.safetensors")
    with pytest.raises(CheckpointError, match=r"not the generator that a\.safetensors needs"):
        load_psp(tmp_path / "a.safetensors", settings=settings)
    (tmp_path / "generator.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"needs generator\.safetensors"):
        load_psp(tmp_path / "a.safetensors", settings=settings)


def test_a_generator_outside_the_folder_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "m.safetensors"
    metadata = {"format": "psp-studio/1", "config": config_to_json(TINY), "decoder": "../x.safetensors"}
    save_tensors(path, {"latent_avg": torch.zeros(6, 32)}, metadata)
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_psp(path, settings=settings)


def test_tensors_round_trip_as_the_library_reads_them(tmp_path: Path) -> None:
    tensors = {
        "a": torch.arange(6).reshape(2, 3).t(),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "half": torch.ones(3, dtype=torch.float16),
        "brain": torch.ones(3, dtype=torch.bfloat16),
        "flags": torch.tensor([True, False]),
        "ä": torch.zeros(1, dtype=torch.uint8),
    }
    save_tensors(tmp_path / "t.safetensors", tensors, {"note": "ü"})
    loaded, metadata = load_tensors(tmp_path / "t.safetensors")
    assert metadata == {"note": "ü"}
    assert set(loaded) == set(tensors)
    for key, value in tensors.items():
        assert loaded[key].dtype == value.dtype
        assert torch.equal(loaded[key], value)


def test_no_file_of_ours_looks_like_a_pickle(tmp_path: Path) -> None:
    for length in range(0, 1024, 8):  # that of the header, which is how a file starts
        save_tensors(tmp_path / "t", {"a": torch.zeros(3)}, {"note": "-" * length})
        assert not is_pickle(tmp_path / "t"), length


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_tensors(path, {"a": torch.zeros(3)})
    before = path.read_bytes()
    with pytest.raises(NotImplementedError):  # the second tensor has no data to write
        save_tensors(path, {"a": torch.ones(3), "b": torch.empty(2, device="meta")})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- official files ---


def test_an_official_file_is_converted_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make()
    path = save_pt(tmp_path / "x.pt", official(model, output_size=16))
    assert_same(load_psp(path, settings=settings), model)
    (converted,) = (settings.cache_dir / "converted").iterdir()
    assert file_sha256(path)[:16] in converted.name
    assert load_tensors(converted)[0]["latent_avg"].dtype == torch.float32

    def never(path: Path) -> object:
        raise AssertionError("the original was opened again")

    with monkeypatch.context() as patch:
        patch.setattr(converting, "open_official", never)
        patch.setattr(loading, "open_official", never)
        assert_same(load_psp(path, settings=settings), model)
    converted.write_bytes(converted.read_bytes()[:-5])  # a damaged conversion is made again
    assert_same(load_psp(path, settings=settings), model)
    other = make(seed=2)
    save_pt(
        path, official(other, output_size=16)
    )  # another file of the same name and size is not taken for it
    assert_same(load_psp(path, settings=settings), other)


def test_a_conversion_is_sealed_while_the_model_works_already(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    first = load_psp(path, settings=settings)
    settle()
    (converted,) = (settings.cache_dir / "converted").iterdir()
    assert read_info(converted)["seal_sha256"] == hash_sealed(converted)

    def never(path: Path) -> str:
        raise AssertionError(f"{path} was hashed again")

    monkeypatch.setattr(hashes, "hash_sealed", never)
    monkeypatch.setattr(hashes, "hash_file", never)
    assert_same(load_psp(path, settings=settings), first)


def test_a_conversion_that_was_never_sealed_is_made_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    with monkeypatch.context() as patch:
        patch.setattr(converting, "_settle", lambda *_: None)  # as after a crash of the machine
        load_psp(path, settings=settings)
    (converted,) = (settings.cache_dir / "converted").iterdir()
    data = converted.read_bytes()
    converted.write_bytes(data[:-64] + bytes(64))
    assert_same(load_psp(path, settings=settings), make())
    settle()
    assert converted.read_bytes()[-64:] == data[-64:]
    assert read_info(converted)["seal_sha256"] == hash_sealed(converted)


def test_a_disk_that_fills_up_costs_the_conversion_alone(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    with full_disk(2000):
        assert_same(load_psp(path, settings=settings), make())
    assert not list((settings.cache_dir / "converted").iterdir())


def test_without_a_cache_the_file_is_loaded_directly(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    warn_unwritable.cache_clear()
    (tmp_path / "file").write_text("not a folder")
    settings = dataclasses.replace(settings, cache_dir=tmp_path / "file" / "cache")
    path = save_pt(tmp_path / "x.pt", official(make()))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert_same(load_psp(path, settings=settings), make())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "PSP_CACHE_DIR" in caplog.text


def test_options_may_be_a_namespace_or_missing(tmp_path: Path, settings: Settings) -> None:
    content = official(make())
    content["opts"] = argparse.Namespace(encoder_type="Encoder4Editing", stylegan_size=16)
    loaded = load_psp(save_pt(tmp_path / "e4e.pt", content), settings=settings)
    assert loaded.config == dataclasses.replace(TINY, encoder=dataclasses.replace(TINY.encoder, kind="e4e"))
    del content["opts"]
    assert load_psp(save_pt(tmp_path / "old.pt", content), settings=settings).config == TINY


def test_an_encoder_of_whole_codes_gets_no_average(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make(), start_from_latent_avg=False))
    assert not load_psp(path, settings=settings).latent_avg.any()


def test_files_of_old_torch_are_read(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()), _use_new_zipfile_serialization=False)
    assert_same(load_psp(path, settings=settings), make())


@pytest.mark.parametrize("shape", [(32,), (1, 32), (6, 32), (1, 6, 32)])
def test_the_average_is_brought_to_its_shape(
    tmp_path: Path, settings: Settings, shape: tuple[int, ...]
) -> None:
    content = official(make())
    content["latent_avg"] = torch.randn(shape)
    loaded = load_psp(save_pt(tmp_path / "x.pt", content), settings=settings)
    assert torch.equal(loaded.latent_avg, content["latent_avg"].reshape(-1, 32).expand(6, 32))


@pytest.mark.slow
def test_the_official_numbers_through_a_file(roomy: Path, settings: Settings) -> None:
    check_golden("w_256", roomy, settings)
    # In a fresh process, what a load costs in memory, conversion included.
    again = dataclasses.replace(settings, cache_dir=roomy / "other")
    assert peak_mb(roomy / "w_256.pt", again) < 1.6 * (roomy / "w_256.pt").stat().st_size / 1e6


@pytest.mark.slow
def test_the_official_numbers_through_a_large_file(roomy: Path, settings: Settings) -> None:
    check_golden("sketch_256", roomy, settings)
    again = dataclasses.replace(settings, cache_dir=roomy / "other")
    copy_mb = (roomy / "sketch_256.pt").stat().st_size / 1e6
    for _ in range(2):
        assert peak_mb(roomy / "sketch_256.pt", again) < 1.3 * copy_mb


def check_golden(name: str, folder: Path, settings: Settings) -> None:
    case = CASES[name]
    path = save_pt(folder / f"{name}.pt", case.checkpoint())
    first, second = load_psp(path, settings=settings), load_psp(path, settings=settings)
    assert_same(first, second)  # the first was converted, the second found the conversion
    with torch.inference_mode():
        codes = second.encode(case.images()).numpy()
    golden = case.golden()["codes"]
    assert np.abs(codes - golden).max() <= 1e-4 * np.abs(golden).max()


def peak_mb(path: Path, settings: Settings) -> float:
    """The peak of memory of a load in a process of its own, all weights read, above that of its imports."""
    if not Path("/proc/self/status").exists():
        pytest.skip(
            "the peak is read from Linux's /proc (resource's figure is inherited from the parent process)"
        )
    code = f"""
import re
from pathlib import Path
import torch
from psp.checkpoints import load_psp
from psp.config import Settings
from tests.checkpoints.samples import make, official, save_pt
warm = save_pt(Path({str(path.parent / "warm.pt")!r}), official(make()))
load_psp(warm, settings=Settings(cache_dir=Path({str(settings.cache_dir)!r})))  # torch's own first use
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
before = peak()
model = load_psp(Path({str(path)!r}), settings=Settings(cache_dir=Path({str(settings.cache_dir)!r})))
sum(float(value.sum()) for value in model.state_dict().values())
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)

"""Every way in which a weight file can be bad is refused, in words that name the file and what to do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from psp.checkpoints import load_psp, save_psp, save_tensors
from psp.checkpoints.official import load_pickle
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import config_to_json
from tests.checkpoints.samples import COMPACT, TINY, make, official, save_pt


def refused(path: Path, settings: Settings) -> str:
    """The text of the refusal, which must name the file and no folder of the machine."""
    with pytest.raises(CheckpointError) as caught:
        load_psp(path, settings=settings)
    assert path.name in str(caught.value)
    assert str(path.parent) not in str(caught.value)
    assert caught.value.next_step
    assert not list((settings.cache_dir / "converted").glob("*"))
    return str(caught.value)


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.mkdir, (str(self.target),)


class Worse:
    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.system, ("true",)


@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_with_code_is_refused(tmp_path: Path, settings: Settings, new: bool) -> None:
    content = official(make()) | {"extra": Evil(tmp_path / "ran")}
    path = save_pt(tmp_path / "x.pt", content, _use_new_zipfile_serialization=new)
    assert re.search(r"wants to use (posix|nt|os)\.mkdir\b", refused(path, settings))
    assert not (tmp_path / "ran").exists()
    path = save_pt(tmp_path / "y.pt", {"extra": Worse()}, _use_new_zipfile_serialization=new)
    assert re.search(r"wants to use (posix|nt|os)\.system\b", refused(path, settings))


def test_files_that_are_no_checkpoints(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "x.pt"
    for content, told in (
        (b"", r"empty \(0 bytes\)"),
        (b"hello, this is a text file", "bytes 0 to 8 are b'hello, t'"),
        (b"hi", "truncated: 2 bytes"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x80\x02nonsense", "damaged"),
        (b"PK\x03\x04nonsense", "ends at byte 12"),
    ):
        path.write_bytes(content)
        assert re.search(told, refused(path, settings)), content


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_truncated_files(tmp_path: Path, settings: Settings, kept: float) -> None:
    path = save_pt(tmp_path / "x.pt", official(make()))
    size = int(path.stat().st_size * kept)
    path.write_bytes(path.read_bytes()[:size])
    assert f"truncated: it ends at byte {size}" in refused(path, settings)
    path = tmp_path / "x.safetensors"
    save_psp(make(), path)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: whole - 100])
    assert f"truncated: {whole - 100} bytes, but its header promises {whole}" in refused(path, settings)
    path.write_bytes(path.read_bytes()[:100])
    assert "the header alone takes" in refused(path, settings)


def test_a_damaged_header(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "x.safetensors"
    for text in (b"[1,2]   ", b'{"a":1} ', b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,0]}}'):
        path.write_bytes(len(text).to_bytes(8, "little") + text)
        refused(path, settings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("state_dict"), "no 'state_dict'; it holds latent_avg, opts"),
        (lambda c: c.update(latent_avg=torch.zeros(5, 32)), r"'latent_avg' of x.pt is \[5, 32\]; \[6, 32\]"),
        (lambda c: c.update(latent_avg="0"), "'latent_avg' of x.pt is str"),
        (lambda c: c.update(state_dict=[1]), "is a list"),
        (lambda c: c["state_dict"].update(x="y"), "'x' of x.pt is not a plain tensor"),
        (lambda c: c.update(state_dict={"conv.weight": torch.zeros(1)}), "decoder.noises.noise_"),
        (lambda c: c["state_dict"].pop("encoder.latlayer1.bias"), "missing encoder.latlayer1.bias"),
        (lambda c: c["state_dict"].update(x=torch.zeros(1)), "unexpected x"),
        (
            lambda c: c["state_dict"].update({"encoder.latlayer1.bias": torch.zeros(3)}),
            r"encoder.latlayer1.bias is \[3\], not \[32\]",
        ),
        (
            lambda c: c["state_dict"].update({"encoder.latlayer1.bias": torch.zeros(32, dtype=torch.int64)}),
            "encoder.latlayer1.bias is torch.int64",
        ),
        (lambda c: c["opts"].update(output_size=1024), "1024 px, but decoder.noises are those of 16 px"),
        (
            lambda c: c["opts"].update(encoder_type="BackboneEncoderUsingLastLayerIntoW"),
            "keys are of 'gradual'",
        ),
        (lambda c: c["opts"].update(encoder_type="Unheard"), "name an encoder 'Unheard'"),
    ],
)
def test_another_architecture(
    tmp_path: Path, settings: Settings, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    content = official(make())
    change(content)
    assert re.search(told, refused(save_pt(tmp_path / "x.pt", content), settings))


def test_our_own_format_with_other_content(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "x.safetensors"
    state = make().state_dict()
    save_tensors(path, {"codes": torch.zeros(6, 32)})
    assert "names no format" in refused(path, settings)
    save_tensors(path, state, {"format": "psp-studio/9"})
    assert "'psp-studio/9'" in refused(path, settings)
    save_tensors(path, state, {"format": "psp-studio/1"})
    assert "no 'config'" in refused(path, settings)
    save_tensors(path, state, {"format": "psp-studio/1", "config": config_to_json(COMPACT)})
    assert "another architecture: missing" in refused(path, settings) or "unexpected" in refused(
        path, settings
    )
    impossible = dataclasses.replace(TINY, encoder=dataclasses.replace(TINY.encoder, in_size=1))
    save_tensors(path, state, {"format": "psp-studio/1", "config": config_to_json(impossible)})
    assert "impossible config" in refused(path, settings)


def test_a_pickle_that_is_no_dictionary(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a list"):
        load_pickle(save_pt(tmp_path / "x.pt", [1, 2]))

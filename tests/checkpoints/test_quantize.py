"""Weights in 8 bits: how near they are, that a second time changes nothing, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from psp.checkpoints import load_psp, load_tensors, read_metadata, save_psp, save_tensors
from psp.checkpoints.quantize import from_int8, to_int8
from psp.config import Settings
from psp.errors import CheckpointError
from tests.checkpoints.samples import COMPACT, assert_same, make


def there_and_back(value: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    stored = to_int8({"x": value})
    return from_int8("f", stored)["x"], stored


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ((40, 30, 3, 3), 40),  # a convolution
        ((40, 30), 40),  # a linear layer
        ((1, 40, 30, 3, 3), 40),  # a modulated convolution
        ((1, 20, 8, 8), 20),  # a learned plane a channel
        ((1, 1, 32, 32), 32),  # one plane for all
        ((512, 1, 1, 4), 512),
    ],
)
def test_each_row_is_off_by_half_a_step_at_most(shape: tuple[int, ...], rows: int) -> None:
    value = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    by_row = value.view(rows, -1)
    by_row.mul_(torch.logspace(-2, 4, rows)[:, None])
    restored, stored = there_and_back(value)
    assert stored["x"].dtype == torch.int8
    assert stored["x"].shape == value.shape
    assert (stored["x.scale"].dtype, stored["x.scale"].shape) == (torch.float16, (rows,))
    assert (stored["x"].view(rows, -1).abs().amax(dim=1) == 127).all()  # and nothing is clipped:
    step = by_row.abs().amax(dim=1, keepdim=True) / 127
    assert ((restored.view(rows, -1) - by_row).abs() <= step * 0.57).all()  # 127 · 2^-11 from the scale


def test_pieces_of_rows_have_scales_of_their_own() -> None:
    value = torch.randn(40, 64, generator=torch.Generator().manual_seed(0))
    value[:, 16:32] *= 100
    stored = to_int8({"x": value}, piece=16)
    assert stored["x.scale"].shape == (40, 4)
    restored = from_int8("f", stored)["x"]
    assert (restored - value)[:, :16].abs().max() < 0.02
    assert (from_int8("f", to_int8({"x": value}))["x"] - value)[:, :16].abs().max() > 0.5
    again = to_int8({"x": restored}, piece=16)
    assert all(torch.equal(again[name], part) for name, part in stored.items())
    assert to_int8({"x": value}, piece=48)["x.scale"].shape == (40,)  # no multiple: one for the row


@pytest.mark.parametrize("pieces", [3, 65])
def test_pieces_that_do_not_fit_are_named(pieces: int) -> None:
    stored = to_int8({"x": torch.randn(40, 64)}) | {"x.scale": torch.ones(40, pieces).half()}
    with pytest.raises(CheckpointError, match=rf"\[40, {pieces}\], which does not fit"):
        from_int8("f", stored)


def test_small_flat_and_whole_numbers_are_as_in_half_precision() -> None:
    tensors = {
        "few": torch.randn(31, 33),
        "flat": torch.randn(1, 5000, 1),
        "count": torch.arange(2000).view(2, 1000),
        "huge": torch.full((40, 40), 1e6),
        "nan": torch.full((40, 40), torch.nan),
        "empty": torch.zeros(0, 5),
    }
    stored = to_int8(tensors)
    assert {name: value.dtype for name, value in stored.items()} == {
        "few": torch.float16,
        "flat": torch.float16,
        "count": torch.int64,
        "huge": torch.float32,
        "nan": torch.float16,
        "empty": torch.float32,
    }


@pytest.mark.parametrize("exponent", [*range(-30, 15, 3), 15.98, 15.99, 16])
def test_a_second_time_changes_nothing(exponent: float) -> None:
    value = torch.empty(3000, 40).uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    value *= 2.0**exponent * torch.linspace(0.98, 2.02, 3000)[:, None]  # crosses where scales are rounded
    restored, stored = there_and_back(value.clamp(-80_000, 80_000))
    again = to_int8({"x": restored})
    assert again.keys() == stored.keys()
    for name, part in stored.items():
        assert again[name].dtype == part.dtype
        assert torch.equal(again[name], part)


def test_rows_of_zeros_and_of_next_to_nothing() -> None:
    value = torch.randn(4, 500)
    value[1] = 0.0
    value[2] *= 1e-9
    value[3] *= 1e-4
    restored, stored = there_and_back(value)
    assert stored["x.scale"][1:].tolist() == [0.0, 0.0, 2.0**-17]
    assert not restored[1:3].any()
    assert (restored[3] - value[3]).abs().max() <= 2.0**-18


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.pop("x.scale"), "x of f is int8 and has no x.scale"),
        (lambda t: t.pop("x"), "x.scale of f scales no int8 tensor"),
        (lambda t: t.update({"x": t["x"].float()}), "x.scale of f scales no int8 tensor"),
        (lambda t: t.update({"x.scale": t["x.scale"][1:]}), r"torch.float16 \[39\], .* int8 \[40, 40\]"),
        (lambda t: t.update({"x.scale": t["x.scale"].float()}), "x.scale of f is torch.float32"),
        (lambda t: t.update({"x": t["x"][0, 0]}), r"does not fit int8 \[\]"),
        (lambda t: t.update({"x": t["x"][:0]}), r"does not fit int8 \[0, 40\]"),
    ],
)
def test_what_does_not_fit_is_named(change: Callable[[dict[str, Tensor]], object], told: str) -> None:
    stored = to_int8({"x": torch.randn(40, 40)})
    change(stored)
    with pytest.raises(CheckpointError, match=told):
        from_int8("f", stored)


def test_a_model_in_8_bits(tmp_path: Path, settings: Settings) -> None:
    model, paths = make(COMPACT), [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for path in paths:
        save_psp(model, path, precision="int8")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    save_psp(model, tmp_path / "half.safetensors")
    assert paths[0].stat().st_size < 0.75 * (tmp_path / "half.safetensors").stat().st_size
    loaded = load_psp(paths[0], settings=settings)
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert (loaded.encode(images) - model.encode(images)).abs().max() < 0.05
    save_psp(loaded, paths[1], precision="int8")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_generator_in_8_bits_is_shared(tmp_path: Path, settings: Settings) -> None:
    for name in ("a", "b"):
        save_psp(make(), tmp_path / f"{name}.safetensors", precision="int8", decoder_file="g.safetensors")
    assert any(value.dtype == torch.int8 for value in load_tensors(tmp_path / "g.safetensors")[0].values())
    save_psp(make(), tmp_path / "whole.safetensors", precision="int8")
    assert_same(*(load_psp(tmp_path / f"{name}.safetensors", settings=settings) for name in ("a", "whole")))


def test_a_file_whose_scale_is_gone(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "m.safetensors"
    save_psp(make(), path, precision="int8")
    stored, _ = load_tensors(path)
    name = next(name for name in stored if name.endswith(".scale"))
    left = {key: value.clone() for key, value in stored.items() if key != name}
    save_tensors(path, left, read_metadata(path))
    with pytest.raises(CheckpointError, match=rf"of m\.safetensors is int8 and has no {name}"):
        load_psp(path, settings=settings)

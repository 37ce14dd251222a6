"""Weights in fewer bits: 8 with one scale a row or a piece of it, or half precision, and back.

A row w of a matrix is kept as integers q and one scale s, both chosen so that no number is clipped:
s = max|w| / 127 and q = round(w / s), hence |w − s·q| ≤ s / 2. Quantising s·q again gives q and s again.
Shorter pieces with a scale each are nearer: a generator's pictures need that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from psp.errors import CheckpointError

Precision = Literal["float32", "half", "int8"]
"""How floating weights are stored: as they are, in half precision, or in 8 bits (small tensors in half)."""

SCALE = ".scale"
_FEWEST = 1024  # numbers; below, scales and header would take what 8 bits save
_STEPS = 127
# Half precision thins out below 2^-14. From 2^-17 on a scale keeps 8 bits: it is off by 1/256 at most, so
# that the largest number of a row, less than half a step from 127, rounds to it. No scale is smaller.
_LEAST_SCALE = 2.0**-17
_LARGEST = 512 * _STEPS  # beyond, 127 rounded scales can leave the range of half precision
_HALF_MAX = torch.finfo(torch.float16).max


def to_int8(tensors: Mapping[str, Tensor], piece: int | None = None) -> dict[str, Tensor]:
    """Return ``tensors`` with the large ones as int8 beside their scales, the others in half precision.

    A floating tensor of 1024 numbers or more, with two axes or more longer than 1, becomes int8 and
    ``<name>.scale``, float16 [rows]: one scale for each index of its first axis longer than 1 (the output
    channels of a weight). Tensors with numbers near half precision's limit stay half, or as they are.

    Args:
        tensors: What is to be stored.
        piece: Numbers of a row that share a scale, then float16 [rows,pieces]; None: all. A row that is no
            multiple of it has one scale.
    """
    stored: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if _is_large(value) and value.abs().max().half() <= _LARGEST:  # never so for NaN
            stored[name], stored[name + SCALE] = _quantise(value, piece)
        else:
            stored[name] = to_half(value)
    return stored


def from_int8(file: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` with those that ``to_int8`` made int8 as float32, and all others as they are.

    Args:
        file: Name of the file that they come from, for errors.
        tensors: What was stored.

    Raises:
        CheckpointError: A tensor has no scale, or a scale no tensor, or they do not fit.
    """
    whole = {}
    for name, value in tensors.items():
        if value.dtype == torch.int8:
            whole[name] = _dequantise(file, name, value, tensors.get(name + SCALE))
        elif not name.endswith(SCALE):
            whole[name] = value
        elif (scaled := tensors.get(name.removesuffix(SCALE))) is None or scaled.dtype != torch.int8:
            raise _damaged(f"{name} of {file} scales no int8 tensor")
    return whole


def to_half(value: Tensor) -> Tensor:
    """Return ``value`` in half precision, unless it is no floating tensor or is beyond that range."""
    if not value.is_floating_point() or value.numel() == 0 or value.abs().max() > _HALF_MAX:
        return value
    return value.half()


def _is_large(value: Tensor) -> bool:
    axes = sum(length > 1 for length in value.shape)
    return value.is_floating_point() and value.numel() >= _FEWEST and axes >= 2


def _rows(value: Tensor) -> int:
    """Return the length of the first axis longer than 1: those before it have length 1."""
    return next((length for length in value.shape if length > 1), 1)


def _quantise(value: Tensor, piece: int | None) -> tuple[Tensor, Tensor]:
    rows = _rows(value)
    length = value.numel() // rows
    cut = piece is not None and length % piece == 0
    pieces = value.detach().float().cpu().reshape(rows, -1, piece if cut and piece else length)
    scale = (pieces.abs().amax(dim=2) / _STEPS).clamp(min=_LEAST_SCALE).half()
    # Divided, not multiplied by a reciprocal: (s·q) / s is exactly q.
    steps = (pieces / scale.float()[..., None]).round().clamp(-_STEPS, _STEPS)
    scale = scale.masked_fill((steps == 0).all(dim=2), 0.0)
    return steps.to(torch.int8).view(value.shape), scale if cut else scale[:, 0]


def _dequantise(file: str, name: str, value: Tensor, scale: Tensor | None) -> Tensor:
    if scale is None:
        raise _damaged(f"{name} of {file} is int8 and has no {name}{SCALE}")
    rows = _rows(value)
    pieces = scale.shape[1] if scale.dim() == 2 else 1
    fits = value.numel() > 0 and scale.shape in ((rows,), (rows, pieces)) and pieces > 0
    if scale.dtype != torch.float16 or not fits or value.numel() // rows % pieces:
        found = f"{scale.dtype} {list(scale.shape)}"
        raise _damaged(f"{name}{SCALE} of {file} is {found}, which does not fit int8 {list(value.shape)}")
    by_piece = scale.float().view(rows, pieces, 1)
    return value.reshape(rows, pieces, -1).float().mul_(by_piece).view(value.shape)


def _damaged(problem: str) -> CheckpointError:
    return CheckpointError(f"{problem}.", "Save the file again.")

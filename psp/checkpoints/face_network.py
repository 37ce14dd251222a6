"""Files of face networks: which network a file holds is read from its names, and nothing else is taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch

from psp.checkpoints.official import is_pickle, load_pickle
from psp.checkpoints.sound import require_sound
from psp.checkpoints.tensors import load_tensors
from psp.errors import CheckpointError
from psp.models.irse import ArcFace, CurricularFace, FaceNetwork

_Kind: TypeAlias = type[ArcFace] | type[CurricularFace]

_KNOWN: tuple[_Kind, ...] = (ArcFace, CurricularFace)
_TITLES = " or ".join(kind.title for kind in _KNOWN)
_NEXT = f"Give a state dict of {_TITLES}."


def load_face_network(path: Path) -> FaceNetwork:
    """Load ArcFace's IR-SE50 or CurricularFace's IR-101, whichever ``path`` holds, strictly.

    Args:
        path: A state dict with the names of the official pSp code, ``.pth`` or ``.safetensors``.

    Returns:
        The network on the CPU, in evaluation mode, without gradients.

    Raises:
        CheckpointError: The file is missing, damaged, unsafe, or holds anything else.
    """
    tensors = _named(load_pickle(path)) if is_pickle(path) else load_tensors(path)[0]
    kind = _kind(tensors)
    if kind is None:
        raise CheckpointError(f"{path.name} is neither {' nor '.join(k.title for k in _KNOWN)}.", _NEXT)
    with torch.device("meta"):
        network = kind()
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, AttributeError, TypeError) as error:  # the latter two: values that are no tensors
        raise CheckpointError(
            f"{path.name} looks like {kind.title}, but tensors are missing, foreign or of another shape.",
            _NEXT,
        ) from error
    require_sound(path.name, network.state_dict())
    return network.float().eval().requires_grad_(False)


def _named(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pickle holds, or its ``state_dict`` if it has one, without DataParallel's prefix."""
    state = content.get("state_dict", content)
    whole = state if isinstance(state, Mapping) else content
    return {str(key).removeprefix("module."): value for key, value in whole.items()}


def _kind(names: Collection[str]) -> _Kind | None:
    """Return the network whose residual units, with or without squeeze-and-excitation, ``names`` speak of."""
    found = _units(names)
    for kind in _KNOWN:
        with torch.device("meta"):
            if found == _units(kind().state_dict()):
                return kind
    return None


def _units(names: Collection[str]) -> tuple[int, bool]:
    """Return how many residual units there are, and whether they have squeeze-and-excitation."""
    parts = [str(name).split(".") for name in names]
    numbers = {part[1] for part in parts if part[0] == "body" and len(part) > 1}
    return len(numbers), any("fc1" in part for part in parts)

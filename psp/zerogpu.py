"""Hugging Face ZeroGPU: the one function that runs with a GPU lent for a few seconds.

Import this before torch touches CUDA: on a ZeroGPU Space the package ``spaces`` prepares torch. Elsewhere
it is not imported, and :func:`on_gpu` changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])

# A reservation, not a limit on quality: the network part takes well under a second on such a GPU.
_SECONDS = 10


def is_active() -> bool:
    """Return whether this process runs on a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


if is_active():
    import spaces  # before torch, by its own rule


def on_gpu(function: Function) -> Function:
    """Return ``function`` decorated with ``@spaces.GPU`` on a ZeroGPU Space, itself elsewhere.

    Its arguments and results cross a process border there: NumPy arrays, strings and numbers only.
    """
    if not is_active():
        return function
    return cast(Function, spaces.GPU(duration=_SECONDS)(function))

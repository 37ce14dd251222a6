"""Hugging Face ZeroGPU: the one function that runs with a GPU lent for a few seconds.

Import this before torch touches CUDA: on a ZeroGPU Space the package ``spaces``, which the platform brings,
prepares torch. Elsewhere it is not imported, and :func:`on_gpu` changes nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psp.errors import PspError

Function = Callable[..., Any]

# The title of what ``spaces`` raises for any error in its worker, or for one that ended too early.
_BROKEN = "ZeroGPU worker error"


@dataclass(frozen=True)
class _Refusal:
    """An error on its way back: of one that is raised, ``spaces`` tells only the name of its kind."""

    error: PspError


def is_active() -> bool:
    """Return whether this process runs on a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


if is_active():
    import spaces  # before torch, by its own rule


def on_gpu(function: Function, seconds: Callable[..., int]) -> Function:
    """Return ``function`` decorated with ``@spaces.GPU`` on a ZeroGPU Space, itself elsewhere.

    It runs in another process there: arguments and results are pickled, NumPy arrays, strings and numbers. An
    error that is meant to be read comes back as it was raised.

    Args:
        function: What needs a GPU.
        seconds: For how many seconds, given the same arguments: a reservation, not a limit on quality.
    """
    if not is_active():
        return function

    @functools.wraps(function)
    def there(*args: object) -> Any:  # noqa: ANN401  (whatever the function returns)
        try:
            return function(*args)
        except PspError as error:
            return _Refusal(error)

    lent = spaces.GPU(duration=seconds)(there)

    @functools.wraps(function)
    def here(*args: object) -> Any:  # noqa: ANN401  (whatever the function returns)
        try:
            answer = lent(*args)
        except Exception as error:
            if getattr(error, "title", "") != _BROKEN:
                raise  # no GPU is free, the visitor's share is used up, …: told by ``spaces`` itself
            again = "Ask again; if that fails too, for fewer variants or faces."
            why = getattr(error, "message", error)
            raise PspError(f"The GPU did not finish this ({why}).", again) from error
        if isinstance(answer, _Refusal):
            raise answer.error
        return answer

    return here

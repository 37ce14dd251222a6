"""A device whose memory does not do: known by whichever error, told in words, its leftovers given back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from psp.errors import DeviceMemoryError

P = ParamSpec("P")
R = TypeVar("R")

# What RuntimeErrors say of it that have no class of their own: of MPS, and of the CPU.
_WORDS = ("out of memory", "not enough memory", "can't allocate memory")


def is_short(error: BaseException) -> bool:
    """Whether an error says that there is too little memory."""
    import torch  # noqa: PLC0415  (torch comes after the page)

    if isinstance(error, DeviceMemoryError | MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)


def give_back() -> None:
    """Give memory back that torch keeps for later, so that what comes next has room.

    To be called when the error is gone: it holds on to what was being worked on.
    """
    import torch  # noqa: PLC0415  (torch comes after the page)

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` such that it says in words what to do where there is too little memory.

    What it returns raises:
        DeviceMemoryError: There is.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (RuntimeError, MemoryError) as error:
            if not is_short(error):
                raise
            raise DeviceMemoryError(
                "The device has too little memory for this.",
                "Try again when less is going on there, or take a smaller model; PSP_DEVICE=cpu uses the "
                "machine's own memory.",
            ) from error

    return wrapped

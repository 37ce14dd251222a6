"""W+ codes as files, as NumPy arrays: what the studio hands out and takes back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from psp.errors import InputError

Codes = NDArray[np.float32]


def codes_to_bytes(codes: Codes, model: str) -> bytes:
    """Return a ``.safetensors`` file with ``codes`` [n,512], or [v,n,512] for several variants.

    Args:
        codes: The codes, the average added.
        model: Name of the model that they belong to, kept in the metadata.
    """
    assert codes.ndim in (2, 3), codes.shape
    array = np.ascontiguousarray(codes, dtype=np.float32)
    # One entry only: safetensors writes several in an order that changes from run to run.
    return save({"codes": array}, metadata={"model": model})


def codes_from_bytes(data: bytes) -> Codes:
    """Read the codes of a file made by :func:`codes_to_bytes`; no pickle is ever opened.

    Returns:
        [n,dim] or [v,n,dim], finite.

    Raises:
        InputError: The file is not a safetensors file, has no usable codes, or holds NaN or infinity.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(
            "This is not a .safetensors file of codes.", "Use a file that the studio made."
        ) from error
    codes = tensors.get("codes")
    if codes is None or codes.ndim not in (2, 3) or codes.dtype not in (np.float16, np.float32):
        raise InputError("The file holds no codes of shape [n,512].", "Use a file that the studio made.")
    if not np.isfinite(codes).all():
        raise InputError("The codes contain NaN or infinity.", "Export them again.")
    return codes.astype(np.float32)

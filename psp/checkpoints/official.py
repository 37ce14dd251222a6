"""Checkpoints of the official code and of e4e: pickles, opened without running anything that is in them."""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from psp.errors import CheckpointError
from psp.models.architecture import ENCODER_TYPES, infer_config
from psp.models.psp import PSPConfig

_ZIP = b"PK\x03\x04"
_LEGACY = b"\x80"  # the first byte of a bare pickle: how torch saved before 1.6
_AGAIN = "Download or copy the file again."
_UNSAFE = "Do not use it; get the checkpoint from the authors, or one in .safetensors."


@dataclass(frozen=True)
class Opened:
    """A checkpoint in memory.

    Attributes:
        config: The shape of the model.
        state: Its tensors by the names of ``PSP.state_dict()``, mapped from the file where that is possible.
    """

    config: PSPConfig
    state: dict[str, Tensor]


def is_pickle(path: Path) -> bool:
    """Return whether ``path`` looks like a file of ``torch.save``.

    Raises:
        CheckpointError: It cannot be read, is empty, or is a web page or a placeholder.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.", "Check the path.") from error
    if not start:
        raise CheckpointError(f"{path.name} is empty (0 bytes).", _AGAIN)
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path.name} is a Git LFS placeholder, not the file.", "Run: git lfs pull.")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise CheckpointError(f"{path.name} is a web page (byte 0 is '<').", "Download the file itself.")
    # A .safetensors file starts with the length of its header, whose first byte can be any, and then a "{".
    return start.startswith(_ZIP) or (start.startswith(_LEGACY) and start[8:9] != b"{")


def load_pickle(path: Path) -> dict[str, Any]:
    """Return what ``torch.save`` wrote to ``path``: a dictionary of tensors and plain values.

    Tensors map the file (files of torch before 1.6 cannot be mapped, and are read).

    Raises:
        CheckpointError: The file is truncated or damaged, or wants to run code.
    """
    start = path.open("rb").read(4)
    if start == _ZIP and not zipfile.is_zipfile(path):
        size = path.stat().st_size
        raise CheckpointError(
            f"{path.name} is truncated: it ends at byte {size}, before the archive's directory.", _AGAIN
        )
    try:
        # The options of some files are an argparse.Namespace, which only holds values.
        with torch.serialization.safe_globals([argparse.Namespace]):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=start == _ZIP)
    except Exception as error:
        # A damaged pickle can fail in any way at all; whatever it is, the file cannot be used.
        raise _explain(path, error) from error
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path.name} holds a {type(loaded).__name__}, not a dictionary.", _AGAIN)
    return loaded


def open_official(path: Path) -> Opened:
    """Open an official or e4e checkpoint: its ``state_dict``, ``latent_avg`` and ``opts``.

    Raises:
        CheckpointError: It is damaged, unsafe, or not of this architecture.
    """
    content = load_pickle(path)
    for name in ("state_dict", "latent_avg"):
        if content.get(name) is None:
            found = ", ".join(map(str, list(content)[:5]))
            raise CheckpointError(
                f"{path.name} has no {name!r}; it holds {found}.", "Give a whole pSp or e4e checkpoint."
            )
    state = _tensors(path.name, content["state_dict"])
    opts = _options(content.get("opts"))
    size = opts.get("output_size", opts.get("stylegan_size"))
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    try:
        config = infer_config(shapes, opts.get("encoder_type"), size)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error.problem}", error.next_step) from error
    average = _average(path.name, content["latent_avg"], config)
    if opts.get("start_from_latent_avg", True) is False:
        average = torch.zeros_like(average)  # this encoder was trained to make whole codes: nothing is added
    state["latent_avg"] = average
    return Opened(config, state)


def _explain(path: Path, error: Exception) -> CheckpointError:
    name, text = path.name, str(error).replace(str(path), path.name)
    wanted = re.search(r"GLOBAL ([\w.]+)", text) or re.search(
        r"[Uu]nsupported (?:class|global) ([\w.]+)", text
    )
    if wanted:
        return CheckpointError(f"{name} is not only weights: it wants to use {wanted[1]}.", _UNSAFE)
    detail = (text.strip() or type(error).__name__).splitlines()[0][:160]
    return CheckpointError(f"{name} is damaged: {detail}", _AGAIN)


def _tensors(name: str, state: object) -> dict[str, Tensor]:
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f"'state_dict' of {name} is a {type(state).__name__}, not a dictionary.", _AGAIN
        )
    for key, value in state.items():
        plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
        if not isinstance(key, str) or not plain:
            raise CheckpointError(f"{str(key)[:80]!r} of {name} is not a plain tensor.", _AGAIN)
    return dict(state)


def _options(opts: object) -> dict[str, Any]:
    """Return the options that matter, with sound types; others are dropped, and files without any are old."""
    values = vars(opts) if isinstance(opts, argparse.Namespace) else opts
    if not isinstance(values, Mapping):
        return {}
    types = {"encoder_type": str, "output_size": int, "stylegan_size": int, "start_from_latent_avg": bool}
    return {key: values[key] for key, kind in types.items() if isinstance(values.get(key), kind)}


def _average(name: str, average: object, config: PSPConfig) -> Tensor:
    """Return the average code as the model keeps it: one row for the ``w`` encoder, else one a code."""
    n, dim = config.generator.n_codes, config.generator.style_dim
    rows = 1 if config.encoder.kind == "w" else n
    if isinstance(average, Tensor):
        flat = average.reshape(-1, dim) if average.numel() % dim == 0 else average.reshape(1, -1)
        one_row = flat.shape[0] == 1 or bool((flat == flat[:1]).all())
        if flat.shape in {(1, dim), (n, dim)} and (flat.shape[0] == rows or one_row):
            return flat[:1].expand(rows, -1).contiguous() if one_row else flat
        shape: object = list(average.shape)
    else:
        shape = type(average).__name__
    raise CheckpointError(
        f"'latent_avg' of {name} is {shape}; [{rows}, {dim}] was expected.",
        f"Known encoders: {len(ENCODER_TYPES)}.",
    )

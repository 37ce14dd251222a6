"""Checkpoints of the official code, of e4e and ReStyle: pickles, opened without running anything in them."""

from __future__ import annotations

import argparse
import mmap
import re
import struct
import threading
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from psp.checkpoints.average import average_code
from psp.checkpoints.plain_values import SAFE_NAMES, plain_value
from psp.checkpoints.sound import require_sound
from psp.errors import CheckpointError
from psp.models.architecture import infer_config
from psp.models.generator import Generator, GeneratorConfig
from psp.models.psp import PSPConfig
from psp.models.restyle import RestyleConfig

_ZIP = b"PK\x03\x04"
_BLOCK = 1 << 20
_LEGACY = b"\x80"  # the first byte of a bare pickle: how torch saved before 1.6
_WRAPPERS = frozenset({"module", "_orig_mod"})  # DataParallel, torch.compile
_E4E_SAMPLES = 10_000
_LOCK = threading.Lock()
_AGAIN = "Download or copy the file again."
_UNSAFE = "Do not use it; get the checkpoint from the authors, or one in .safetensors."


@dataclass(frozen=True)
class Opened:
    """A checkpoint in memory.

    Attributes:
        config: The shape of the model.
        state: Its tensors by the names of ``PSP.state_dict()``, mapped from the file where that is possible.
        info: What its options say of it: "task", where that is known.
    """

    config: PSPConfig
    state: dict[str, Tensor]
    info: dict[str, str] = field(default_factory=dict)


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


def load_pickle(path: Path, *, checked: bool = True) -> dict[str, Any]:
    """Return what ``torch.save`` wrote to ``path``: a dictionary of tensors and plain values.

    Tensors map the file (files of torch before 1.6 cannot be mapped, and are read).

    Args:
        path: The file.
        checked: Whether :func:`require_whole` is asked first; if not, the caller must, before the tensors
            are used.

    Raises:
        CheckpointError: The file is truncated or damaged, or wants to run code.
    """
    if checked:
        require_whole(path)
    try:
        # The options of some files are an argparse.Namespace, which only holds values. What torch allows
        # is one list for the whole process, so that one file is read at a time.
        allowed: list[Any] = [argparse.Namespace, *((maker, name) for name, maker in SAFE_NAMES.items())]
        with _LOCK, torch.serialization.safe_globals(allowed):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_archive(path))
    except Exception as error:
        # A damaged pickle can fail in any way at all; whatever it is, the file cannot be used.
        raise _explain(path, error) from error
    if not isinstance(loaded, dict):
        raise CheckpointError(f"{path.name} holds a {type(loaded).__name__}, not a dictionary.", _AGAIN)
    return loaded


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ZIP


def require_whole(path: Path) -> None:
    """Refuse an archive that is truncated, or has a part of another checksum than its directory says.

    torch itself does not look, where it maps the file. A part without a checksum (0: torch can be told to
    leave them out) is believed. Files of torch before 1.6 are no archives, and are passed over.

    Raises:
        CheckpointError: It is damaged.
    """
    if not _is_archive(path):
        return
    if not zipfile.is_zipfile(path):
        size = path.stat().st_size
        raise CheckpointError(
            f"{path.name} is truncated: it ends at byte {size}, before the archive's directory.", _AGAIN
        )
    try:
        with (
            zipfile.ZipFile(path) as archive,
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            for part in archive.infolist():
                if part.CRC != 0:
                    _require_sum(archive, part, data)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise CheckpointError(f"{path.name} is damaged: {error}.", _AGAIN) from error


def _require_sum(archive: zipfile.ZipFile, part: zipfile.ZipInfo, data: mmap.mmap) -> None:
    """Refuse a part with a wrong checksum; a large one is summed where it lies, in half of the time."""
    with archive.open(part) as opened:  # looks at the part's own header
        if part.compress_type != zipfile.ZIP_STORED or part.file_size <= _BLOCK:
            while opened.read(_BLOCK):
                pass
            return
    names, extra = struct.unpack_from("<HH", data, part.header_offset + 26)
    start = part.header_offset + 30 + names + extra
    with memoryview(data) as view, view[start : start + part.file_size] as numbers:
        if len(numbers) != part.file_size or zlib.crc32(numbers) != part.CRC:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {part.filename!r}")


def open_official(path: Path, *, checked: bool = True) -> Opened:
    """Open an official, e4e or ReStyle checkpoint: its ``state_dict``, ``latent_avg`` and ``opts``.

    As the official code does, it takes one without ``latent_avg``, which its trainer leaves out unless codes
    start from the average: nothing is added then. (Where they do start from it, as e4e's and ReStyle's, it is
    computed.)

    Args:
        path: The file.
        checked: As for :func:`load_pickle`.

    Raises:
        CheckpointError: It is damaged, unsafe, or not of this architecture.
    """
    content = load_pickle(path, checked=checked)
    state = _state(path.name, content)
    opts = _options(content.get("opts"))
    beside = state.pop("latent_avg", None)
    average = content.get("latent_avg")
    average = plain_value(beside if average is None else average)
    size = opts.get("output_size", opts.get("stylegan_size"))
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    try:
        config = infer_config(shapes, opts.get("encoder_type"), size, opts.get("n_iters_per_batch"))
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error.problem}", error.next_step) from error
    starts = opts.get("start_from_latent_avg", config.encoder.kind == "e4e" or average is not None)
    if isinstance(config.encoder, RestyleConfig):
        _require_square(path.name, opts)
        starts = True  # its code does not ask: the first picture is that of the average code
    if average is None and starts:
        state["latent_avg"] = _computed_average(path.name, state, config)
    elif average is None or not starts:  # this encoder was trained to make whole codes: nothing is added
        state["latent_avg"] = torch.zeros(_rows(config), config.generator.style_dim)
    else:
        state["latent_avg"] = _average(path.name, average, config)
    return Opened(config, state, _info(opts, config))


def clean_names(name: str, state: object) -> dict[str, Tensor]:
    """Return the tensors of a state dict without the prefixes of DataParallel and torch.compile.

    Args:
        name: Name of the file, for errors.
        state: What should be a dictionary of plain tensors.

    Raises:
        CheckpointError: It is none.
    """
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f"'state_dict' of {name} is a {type(state).__name__}, not a dictionary.", _AGAIN
        )
    cleaned: dict[str, Tensor] = {}
    for key, value in state.items():
        plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
        if not isinstance(key, str) or not plain:
            raise CheckpointError(f"{str(key)[:80]!r} of {name} is not a plain tensor.", _AGAIN)
        short = ".".join(part for part in key.split(".") if part not in _WRAPPERS)
        if short in cleaned:
            raise CheckpointError(f"{name} has {short[:80]!r} twice.", _AGAIN)
        cleaned[short] = value.detach()
    return cleaned


def _explain(path: Path, error: Exception) -> CheckpointError:
    name, text = path.name, str(error).replace(str(path), path.name)
    wanted = re.search(r"GLOBAL ([\w.]+)", text) or re.search(
        r"[Uu]nsupported (?:class|global) ([\w.]+)", text
    )
    if wanted:
        return CheckpointError(f"{name} is not only weights: it wants to use {wanted[1]}.", _UNSAFE)
    ours = re.search(r"a NumPy (?:type|array|value|number) [^\n]{0,60}", text)
    if ours:  # said by psp.checkpoints.plain_values
        return CheckpointError(f"{name} holds {ours[0].rstrip('. ')}.", _AGAIN)
    # PyTorch's own words are for programmers, and lead to switching its protection off.
    return CheckpointError(f"{name} is damaged, or is no checkpoint.", _AGAIN)


def _state(name: str, content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, which the official code also finds beside the options."""
    if content.get("state_dict") is not None:
        return clean_names(name, content["state_dict"])
    beside = {
        key: value
        for key, value in content.items()
        if isinstance(value, Tensor) and {"encoder", "decoder"} & set(str(key).split(".")[:2])
    }
    if not beside:
        found = ", ".join(map(str, list(content)[:5]))
        raise CheckpointError(
            f"{name} has no 'state_dict'; it holds {found}.", "Give a whole pSp or e4e checkpoint."
        )
    return clean_names(name, beside)


def _options(opts: object) -> dict[str, Any]:
    """Return the options that matter, with sound types; others are dropped, and files without any are old."""
    values = vars(opts) if isinstance(opts, argparse.Namespace) else opts
    if not isinstance(values, Mapping):
        return {}
    types = {
        "encoder_type": str, "output_size": int, "stylegan_size": int, "label_nc": int,
        "start_from_latent_avg": bool, "n_iters_per_batch": int, "dataset_type": str,
    }  # fmt: skip
    return {key: values[key] for key, kind in types.items() if type(values.get(key)) is kind}


def _require_square(name: str, opts: Mapping[str, Any]) -> None:
    """Refuse ReStyle's encoders for cars, which compare pictures that are wider than high."""
    if opts.get("dataset_type") == "cars_encode":
        raise CheckpointError(
            f"{name} was trained for cars in pictures of 4:3, and the studio's pictures are square.",
            "Use one of ReStyle's other encoders, or e4e's for cars.",
        )


def _info(opts: Mapping[str, Any], config: PSPConfig) -> dict[str, str]:
    """Return what is known of the task: with ``label_nc`` the official code makes maps one-hot, else not."""
    classes = opts.get("label_nc", 0)
    is_map = classes > 1 and classes == config.encoder.in_channels
    return {"task": "segmentation_to_face"} if is_map else {}


def _rows(config: PSPConfig) -> int:
    """Return how many rows the average code has: one for the ``w`` encoder, else one a code."""
    return 1 if config.encoder.kind == "w" else config.generator.n_codes


def _computed_average(name: str, state: Mapping[str, Tensor], config: PSPConfig) -> Tensor:
    """Return the average code of the generator in ``state``, over as many z as e4e's code takes."""
    shape = config.generator
    assert isinstance(shape, GeneratorConfig), "official files hold StyleGAN2"
    if shape.n_mlp == 0:
        raise CheckpointError(f"{name} has no 'latent_avg', and no mapping network to compute it.", _AGAIN)
    prefix = "decoder.style."
    mapping = {key.removeprefix("decoder."): v.float() for key, v in state.items() if key.startswith(prefix)}
    require_sound(name, mapping)
    with torch.device("meta"):
        generator = Generator(shape)
    try:
        generator.load_state_dict(mapping, strict=False, assign=True)
        code = average_code(generator, _E4E_SAMPLES)
    except (RuntimeError, NotImplementedError) as error:
        raise CheckpointError(
            f"{name} has no 'latent_avg', and no mapping network to compute it.", _AGAIN
        ) from error
    return code.expand(_rows(config), -1).contiguous()


def _average(name: str, average: object, config: PSPConfig) -> Tensor:
    """Return the average code as the model keeps it: one row for the ``w`` encoder, else one a code."""
    n, dim = config.generator.n_codes, config.generator.style_dim
    rows = _rows(config)
    if isinstance(average, np.ndarray) and average.dtype.kind == "f":
        average = torch.from_numpy(average.astype(np.float32))
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
        _AGAIN,
    )

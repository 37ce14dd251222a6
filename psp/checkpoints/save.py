"""A model to a file of the studio's own format: in few bits, and without what another file holds already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.load import CHANGE, DECODER_FORMAT, FORMAT, inherited, load_base
from psp.checkpoints.quantize import SCALE, Precision, from_int8, to_half, to_int8
from psp.checkpoints.siblings import PARTS
from psp.checkpoints.split import load_in_parts, save_in_parts
from psp.checkpoints.tensors import SEAL, read_metadata, save_tensors
from psp.errors import CheckpointError
from psp.models.architecture import config_to_json
from psp.models.compact import FACE_WEIGHTS
from psp.models.psp import PSP

_RESERVED = {SEAL, PARTS, "format", "config", "decoder", "decoder_sha256", "base", "base_sha256"}
_STORE: dict[Precision, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    "float32": dict,
    "half": lambda tensors: {name: to_half(value) for name, value in tensors.items()},
    "int8": to_int8,
}


def save_psp(
    model: PSP,
    path: Path,
    *,
    precision: Precision = "half",
    decoder_file: str | None = None,
    base: str | None = None,
    info: Mapping[str, str] | None = None,
    largest: int | None = None,
) -> None:
    """Write ``model`` to ``path`` in the studio's own format; the same model gives the same bytes.

    Saving again, the same way, what was loaded gives the same bytes too.

    Args:
        model: The model, on any device.
        path: The ``.safetensors`` file; replaced only when the new one is complete.
        precision: How weights are stored; those beyond half precision's range stay as they are.
        decoder_file: Name of a file beside ``path`` for the generator, so that several models share it; one
            that is there, in whatever bits, must hold the same.
        base: Name of a model's file beside ``path``; tensors that are equal there are not stored again.
            Loading needs that file, unchanged. Not with ``decoder_file``: the generator is the base's.
        info: Short texts to keep with it: task, licence, step.
        largest: Bytes a file; what is beyond goes to parts beside it. None: one file.

    Raises:
        CheckpointError: ``decoder_file`` exists and holds another generator, or ``base`` cannot be a base.
        OSError: A file cannot be written.
    """
    assert not _RESERVED & set(info or {}), f"these names are the format's own: {sorted(_RESERVED)}"
    assert base is None or decoder_file is None, "with a base, the generator comes from the base"
    metadata = {**(info or {}), "format": FORMAT, "config": config_to_json(model.config)}
    state = {key: value for key, value in model.state_dict().items() if not key.startswith(FACE_WEIGHTS)}
    assert not any(key.endswith(SCALE) for key in state), f"{SCALE} marks the scales of int8 tensors"
    if decoder_file is not None:
        assert Path(decoder_file).name == decoder_file, "the generator's file must be beside the model's"
        place = path.with_name(decoder_file)
        held = _save_decoder(place, {k: state[k] for k in state if k.startswith("decoder.")}, precision)
        # A generator's own file has the average code too.
        state = {k: v for k, v in state.items() if k not in held or not _equal(v, held[k])}
        metadata |= {"decoder": decoder_file, "decoder_sha256": file_sha256(place)}
    if base is not None:
        assert base != path.name, "a model cannot be its own base"
        shared = inherited(load_base(path, base), model.config, state)
        metadata |= {"base": base, "base_sha256": file_sha256(path.with_name(base))}
        stored = _own(path.name, state, shared, precision)
    else:
        stored = _STORE[precision](state)
    save_in_parts(path, stored, metadata, largest)


def _own(
    name: str, state: Mapping[str, Tensor], shared: Mapping[str, Tensor], precision: Precision
) -> dict[str, Tensor]:
    """Return what must be stored of ``state``, where loading starts from ``shared``.

    A tensor is left out if it is equal there, or would be once stored and loaded; otherwise a model that was
    loaded would be saved into fewer tensors than it came from. In 8 bits a generator's tensor is stored as
    its change, which is small where it was tuned: pictures show what 8 bits lose of the whole.
    """
    stored: dict[str, Tensor] = {}
    for key, value in state.items():
        part = _STORE[precision]({key: value})
        other = shared.get(key)
        if other is not None and (_equal(value, other) or _equal(from_int8(name, part)[key], other)):
            continue
        if precision == "int8" and other is not None and _tuned(key, value, other):
            part = to_int8({key + CHANGE: (value.double() - other.double()).float()})
        stored |= part
    return stored


def _tuned(key: str, value: Tensor, other: Tensor) -> bool:
    return key.startswith("decoder.") and value.is_floating_point() and value.shape == other.shape


def _equal(a: Tensor, b: Tensor) -> bool:
    """Return whether ``a`` and ``b`` are equal bit by bit, in the wider of their two types."""
    if a.shape != b.shape or a.is_floating_point() != b.is_floating_point():
        return False
    wider = torch.promote_types(a.dtype, b.dtype)
    first, second = (x.detach().cpu().to(wider).contiguous().reshape(-1).view(torch.uint8) for x in (a, b))
    return torch.equal(first, second)


def _save_decoder(path: Path, tensors: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """Write the shared generator, unless it is there already; return all that its file then holds."""
    stored = _STORE[precision](tensors)
    if not path.exists():
        save_tensors(path, stored, {"format": DECODER_FORMAT}, sealed=True)
    held = load_in_parts(path, read_metadata(path))
    wanted = from_int8(path.name, stored)
    if any(
        key not in held or not (_equal(v, held[key]) or _equal(tensors[key], held[key]))
        for key, v in wanted.items()
    ):
        raise CheckpointError(
            f"{path.name} holds another generator, which other models may need.",
            "Choose another name for the generator's file, or delete that one.",
        )
    return held | {key: tensors[key] for key in tensors}

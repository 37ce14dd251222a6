"""A model to a file of the studio's own format: in few bits, and without what another file holds already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.load import DECODER_FORMAT, FORMAT, load_base
from psp.checkpoints.quantize import SCALE, Precision, from_int8, to_half, to_int8
from psp.checkpoints.tensors import SEAL, save_tensors
from psp.errors import CheckpointError
from psp.models.architecture import config_to_json
from psp.models.compact import FACE_WEIGHTS
from psp.models.psp import PSP

_RESERVED = {SEAL, "format", "config", "decoder", "decoder_sha256", "base", "base_sha256"}
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
) -> None:
    """Write ``model`` to ``path`` in the studio's own format; the same model gives the same bytes.

    Saving again, the same way, what was loaded gives the same bytes too.

    Args:
        model: The model, on any device.
        path: The ``.safetensors`` file; replaced only when the new one is complete.
        precision: How weights are stored; those beyond half precision's range stay as they are.
        decoder_file: Name of a file beside ``path`` for the generator, so that several models share it.
        base: Name of a model's file beside ``path``; tensors that are equal there are not stored again.
            Loading needs that file, unchanged. Not with ``decoder_file``: the generator is the base's.
        info: Short texts to keep with it: task, licence, step.

    Raises:
        CheckpointError: ``decoder_file`` exists and holds another generator, or ``base`` cannot be a base.
        OSError: A file cannot be written.
    """
    assert not _RESERVED & set(info or {}), f"these names are the format's own: {sorted(_RESERVED)}"
    assert base is None or decoder_file is None, "with a base, the generator comes from the base"
    metadata = {**(info or {}), "format": FORMAT, "config": config_to_json(model.config)}
    state = {key: value for key, value in model.state_dict().items() if not key.startswith(FACE_WEIGHTS)}
    assert not any(key.endswith(SCALE) for key in state), f"{SCALE} marks the scales of int8 tensors"
    if base is not None:
        assert base != path.name, "a model cannot be its own base"
        shared = _load_base(path, base, state)
        metadata |= {"base": base, "base_sha256": file_sha256(path.with_name(base))}
        stored = _own(path.name, state, shared, precision)
    else:
        stored = _STORE[precision](state)
    if decoder_file is not None:
        assert Path(decoder_file).name == decoder_file, "the generator's file must be beside the model's"
        decoder = {key: stored.pop(key) for key in list(stored) if key.startswith("decoder.")}
        metadata |= {
            "decoder": decoder_file,
            "decoder_sha256": _save_decoder(path.with_name(decoder_file), decoder),
        }
    save_tensors(path, stored, metadata, sealed=True)


def _load_base(path: Path, base: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Load the base of ``path``, after checking that the model has every tensor of it."""
    shared = load_base(path, base)
    surplus = sorted(set(shared) - set(state))
    if surplus:
        raise CheckpointError(
            f"{base} cannot be the base of {path.name}: it has {surplus[0]}, which this model has not.",
            "Save without a base.",
        )
    return shared


def _own(
    name: str, state: Mapping[str, Tensor], shared: Mapping[str, Tensor], precision: Precision
) -> dict[str, Tensor]:
    """Return what must be stored of ``state``, where loading starts from ``shared``.

    A tensor is left out if it is equal there, or would be once stored and loaded; otherwise a model that was
    loaded would be saved into fewer tensors than it came from.
    """
    stored: dict[str, Tensor] = {}
    for key, value in state.items():
        part = _STORE[precision]({key: value})
        other = shared.get(key)
        if other is None or not (_equal(value, other) or _equal(from_int8(name, part)[key], other)):
            stored |= part
    return stored


def _equal(a: Tensor, b: Tensor) -> bool:
    """Return whether ``a`` and ``b`` are equal bit by bit, in the wider of their two types."""
    if a.shape != b.shape or a.is_floating_point() != b.is_floating_point():
        return False
    wider = torch.promote_types(a.dtype, b.dtype)
    first, second = (x.detach().cpu().to(wider).contiguous().reshape(-1).view(torch.uint8) for x in (a, b))
    return torch.equal(first, second)


def _save_decoder(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write the shared generator, unless it is there already; return its sha256."""
    draft = path.with_name(f".{path.name}.new")
    try:
        save_tensors(draft, tensors, {"format": DECODER_FORMAT}, sealed=True)
        sha256 = file_sha256(draft)
        if path.exists() and file_sha256(path) != sha256:
            raise CheckpointError(
                f"{path.name} holds another generator, which other models may need.",
                "Choose another name for the generator's file, or delete that one.",
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return sha256

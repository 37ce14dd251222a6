"""A weight file to a model: which format, which architecture, converted once, one copy in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Mapping
from pathlib import Path

import torch
from torch import Tensor

from psp.checkpoints.convert import convert, find_conversion
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.find import find_file
from psp.checkpoints.hashes import check_seal, warn_unwritable
from psp.checkpoints.hub import Progress
from psp.checkpoints.official import Opened, is_pickle, open_official
from psp.checkpoints.siblings import Sibling, find_beside
from psp.checkpoints.sound import require_sound
from psp.checkpoints.split import load_in_parts
from psp.checkpoints.tensors import load_tensors, read_metadata
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.architecture import config_from_json, config_to_json
from psp.models.compact import FACE_WEIGHTS, CompactConfig
from psp.models.psp import PSP, PSPConfig
from psp.registry.lookup import find_entry

FORMAT = "psp-studio/1"
DECODER_FORMAT = FORMAT + "-decoder"
PARENT = "parent."
"""How the names of the generator begin that a model's own was tuned from; its base has it, not its file."""
CHANGE = ".change"
"""How the names end of what is added to a tensor of the base."""

_DECODER = "decoder."


def load_psp(
    path_or_name: str | Path = "mobile-1024",
    device: str | torch.device = "cpu",
    *,
    task: str = "encode",
    settings: Settings | None = None,
    dtype: torch.dtype = torch.float32,
    progress: Progress | None = None,
    assets: Path | None = None,
) -> PSP:
    """Load a model, ready for inference: in eval mode, without gradients.

    The architecture is read from the file. An official ``.pt`` is converted once, in ``settings.cache_dir``,
    under the sha256 of its content. On the CPU the weights map a file in the cache: they take memory once at
    most. Any other file is read, so that it may be written over meanwhile.

    Args:
        path_or_name: "auto", a family ("mobile-1024", "ffhq-1024", the user's own), or the path of an
            official, e4e or ReStyle ``.pt``, of a ``.safetensors`` that ``save_psp`` wrote, or of a folder of
            these.
        device: Where the model goes.
        task: The task, for a family or a folder.
        settings: The settings; by default those of the environment.
        dtype: Type of the weights.
        progress: Called during a download, with the bytes that are there and the bytes in all (or None).
        assets: The folder of the bundled files; the repository's own by default.

    Raises:
        ModelNotFoundError: No such model is known, or its file is nowhere to be found.
        CheckpointError: The file is damaged, unsafe, or of another architecture.
    """
    settings = settings or Settings.from_env()
    path = find_file(find_entry(path_or_name, task, settings), settings, progress, assets)
    model = _from_pickle(path, settings, dtype) if is_pickle(path) else _from_own(path, settings, dtype)
    return model.to(device)


def read_info(path: Path) -> dict[str, str]:
    """Return what ``save_psp`` kept with a model (``info``, config, format), without loading it.

    Raises:
        CheckpointError: The file is damaged, or not of the studio's own format.
    """
    metadata = read_metadata(path)
    found = metadata.get("format")
    if found != FORMAT:
        told = f"its format is {found!r}" if found else "it names no format"
        raise CheckpointError(
            f"{path.name} is a .safetensors file, but not a model of the studio: {told}, not {FORMAT!r}.",
            "Give an official .pt, or a file that the studio saved.",
        )
    return metadata


def load_base(
    path: Path, name: str, sha256: str | None = None, cache_dir: Path | None = None
) -> dict[str, Tensor]:
    """Return the tensors of the model's file ``name`` beside ``path``, on which the model in ``path`` builds.

    Args:
        path: The file that needs it.
        name: Name of the base.
        sha256: What the base's sha256 must be; None: not checked.
        cache_dir: Where hashes are kept.

    Raises:
        CheckpointError: It is not there, is another file, is damaged, or has a base itself.
    """
    base = find_beside(path, Sibling("base", name, sha256), cache_dir)
    if "base" in (metadata := read_info(base)):
        raise CheckpointError(
            f"{name} cannot be the base of {path.name}: it has a base itself, {metadata['base'][:80]}.",
            "Save the model with a base that is a whole model.",
        )
    return _read(base, metadata, cache_dir)


def _from_own(path: Path, settings: Settings, dtype: torch.dtype) -> PSP:
    """Load a file of ours."""
    metadata = read_info(path)
    state = _read(path, metadata, settings.cache_dir)
    if "config" not in metadata:
        raise CheckpointError(
            f"{path.name} has no 'config' in its metadata.", "Save it again with the studio."
        )
    try:
        config = config_from_json(metadata["config"])
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error.problem}", error.next_step) from error
    if "base" in metadata:
        base = load_base(path, metadata["base"], metadata.get("base_sha256"), settings.cache_dir)
        state = _added(path.name, inherited(base, config, _skeleton(path.name, config).state_dict()), state)
    require_sound(path.name, state)
    if isinstance(config.encoder, CompactConfig) and config.encoder.sight != "none":
        network = load_face_descriptor().state_dict()
        state |= {FACE_WEIGHTS + key: value for key, value in network.items()}
    model = _build(path.name, config, state, dtype)
    model.info = metadata
    return model


def inherited(base: Mapping[str, Tensor], config: PSPConfig, names: Container[str]) -> dict[str, Tensor]:
    """Return what a model takes over from the tensors of its base.

    A base may have more than the model: an encoder that corrects itself, say, for one that does not.

    Args:
        base: Tensors of the base, by name.
        config: The model's.
        names: Of the model's tensors.
    """
    found = {key: value for key, value in base.items() if key in names}
    if config.mirror == "parent":
        found |= {
            PARENT + key.removeprefix(_DECODER): v for key, v in base.items() if key.startswith(_DECODER)
        }
    return found


def _added(file: str, base: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of ``base``, in whose place come those of ``own``, or to which changes are added."""
    state = dict(base)
    for name, value in own.items():
        key = name.removesuffix(CHANGE)
        if key == name:
            state[name] = value
        elif key in base and base[key].shape == value.shape:
            state[key] = base[key].float() + value.float()
        else:
            raise CheckpointError(f"{file} changes {key}, which its base has not.", "Save the file again.")
    return state


def _read(path: Path, metadata: Mapping[str, str], cache_dir: Path | None) -> dict[str, Tensor]:
    """Read the tensors of a file of ours, and of the generator's file if it names one; check their seals."""
    # What the studio put into its cache is replaced whole; any other file may be written over while in use.
    mapped = cache_dir is not None and path.resolve().is_relative_to(cache_dir.resolve())
    state = load_in_parts(path, metadata, cache_dir, mapped=mapped)
    if "decoder" in metadata:
        shared = Sibling("generator", metadata["decoder"], metadata.get("decoder_sha256"))
        sibling = find_beside(path, shared, cache_dir)
        state = load_in_parts(sibling, read_metadata(sibling), cache_dir, mapped=mapped) | state
    return state


def _from_pickle(path: Path, settings: Settings, dtype: torch.dtype) -> PSP:
    """Load an official file through its conversion, which is made now if it is not there."""
    cache = settings.cache_dir
    try:
        found = find_conversion(path, cache)
    except OSError:
        warn_unwritable(cache)
        return _direct(path, dtype)
    if found is not None:
        with contextlib.suppress(CheckpointError):  # damaged on disk, or of an older format: made again below
            if check_seal(found, cache):  # damaged weights have the right size too
                return _from_conversion(found, dtype)
    try:
        converted, model = convert(
            path, cache, _converted_metadata, lambda opened: _empty(path.name, opened.config, opened.state)
        )
    except OSError:
        warn_unwritable(cache)
        return _direct(path, dtype)
    return _from_conversion(converted, dtype, model)


def _from_conversion(path: Path, dtype: torch.dtype, model: PSP | None = None) -> PSP:
    """Load a file that is known to be sound, from the cache, where it may be mapped.

    Args:
        path: The file.
        dtype: Type of the weights.
        model: The model without weights, where it was made already.
    """
    state, metadata = load_tensors(path)
    if model is None:
        model = _empty(path.name, config_from_json(metadata["config"]), state)
    model = _filled(model, state, dtype)
    model.info = metadata
    return model


def _direct(path: Path, dtype: torch.dtype) -> PSP:
    opened = open_official(path)
    require_sound(path.name, opened.state)
    model = _build(path.name, opened.config, opened.state, dtype)
    model.info = opened.info
    return model


def _converted_metadata(opened: Opened) -> dict[str, str]:
    return {**opened.info, "format": FORMAT, "config": config_to_json(opened.config)}


def _empty(name: str, config: PSPConfig, state: Mapping[str, Tensor]) -> PSP:
    """Return the model without weights, after checking that ``state`` fits it key by key."""
    model = _skeleton(name, config)
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    wrong = [
        f"{key} is {list(state[key].shape)}, not {list(wanted[key].shape)}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    wrong += [
        f"{key} is {state[key].dtype}"
        for key in wanted
        if key in state and state[key].is_floating_point() != wanted[key].is_floating_point()
    ]
    problems = [
        f"{what} {', '.join(keys[:3])}{f' and {len(keys) - 3} more' if len(keys) > 3 else ''}"
        for what, keys in (("missing", missing), ("unexpected", unexpected), ("wrong:", wrong))
        if keys
    ]
    if problems:
        raise CheckpointError(
            f"{name} is a state dict of another architecture: {'; '.join(problems)}.",
            "Use a pSp, e4e or ReStyle checkpoint; files of other projects cannot be loaded.",
        )
    return model


def _skeleton(name: str, config: PSPConfig) -> PSP:
    """Return the model without weights."""
    try:
        with torch.device("meta"):
            return PSP(config)
    except (AssertionError, ArithmeticError, IndexError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{name} has an impossible config: {error}", "Save the file again.") from error


def _build(name: str, config: PSPConfig, state: dict[str, Tensor], dtype: torch.dtype) -> PSP:
    """Give the tensors of ``state`` to a model, without copying those that have ``dtype``."""
    return _filled(_empty(name, config, state), state, dtype)


def _filled(model: PSP, state: dict[str, Tensor], dtype: torch.dtype) -> PSP:
    for key, value in state.items():
        if value.is_floating_point():
            state[key] = value.to(dtype)
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval().requires_grad_(False)

"""A small copy of the bundled family, made of its own files: the same faces at 128 px, several times as fast.

The generator ends at its features of 64 px, where a linear layer, fitted once to its own pictures and kept
in ``tests/golden``, makes the wavelet bands of a picture; codes of later layers are left out. Most tests ask
how things are put together, not what pictures look like; they use it. ``tests/test_bundled.py`` runs the
family itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.checkpoints import load_tensors, read_metadata, save_tensors
from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.siblings import PARTS, parts_of
from psp.files.bundled import assets_dir
from psp.files.pins import write_pins
from psp.models.mobile import MobileConfig
from psp.registry.lookup import BUNDLED
from psp.tasks import MODEL_TASKS

SIZE, CODES = 128, 14
_BLOCKS = 4  # those up to 64 px
_BANDS = Path(__file__).parent / "golden" / "small_family_bands.npz"
_GENERATOR, _FIRST = "generator.safetensors", "encode.safetensors"


def small_family(folder: Path) -> Path:
    """Return a folder like ``assets/`` with the small family, made now if it is not there.

    Args:
        folder: Where it is kept; processes of one test run share it.
    """
    made, draft = folder / "assets", folder / f"draft-{os.getpid()}"
    try:
        (folder / "lock").touch(exist_ok=False)
    except FileExistsError:
        while not made.is_dir():
            time.sleep(0.1)
        return made
    (draft / BUNDLED).mkdir(parents=True)
    for name in (_GENERATOR, _FIRST, *(f"{task}.safetensors" for task in MODEL_TASKS if task != "encode")):
        _shrink(assets_dir() / BUNDLED / name, draft / BUNDLED / name)
    for name in ("parser", "preview"):
        shutil.copy(assets_dir() / BUNDLED / f"{name}.safetensors", draft / BUNDLED)
    shutil.copytree(assets_dir() / "lpips", draft / "lpips")
    write_pins(draft, ("*/*.safetensors",))
    draft.rename(made)
    return made


def _shrink(path: Path, out: Path) -> None:
    """Write what the small family needs of the file at ``path`` and of its parts, in one file."""
    metadata = read_metadata(path)
    tensors: dict[str, Tensor] = {}
    for file in (path, *(path.with_name(part.name) for part in parts_of(path, metadata))):
        tensors |= load_tensors(file)[0]
    kept = {new: value for name, value in tensors.items() if (new := _renamed(name))}
    config = json.loads(metadata["config"])
    shape = config.get("generator", config)
    shape |= {"size": SIZE, "channels": shape["channels"][: _BLOCKS + 1]}
    if path.name == _GENERATOR:
        kept |= {f"decoder.to_bands.{key}": value for key, value in _bands().items()}
        kept["latent_avg"] = kept["latent_avg"][:CODES]
    else:
        encoder = config["encoder"]
        encoder |= {"n_codes": CODES, "corrections": min(1, encoder["corrections"])}
    for kind, name in (("decoder", _GENERATOR), ("base", _FIRST)):
        if kind in metadata:
            metadata[f"{kind}_sha256"] = file_sha256(out.with_name(name))
    metadata.pop(PARTS, None)
    save_tensors(out, kept, metadata | {"config": json.dumps(config)}, sealed=True)


def _renamed(name: str) -> str:
    """Return the name that a tensor has in the small family; nothing where it is left out."""
    if name.startswith("decoder.to_bands") or re.match(rf"decoder\.blocks\.[{_BLOCKS}-9]", name):
        return ""
    if head := re.match(r"encoder\.heads\.(\d+)\.", name):
        last = MobileConfig().n_codes - 1  # it makes the picture, here too
        index = {last: CODES - 1, CODES - 1: CODES}.get(int(head[1]), int(head[1]))
        return name.replace(head[0], f"encoder.heads.{index}.") if index < CODES else ""
    return name


def _bands() -> dict[str, Tensor]:
    """Return a last layer that no code modulates."""
    fitted = np.load(_BANDS)
    width = fitted["weight"].shape[1]
    return {
        "style.weight": torch.zeros(width, MobileConfig().style_dim).half(),
        "style.bias": torch.ones(width).half(),
        "weight": torch.from_numpy(fitted["weight"])[:, :, None, None],
        "bias": torch.from_numpy(fitted["bias"]).half(),
    }

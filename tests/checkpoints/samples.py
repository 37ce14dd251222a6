"""Small models, the files that hold them, and the entry under which a file is known."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from pathlib import Path
from typing import Any

import torch

from psp.checkpoints.convert import SETTLING
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.psp import PSP, PSPConfig
from psp.registry.lookup import ModelEntry

# Not tests/compact.py's: an official file's keys tell stages by their widths, and know no patches.
TINY = PSPConfig(
    EncoderConfig(
        in_size=32,
        n_codes=6,
        code_dim=32,
        width=8,
        stages=(Stage(16, 1), Stage(24, 2), Stage(32, 1)),
        style_width=16,
        coarse=2,
        medium=4,
    ),
    GeneratorConfig(size=16, style_dim=32, n_mlp=2, channels=(16, 12, 8)),
)
COMPACT = PSPConfig(  # what only our own files can hold: patches, no mapping network
    dataclasses.replace(TINY.encoder, patch=2, in_size=64),
    dataclasses.replace(TINY.generator, n_mlp=0),
)


def make(config: PSPConfig = TINY, seed: int = 1) -> PSP:
    torch.manual_seed(seed)
    model = PSP(config)
    model.latent_avg.normal_()
    return model.eval()


def official(model: PSP, **opts: object) -> dict[str, Any]:
    """What the official code would have saved of ``model``."""
    state = model.state_dict()
    average = state.pop("latent_avg")
    return {
        "state_dict": state,
        "latent_avg": average,
        "opts": {"encoder_type": "GradualStyleEncoder", **opts},
    }


def save_pt(path: Path, content: object, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, **options)  # type: ignore[arg-type]
    return path


def assert_same(a: PSP, b: PSP) -> None:
    assert a.config == b.config
    other = b.state_dict()
    for key, value in a.state_dict().items():
        assert torch.equal(value, other[key]), key


def entry_for(content: bytes, **changes: Any) -> ModelEntry:
    base = ModelEntry(
        "fam", "encode", "w.pt", "free", "some/repo", "a" * 40, hashlib.sha256(content).hexdigest()
    )
    return dataclasses.replace(base, **changes)


def settle() -> None:
    """Wait until a conversion has its seal."""
    for thread in threading.enumerate():
        if thread.name == SETTLING:
            thread.join()

"""Models small enough to build in a test: the same code as the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from psp.checkpoints.generators import save_generator
from psp.models.compact import CompactConfig
from psp.models.encoder import EncoderConfig, EncoderKind
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.mobile import MobileConfig
from psp.models.psp import PSP, PSPConfig

Sight = Literal["photo", "drawing", "none"]


def compact_config(kind: EncoderKind = "gradual", n_mlp: int = 2, size: int = 32) -> PSPConfig:
    """8 codes of 32 at 32 px."""
    n_codes = {16: 6, 32: 8}[size]
    return PSPConfig(
        EncoderConfig(
            kind=kind,
            in_size=32,
            n_codes=n_codes,
            code_dim=32,
            patch=2,
            width=16,
            stages=(Stage(16, 1), Stage(16, 1), Stage(16, 1)),
            style_width=16,
            coarse=2,
            medium=4,
        ),
        GeneratorConfig(size=size, style_dim=32, n_mlp=n_mlp, channels=(16,) * (n_codes // 2)),
    )


def mobile_config(corrections: int = 2, *, in_channels: int = 3, sight: Sight = "none") -> PSPConfig:
    """A compact encoder on a MobileStyleGAN, 11 codes of 32 at 64 px."""
    generator = MobileConfig(size=64, style_dim=32, n_mlp=2, channels=(16, 16, 8, 8))
    encoder = CompactConfig(
        in_channels=in_channels,
        in_size=64,
        n_codes=generator.n_codes,
        code_dim=32,
        width=16,
        stages=(Stage(16, 1), Stage(16, 1), Stage(16, 1)),
        pyramid=8,
        vector=16,
        sight=sight,
        corrections=corrections,
    )
    return PSPConfig(encoder, generator)


def save_compact_generator(path: Path, config: PSPConfig | None = None, seed: int = 0) -> Path:
    """Write the generator of a small model, as ``train-generator`` does, and return the file."""
    model = compact_model(config, seed)
    save_generator(path, model.decoder, model.w_avg, {})
    return path


def compact_model(config: PSPConfig | None = None, seed: int = 0) -> PSP:
    """A model with seeded weights, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PSP(config or compact_config()).eval()

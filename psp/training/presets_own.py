"""Presets for a domain of one's own, on a small generator of ``train-generator``'s: minutes on a CPU."""

from __future__ import annotations

from collections.abc import Callable

from psp.losses.objective import LossWeights
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.psp import PSPConfig
from psp.training.config import DataConfig, OptimizerConfig, TrainConfig, VaryConfig

_SHAPE = PSPConfig(
    EncoderConfig(
        in_size=128,
        n_codes=12,
        patch=4,
        stages=(Stage(96, 2), Stage(128, 1, stride=1), Stage(160, 2), Stage(160, 2)),
        style_width=60,
    ),
    GeneratorConfig(size=128, n_mlp=4, channels=(128, 128, 128, 128, 64, 32)),
)
"""An encoder of 128 px for the generator of ``train-generator --preset small128``, or any other."""


def _small() -> TrainConfig:
    """The paper's way with a small encoder, for pictures of anything; for faces ``losses.identity`` helps."""
    return TrainConfig(
        name="small",
        task="encode",
        model=_SHAPE,
        losses=LossWeights(l2=1.0, l1=0.5, lpips=0.8, identity=0.0, w_norm=0.0005),
        data=DataConfig(vary=VaryConfig(colour=0.5)),
        optimizer=OptimizerConfig(lr=1.5e-3, warmup=800),
        identity="dlib",
        pictures=12_000,
        freeze_norms_from=8_000,
        ema_pictures=1_000,
        mixed_precision="bf16",
        sheet_every=250,
        save_every=250,
    )


OWN_PRESETS: dict[str, Callable[[], TrainConfig]] = {"small": _small}

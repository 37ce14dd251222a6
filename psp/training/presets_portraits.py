"""The presets of the bundled family: compact models at 128 px, trained without a download."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from psp.losses.objective import LossWeights
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.psp import PSPConfig
from psp.training.config import DataConfig, OptimizerConfig, TrainConfig, VaryConfig

PORTRAITS128 = PSPConfig(
    EncoderConfig(
        in_size=128,
        n_codes=12,
        patch=4,
        stages=(Stage(96, 2), Stage(128, 1, stride=1), Stage(160, 2), Stage(160, 2)),
        style_width=60,
    ),
    GeneratorConfig(
        size=128, n_mlp=0, channels=(128, 128, 128, 128, 64, 32), noise_maps_up_to=64, prior_rank=96
    ),
)
"""The bundled family: 128 px, 12 codes of 512."""

_SHARES = (("photo", 0.26), ("photo_uk", 0.20), ("toon", 0.0))
_VARIED = VaryConfig(colour=1.0, shift=0.02, glasses=0.06, hats=0.03, patches=0.05, backgrounds=0.25)
_PICTURES = LossWeights(
    l2=1.0, l1=0.5, lpips=1.0, identity=0.12, identity_share=0.5, w_norm=0.0003, focus=2.0
)


def _portraits128_encode() -> TrainConfig:
    return TrainConfig(
        name="portraits128-encode",
        task="encode",
        model=PORTRAITS128,
        losses=_PICTURES,
        data=DataConfig(shares=_SHARES, vary=_VARIED),
        identity="dlib",
        train_generator=True,
        shares_generator=True,
        pictures=130_000,
        low_size=64,
        low_pictures=8_000,
        freeze_norms_from=16_000,
        mixed_precision="bf16",
        compiled=True,
        precision="int8",
    )


def _portraits128_task(task: str, in_channels: int, trained: tuple[str, ...]) -> TrainConfig:
    """Return a run that starts from the finished encoder of "encode" and keeps its generator."""
    return TrainConfig(
        name=f"portraits128-{task}",
        task=task,
        model=dataclasses.replace(
            PORTRAITS128, encoder=dataclasses.replace(PORTRAITS128.encoder, in_channels=in_channels)
        ),
        losses=dataclasses.replace(_PICTURES, w_norm=0.0, identity_share=1.0, code=0.3),
        data=DataConfig(shares=_SHARES, vary=VaryConfig(colour=0.7)),
        optimizer=OptimizerConfig(lr=2e-3, batch=16, warmup=1600),
        identity="dlib",
        shares_generator=True,
        trained=trained,
        decoded=4,
        pictures=24_000,
        keep_norms=True,
        ema_pictures=2_000,
        mixed_precision="bf16",
        compiled=True,
        precision="int8",
    )


_STEM = ("encoder.input_layer.", "encoder.body.", "encoder.latlayer")
"""All but the map2style networks, which are those of "encode"."""


def _portraits128_sketch() -> TrainConfig:
    return _portraits128_task("sketch_to_face", 1, _STEM)


def _portraits128_segmentation() -> TrainConfig:
    run = _portraits128_task("segmentation_to_face", 19, _STEM)
    return dataclasses.replace(run, data=dataclasses.replace(run.data, vary=VaryConfig()))


def _portraits128_super_resolution() -> TrainConfig:
    early = tuple(f"encoder.body.{unit}." for unit in range(5))
    run = _portraits128_task("super_resolution", 3, ("encoder.input_layer.", *early, "encoder.latlayer"))
    # 32 leaves 4 pixels, which teach little.
    data = dataclasses.replace(run.data, factor_shares=(0.1, 0.15, 0.25, 0.25, 0.15, 0.1))
    optimizer = dataclasses.replace(run.optimizer, lr=1e-3)
    return dataclasses.replace(run, pictures=8_000, data=data, optimizer=optimizer)


def _portraits128_frontalize() -> TrainConfig:
    late = tuple(f"encoder.body.{unit}." for unit in range(3, 7))
    run = _portraits128_task("frontalize", 3, (*late, "encoder.latlayer"))
    losses = dataclasses.replace(run.losses, l2=0.3, l1=0.1, lpips=0.5, identity=0.4, focus=6.0, code=0.2)
    return dataclasses.replace(
        run,
        losses=losses,
        pictures=7_000,
        optimizer=dataclasses.replace(run.optimizer, lr=1e-3),
    )


def _portraits128_toonify() -> TrainConfig:
    """The generator learns to draw cartoons of the same codes; its first layers hold the pose and stay."""
    layers = tuple(f"decoder.convs.{index}." for index in range(2, 10))
    noises = tuple(f"decoder.noises.noise_{index}" for index in (3, 4, 5, 6))
    run = _portraits128_task("toonify", 3, (*layers, *noises, "decoder.to_rgbs.", "encoder.latlayer"))
    return dataclasses.replace(
        run,
        losses=dataclasses.replace(_PICTURES, identity=0.0, w_norm=0.0, focus=3.0),
        data=dataclasses.replace(run.data, shares=(("photo", 0.3), ("photo_uk", 0.2), ("toon", 0.0))),
        optimizer=OptimizerConfig(lr=2e-4, generator_lr=8e-4, batch=8),
        train_generator=True,
        decoded=0,
        pictures=8_000,
    )


def _compact128() -> TrainConfig:
    """The paper's way in a quarter of an hour on two cores: a new encoder for the bundled generator."""
    return TrainConfig(
        name="compact128",
        task="encode",
        model=PORTRAITS128,
        losses=LossWeights(l2=1.0, l1=0.5, lpips=0.8, identity=0.12, w_norm=0.0005, focus=2.0),
        data=DataConfig(shares=_SHARES, vary=VaryConfig(colour=0.5)),
        optimizer=OptimizerConfig(lr=1.5e-3, warmup=800),
        generator="portraits-128",
        identity="dlib",
        pictures=12_000,
        freeze_norms_from=8_000,
        ema_pictures=1_000,
        mixed_precision="bf16",
        sheet_every=250,
        save_every=250,
    )


PORTRAITS_PRESETS: dict[str, Callable[[], TrainConfig]] = {
    "compact128": _compact128,
    "portraits128-encode": _portraits128_encode,
    "portraits128-frontalize": _portraits128_frontalize,
    "portraits128-sketch_to_face": _portraits128_sketch,
    "portraits128-segmentation_to_face": _portraits128_segmentation,
    "portraits128-super_resolution": _portraits128_super_resolution,
    "portraits128-toonify": _portraits128_toonify,
}

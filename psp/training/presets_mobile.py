"""Presets for one's own pictures on the bundled generator at 1024 px: they go on from the bundled models.

Every batch has synthetic pictures, whose codes are known, so that nothing is forgotten for a few photos; the
losses on pictures are the paper's, at 256 px through the true decoder, which takes most of the time.
"""

from __future__ import annotations

from collections.abc import Callable

from psp.losses.objective import LossWeights
from psp.maps.palette import CLASSES
from psp.models.compact import CompactConfig
from psp.models.mobile import MobileConfig
from psp.models.psp import PSPConfig
from psp.training.config import (
    DataConfig,
    DegradeConfig,
    OptimizerConfig,
    SyntheticConfig,
    TrainConfig,
    VaryConfig,
)

_FAMILY = "mobile-1024"
_WORN = DegradeConfig(shift=0.5, scale=0.5, jpeg=0.6, noise=0.5)


def _mobile_encode() -> TrainConfig:
    """Half an hour on two cores, for a few dozen photos or a few thousand."""
    return TrainConfig(
        name="mobile-encode",
        task="encode",
        model=PSPConfig(CompactConfig(corrections=2), MobileConfig()),
        losses=LossWeights(l2=1.0, l1=0.5, lpips=1.0, identity=0.4, w_norm=0.0005, code=0.5, focus=1.8),
        data=DataConfig(
            vary=VaryConfig(colour=0.4, shift=0.02),
            degrade=_WORN,
            synthetic=SyntheticConfig(share=0.75, pictures=512, decoded=1),
        ),
        optimizer=OptimizerConfig(lr=2e-4, warmup=160, decay_from=0.2, clip=1.0, batch=16),
        start=_FAMILY,
        identity="dlib",
        compare_at=256,
        pictures=6_000,
        keep_norms=True,
        ema_pictures=1_000,
        log_every=10,
        sheet_every=100,
        save_every=50,
        measured=24,
    )


def _mobile_task(name: str, task: str, encoder: CompactConfig, data: DataConfig, own: str) -> TrainConfig:
    """Return a run for a task whose trunks and heads are those of "encode" and stay.

    Args:
        name: Its name.
        task: The task.
        encoder: The encoder's shape, as the bundled model has it.
        data: The pictures.
        own: What else of the encoder learns, beside the layers before the trunks.
    """
    return TrainConfig(
        name=name,
        task=task,
        model=PSPConfig(encoder, MobileConfig()),
        losses=LossWeights(l2=1.0, l1=0.5, lpips=1.0, identity=0.3, w_norm=0.0, code=0.6, focus=1.8),
        data=data,
        optimizer=OptimizerConfig(lr=2e-4, warmup=480, decay_from=0.2, clip=1.0, batch=24),
        start=_FAMILY,
        identity="dlib",
        trained=tuple(f"encoder.{part}" for part in ("input_layer.", "body.", "laterals.", own)),
        decoded=2,
        compare_at=256,
        pictures=12_000,
        keep_norms=True,
        ema_pictures=1_500,
        log_every=10,
        sheet_every=100,
        save_every=50,
        measured=24,
    )


_PAIRS = SyntheticConfig(share=0.75, pictures=1024, decoded=1)


def _mobile_sketch() -> TrainConfig:
    encoder = CompactConfig(in_channels=1, sight="drawing")
    return _mobile_task("mobile-sketch", "sketch_to_face", encoder, DataConfig(synthetic=_PAIRS), "sight.")


def _mobile_segmentation() -> TrainConfig:
    encoder = CompactConfig(in_channels=len(CLASSES), sight="none")
    data = DataConfig(synthetic=_PAIRS)
    return _mobile_task("mobile-segmentation", "segmentation_to_face", encoder, data, "unseen")


def _mobile_super_resolution() -> TrainConfig:
    # 32 leaves 8 pixels, which teach little.
    shares = (0.1, 0.15, 0.25, 0.25, 0.15, 0.1)
    vary, few = VaryConfig(colour=0.4), DegradeConfig(shift=0.3, jpeg=0.25, noise=0.1)
    data = DataConfig(vary=vary, degrade=few, synthetic=_PAIRS, factor_shares=shares)
    return _mobile_task("mobile-super-resolution", "super_resolution", CompactConfig(), data, "sight.")


MOBILE_PRESETS: dict[str, Callable[[], TrainConfig]] = {
    "mobile-encode": _mobile_encode,
    "mobile-sketch": _mobile_sketch,
    "mobile-segmentation": _mobile_segmentation,
    "mobile-super-resolution": _mobile_super_resolution,
}

"""The presets of the paper: the official models' numbers, and the same for a domain without faces.

From the paper (arXiv 2008.00951, section 4 and appendix A) and the commands that its authors published. They
trained with batches of 8 on one GPU; a step decodes at the generator's size and compares at 256 px.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from psp.losses.objective import LossWeights
from psp.maps.palette import CLASSES
from psp.models.encoder import EncoderConfig
from psp.models.psp import PSPConfig
from psp.training.config import DataConfig, OptimizerConfig, TrainConfig

_RANGER = OptimizerConfig(
    name="ranger", lr=1e-4, beta1=0.95, beta2=0.999, eps=6.1e-5, warmup=0, decay_from=1.0, clip=0.0, batch=8
)
_STEPS = 500_000


def _paper(name: str, task: str, losses: LossWeights, *, channels: int = 3, flip: bool = True) -> TrainConfig:
    """Return a run of the paper: a new encoder, on ArcFace's backbone, for a frozen generator."""
    return TrainConfig(
        name=name,
        task=task,
        model=PSPConfig(EncoderConfig(in_channels=channels)),
        losses=losses,
        data=DataConfig(flip=flip),
        optimizer=_RANGER,
        generator="stylegan2-ffhq",
        encoder="ir_se50",
        compare_at=256,
        pictures=_STEPS * _RANGER.batch,
        ema_pictures=0,
        log_every=50,
        sheet_every=1000,
        save_every=2500,
        measured=200,
    )


def _ffhq_encode() -> TrainConfig:
    return _paper("ffhq_encode", "encode", LossWeights(l2=1.0, lpips=0.8, identity=0.1, w_norm=0.0))


def _ffhq_frontalize() -> TrainConfig:
    """The face counts ten times as much as what is around it, and identity most of all."""
    losses = LossWeights(l2=0.001, lpips=0.08, l2_crop=0.01, lpips_crop=0.8, identity=1.0, w_norm=0.005)
    return _paper("ffhq_frontalize", "frontalize", losses)


def _celebs_sketch_to_face() -> TrainConfig:
    losses = LossWeights(l2=1.0, lpips=0.8, identity=0.0, w_norm=0.005)
    return _paper("celebs_sketch_to_face", "sketch_to_face", losses, channels=1, flip=False)


def _celebs_seg_to_face() -> TrainConfig:
    losses = LossWeights(l2=1.0, lpips=0.8, identity=0.0, w_norm=0.005)
    return _paper("celebs_seg_to_face", "segmentation_to_face", losses, channels=len(CLASSES), flip=False)


def _celebs_super_resolution() -> TrainConfig:
    losses = LossWeights(l2=1.0, lpips=0.8, identity=0.1, w_norm=0.005)
    return _paper("celebs_super_resolution", "super_resolution", losses, flip=False)


def _toonify() -> TrainConfig:
    """Encodes photos for a generator that was tuned to cartoons; far from the average they lose the style."""
    losses = LossWeights(l2=1.0, lpips=0.8, identity=1.0, w_norm=0.025)
    # The targets are the photos themselves: it is the generator, which the user gives, that draws cartoons.
    # The authors found 6,000 steps best.
    return dataclasses.replace(
        _paper("toonify", "toonify", losses),
        prepared_as="encode",
        generator="",
        pictures=6_000 * _RANGER.batch,
    )


def _domain() -> TrainConfig:
    """For pictures without faces: ``losses.similarity`` can take the place of identity (MoCo's file)."""
    losses = LossWeights(l2=1.0, lpips=0.8, identity=0.0, w_norm=0.0)
    return dataclasses.replace(_paper("domain", "encode", losses), generator="")


PAPER_PRESETS: dict[str, Callable[[], TrainConfig]] = {
    "ffhq_encode": _ffhq_encode,
    "ffhq_frontalize": _ffhq_frontalize,
    "celebs_sketch_to_face": _celebs_sketch_to_face,
    "celebs_seg_to_face": _celebs_seg_to_face,
    "celebs_super_resolution": _celebs_super_resolution,
    "toonify": _toonify,
    "domain": _domain,
}

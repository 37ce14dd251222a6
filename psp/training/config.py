"""What a training run is made of, and the presets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from psp.losses.objective import LossWeights
from psp.models.psp import PSPConfig
from psp.training.vary import VaryConfig


@dataclass(frozen=True)
class DataConfig:
    """Which pictures are drawn, and how they are varied.

    Attributes:
        shares: (source, share) pairs: the share of draws that come from a source (a zip file or folder, by
            its stem). Sources not named share what is left by their number of pictures; 0 leaves one out.
        flip: Whether every second picture is mirrored.
        vary: How pictures are varied beyond that.
    """

    shares: tuple[tuple[str, float], ...] = ()
    flip: bool = True
    vary: VaryConfig = field(default_factory=VaryConfig)


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam with warm-up, a constant stretch, and cosine decay.

    Attributes:
        lr: Learning rate of the encoder.
        generator_lr: Learning rate of the generator, where it is trained. Its weights are all of unit size
            (equalised learning rate), so it bears more than the encoder.
        final: Fraction of the learning rates that is left at the end.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        warmup: Pictures over which the rate rises from 0.
        decay_from: Fraction of the run after which the rate falls.
        clip: Largest norm of the gradient.
        batch: Pictures a step.
    """

    lr: float = 1e-3
    generator_lr: float = 4e-3
    final: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    warmup: int = 1600
    decay_from: float = 0.3
    clip: float = 2.0
    batch: int = 8


@dataclass(frozen=True)
class TrainConfig:
    """One run, whole.

    Attributes:
        name: Name of the preset.
        task: The task that the model is for.
        model: The shape of the model.
        losses: The objective.
        data: The pictures.
        optimizer: The optimizer.
        identity: Whose face network the identity term asks: ArcFace's (the paper; a download) or dlib's
            (comes with the requirements).
        train_generator: Whether the generator learns too (no pretrained one), or is frozen (the paper).
        trained: Beginnings of the names of the parameters that learn, such as "encoder.body."; the others
            stay as the model to start from has them. Empty: all.
        decoded: How many pictures of a batch are decoded for the losses on pictures; the others count by
            their codes alone. 0: all.
        pictures: Length of the run, in pictures drawn.
        low_size: Resolution of the output during the first ``low_pictures``; 0: full from the start.
        low_pictures: Pictures trained at ``low_size``.
        freeze_norms_from: From this many pictures on, batch norms use fixed statistics; 0: never. Those of a
            small batch shake the codes, and everything finer than the shaking is lost.
        keep_norms: Whether batch norms keep the statistics of the model to start from. One that was trained
            with fixed statistics needs this: its features have long left what a batch would measure.
        ema_pictures: Half-life of the weights' moving average, in pictures.
        half: Whether the networks compute in bfloat16 (weights stay in float32).
        compiled: Whether the step is compiled (torch.compile; needs a C++ compiler on a CPU): half again as
            fast on two cores, after three minutes.
        precision: How the finished model's weights are stored.
        seed: Seed of the weights, the draws and the variations.
        log_every: Steps between log lines.
        sheet_every: Steps between picture sheets and held-out figures.
        save_every: Steps between checkpoints.
    """

    name: str
    task: str
    model: PSPConfig
    losses: LossWeights = field(default_factory=LossWeights)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    identity: Literal["arcface", "dlib"] = "arcface"
    train_generator: bool = False
    trained: tuple[str, ...] = ()
    decoded: int = 0
    pictures: int = 100_000
    low_size: int = 0
    low_pictures: int = 0
    freeze_norms_from: int = 0
    keep_norms: bool = False
    ema_pictures: int = 5_000
    half: bool = False
    compiled: bool = False
    precision: Literal["float32", "half", "int8"] = "half"
    seed: int = 0
    log_every: int = 20
    sheet_every: int = 1000
    save_every: int = 500

    def size_at(self, pictures: int) -> int:
        """Return the output resolution after ``pictures``."""
        full = self.model.generator.size
        return self.low_size if self.low_size and pictures < self.low_pictures else full

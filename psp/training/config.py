"""What a training run is made of, and the presets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from psp.errors import TrainingError
from psp.losses.objective import LossWeights
from psp.models.encoder import EncoderConfig
from psp.models.generator import GeneratorConfig
from psp.models.irse import Stage
from psp.models.psp import PSPConfig


@dataclass(frozen=True)
class DataConfig:
    """Which pictures are drawn, and how they are varied.

    Attributes:
        shares: (source, share) pairs: the share of draws that come from a source (a zip file or folder, by
            its stem). Sources not named share what is left by their number of pictures; 0 leaves one out.
        flip: Whether every second picture is mirrored.
        jitter: Largest relative change of brightness, contrast and saturation; 0: none.
    """

    shares: tuple[tuple[str, float], ...] = ()
    flip: bool = True
    jitter: float = 0.0


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
        train_generator: Whether the generator learns too (no pretrained one), or is frozen (the paper).
        pictures: Length of the run, in pictures drawn.
        low_size: Resolution of the output during the first ``low_pictures``; 0: full from the start.
        low_pictures: Pictures trained at ``low_size``.
        freeze_norms_from: From this many pictures on, batch norms use fixed statistics; 0: never. Those of a
            small batch shake the codes, and everything finer than the shaking is lost.
        ema_pictures: Half-life of the weights' moving average, in pictures.
        half: Whether the networks compute in bfloat16 (weights stay in float32).
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
    train_generator: bool = False
    pictures: int = 100_000
    low_size: int = 0
    low_pictures: int = 0
    freeze_norms_from: int = 0
    ema_pictures: int = 5_000
    half: bool = False
    seed: int = 0
    log_every: int = 20
    sheet_every: int = 1000
    save_every: int = 500

    def size_at(self, pictures: int) -> int:
        """Return the output resolution after ``pictures``."""
        full = self.model.generator.size
        return self.low_size if self.low_size and pictures < self.low_pictures else full


PORTRAITS128 = PSPConfig(
    EncoderConfig(
        in_size=128,
        n_codes=12,
        patch=4,
        stages=(Stage(96, 2), Stage(128, 1, stride=1), Stage(160, 2), Stage(160, 2)),
        style_width=60,
    ),
    GeneratorConfig(size=128, n_mlp=0, channels=(128, 128, 128, 128, 64, 32), noise_maps_up_to=64),
)
"""The bundled family: 128 px, 12 codes of 512; the files stay under 10 MB in half precision."""


def _portraits128_encode() -> TrainConfig:
    return TrainConfig(
        name="portraits128-encode",
        task="encode",
        model=PORTRAITS128,
        losses=LossWeights(l2=1.0, l1=0.5, lpips=1.0, identity=0.0, w_norm=0.0003, focus=2.0),
        data=DataConfig(shares=(("photo", 0.27), ("photo_uk", 0.18), ("toon", 0.0)), jitter=0.15),
        train_generator=True,
        pictures=80_000,
        low_size=64,
        low_pictures=8_000,
        freeze_norms_from=48_000,
        half=True,
    )


_PRESETS: dict[str, Callable[[], TrainConfig]] = {"portraits128-encode": _portraits128_encode}


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(_PRESETS)


def preset(name: str) -> TrainConfig:
    """Return the preset called ``name``.

    Raises:
        TrainingError: There is none.
    """
    if name not in _PRESETS:
        raise TrainingError(f"There is no preset called {name!r}.", f"Known: {', '.join(_PRESETS)}.")
    return _PRESETS[name]()

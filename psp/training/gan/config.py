"""What the training of a generator is made of, and its presets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from psp.errors import TrainingError
from psp.models.discriminator import DiscriminatorConfig
from psp.models.generator import GeneratorConfig
from psp.training.config import DataConfig


@dataclass(frozen=True)
class GanConfig:
    """One run of a generator against a discriminator, whole.

    Attributes:
        name: Name of the preset.
        generator: The generator's shape; it has a mapping network.
        discriminator: The discriminator's shape, of the same size.
        data: The pictures, mirrored at most: the generator would learn other variations.
        generator_lr: Adam's learning rate of the generator.
        discriminator_lr: Adam's learning rate of the discriminator.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        batch: Pictures a step, real and made; a multiple of 4 suits the minibatch deviation.
        r1: γ of the gradient penalty on real pictures.
        r1_every: Steps between two penalties (lazy regularisation); 0: never.
        path: Weight of the path length regularisation; 0: none.
        path_every: Steps between two path length regularisations.
        mixing: Share of made pictures whose codes come from two w, crossing over at a random layer.
        ema_pictures: Half-life of the averaged generator, in pictures.
        ada_target: Mean sign of D on real pictures that the augmentation aims at.
        ada_pictures: Pictures over which the probability of augmentation would rise from 0 to 1; 0: none.
        ada_every: Steps between two changes of the probability.
        pictures: Length of the run, in real pictures drawn.
        half: Whether the networks compute in bfloat16 on CUDA (weights and penalties stay in float32).
        seed: Seed of the weights, the draws and the variations.
        log_every: Steps between log lines.
        sheet_every: Steps between picture sheets and Fréchet distances.
        save_every: Steps between checkpoints.
        frechet_pictures: Pictures of each set in the Fréchet distance; 0: none is measured.
    """

    name: str
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    data: DataConfig = field(default_factory=DataConfig)
    generator_lr: float = 2.5e-3
    discriminator_lr: float = 2.5e-3
    beta1: float = 0.0
    beta2: float = 0.99
    batch: int = 32
    r1: float = 1.0
    r1_every: int = 16
    path: float = 0.0
    path_every: int = 4
    mixing: float = 0.9
    ema_pictures: int = 10_000
    ada_target: float = 0.6
    ada_pictures: int = 500_000
    ada_every: int = 4
    pictures: int = 1_000_000
    half: bool = False
    seed: int = 0
    log_every: int = 20
    sheet_every: int = 1000
    save_every: int = 500
    frechet_pictures: int = 2048

    def __post_init__(self) -> None:
        assert self.generator.n_mlp > 0, "a generator without a mapping network makes nothing from z"
        assert self.generator.size == self.discriminator.size, "generator and discriminator differ in size"


def _small128() -> GanConfig:
    return GanConfig(
        name="small128",
        generator=GeneratorConfig(size=128, n_mlp=4, channels=(128, 128, 128, 128, 64, 32)),
        discriminator=DiscriminatorConfig(size=128, channels=(192, 192, 192, 128, 64, 32)),
        r1=0.5,
        ada_pictures=300_000,
        pictures=3_000_000,
        half=True,
    )


_PRESETS: dict[str, Callable[[], GanConfig]] = {"small128": _small128}


def gan_preset_names() -> tuple[str, ...]:
    """Return the names of all presets of generators."""
    return tuple(_PRESETS)


def gan_preset(name: str) -> GanConfig:
    """Return the preset called ``name``.

    Raises:
        TrainingError: There is none.
    """
    if name not in _PRESETS:
        raise TrainingError(
            f"There is no preset of a generator called {name!r}.", f"Known: {', '.join(_PRESETS)}."
        )
    return _PRESETS[name]()

"""What a training run is made of; ``presets`` has the runs that the studio knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from psp.errors import SettingsError
from psp.losses.objective import LossWeights
from psp.maps.classes import MapClasses, named_classes, numbered_classes
from psp.maps.palette import CLASSES, FACE_CLASSES
from psp.models.psp import PSPConfig
from psp.tasks import TASKS


@dataclass(frozen=True)
class VaryConfig:
    """How often and how far pictures are varied; not at all by default.

    Attributes:
        colour: Strength of changes of exposure, contrast, gamma, saturation and white balance; 1: photos in
            any light. 0: none.
        shift: Largest move, as a fraction of the side; turns (in radians) and scales go as far.
        glasses: Fraction of pictures that get drawn glasses, half of them dark.
        hats: Fraction of pictures whose top is covered by a drawn hat.
        patches: Fraction of pictures with a rectangle of another picture in them.
        backgrounds: Fraction of pictures that are put before another background (needs maps).
    """

    colour: float = 0.0
    shift: float = 0.0
    glasses: float = 0.0
    hats: float = 0.0
    patches: float = 0.0
    backgrounds: float = 0.0


@dataclass(frozen=True)
class DegradeConfig:
    """What is done to pictures before the encoder sees them, to which share of them; the targets stay clean.

    Attributes:
        shift: Turned, scaled and moved by a little, as a misplaced landmark would.
        scale: Scaled down, to a quarter at least, and up again.
        jpeg: Compressed as JPEG, quality 30 to 95.
        noise: With noise, up to 7.5 of 255.
    """

    shift: float = 0.0
    scale: float = 0.0
    jpeg: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class SyntheticConfig:
    """Pictures that the generator draws by seeds, whose codes are known (see ``data.synthetic``).

    Attributes:
        share: Share of a batch; 0: none.
        pictures: How many are rendered, once, and kept, where no GPU renders new ones for every step.
        decoded: How many of a batch's are decoded for the losses on pictures; the others have their codes.
    """

    share: float = 0.0
    pictures: int = 1024
    decoded: int = 0


@dataclass(frozen=True)
class DataConfig:
    """Which pictures are drawn, and how they are varied.

    Attributes:
        shares: (source, share) pairs: the share of draws that come from a source (a zip file or folder, by
            its stem). Sources not named share what is left by their number of pictures; 0 leaves one out.
        flip: Whether every second picture is mirrored.
        vary: How pictures are varied beyond that, inputs and targets alike.
        degrade: What happens to the inputs alone, where the encoder sees photos.
        synthetic: How many pictures of a batch the generator draws, beside those of the sources.
        resize_factors: Super-resolution: how many times fewer pixels a side the input has, drawn anew for
            each picture.
        factor_shares: How often each factor is drawn; empty: all alike (the paper).
    """

    shares: tuple[tuple[str, float], ...] = ()
    flip: bool = True
    vary: VaryConfig = field(default_factory=VaryConfig)
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    resize_factors: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    factor_shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer, with warm-up, a constant stretch, and cosine decay.

    Attributes:
        name: "adam", or "ranger" (the paper).
        lr: Learning rate of the encoder.
        final: Fraction of the learning rate that is left at the end.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root of the second moment.
        warmup: Pictures over which the rate rises from 0.
        decay_from: Fraction of the run after which the rate falls; 1: never.
        clip: Largest norm of the gradient; 0: any.
        batch: Pictures a step, synthetic ones too, of all processes and accumulated gradients together.
    """

    name: Literal["adam", "ranger"] = "adam"
    lr: float = 1e-3
    final: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
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
        prepared_as: The task whose inputs and targets are made of the pictures; empty: ``task``.
        model: The shape of the model; the generator's is that of the generator to start from, where there is
            one. ``model.encoder.in_channels`` is 3 for colour, 1 for sketches, and for maps the number of
            classes (the official ``label_nc``).
        losses: The objective.
        data: The pictures.
        optimizer: The optimizer.
        start: The model to start from, where the command line names neither one nor a generator: a family
            or a path. Of a family or folder, the model of the run's task, or else that for photos. Empty:
            fresh weights on a generator.
        generator: The pretrained generator, where the command line names none: a file of the registry, or a
            family. Empty: none.
        encoder: What the encoder starts from, where the model does not start from another: "random" weights,
            or those of ArcFace's IR-SE50 ("ir_se50", the paper; its first layer only where it takes colour).
        start_from_w_avg: Whether codes are learned relative to the average code (the paper).
        identity: Whose face network the identity term asks: ArcFace's (the paper; a download) or dlib's
            (comes with the requirements).
        trained: Beginnings of the names of the parameters that learn, such as "encoder.body."; the others
            stay as the model to start from has them. Empty: all of the encoder. The generator is frozen.
        decoded: How many of a batch's pictures, those of the data, are decoded for the losses on pictures.
            0: all.
        compare_at: Size in pixels at which the losses compare pictures; larger results are averaged down to
            it (the paper: 256). 0: the size of the output.
        pictures: Length of the run, in pictures drawn.
        freeze_norms_from: From this many pictures on, batch norms use fixed statistics; 0: never. Those of a
            small batch shake the codes, and everything finer than the shaking is lost.
        keep_norms: Whether batch norms keep the statistics of the model to start from. One that was trained
            with fixed statistics needs this: its features have long left what a batch would measure.
        ema_pictures: Half-life of the weights' moving average, in pictures; 0: none is taken (the paper).
        mixed_precision: What the networks compute in: "no" (float32), "bf16", or "fp16" (with scaled losses;
            on a GPU). Weights stay in float32.
        compiled: Whether the step is compiled (torch.compile; needs a C++ compiler on a CPU): half again as
            fast on two cores, after three minutes.
        precision: How the finished model's weights are stored.
        seed: Seed of the weights, the draws and the variations.
        log_every: Steps between log lines.
        sheet_every: Steps between picture sheets and held-out figures.
        save_every: Steps between checkpoints.
        measured: How many held-out pictures the figures are taken on; the best figure makes the best model.
        classes: For maps: what each class is called, with its colour if need be ("sky #87ceeb"); as many as
            the encoder has channels. Empty: the 19 of faces, or numbers in the colours of PASCAL VOC.
    """

    name: str
    task: str
    model: PSPConfig
    losses: LossWeights = field(default_factory=LossWeights)
    data: DataConfig = field(default_factory=DataConfig)
    prepared_as: str = ""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    start: str = ""
    generator: str = ""
    encoder: Literal["random", "ir_se50"] = "random"
    start_from_w_avg: bool = True
    identity: Literal["arcface", "dlib"] = "arcface"
    trained: tuple[str, ...] = ()
    decoded: int = 0
    compare_at: int = 0
    pictures: int = 100_000
    freeze_norms_from: int = 0
    keep_norms: bool = False
    ema_pictures: int = 5_000
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    compiled: bool = False
    precision: Literal["float32", "half", "int8"] = "half"
    seed: int = 0
    log_every: int = 20
    sheet_every: int = 1000
    save_every: int = 500
    measured: int = 64
    classes: tuple[str, ...] = ()

    @property
    def map_classes(self) -> MapClasses | None:
        """The classes of the maps that the encoder sees; None: it sees no maps.

        Raises:
            SettingsError: They are not as many as the encoder has channels, or cannot be.
        """
        task, channels = self.prepared_as or self.task, self.model.encoder.in_channels
        if task not in TASKS or TASKS[task].kind != "mask":
            return None
        if self.classes:
            named = named_classes(self.classes)
            if len(named) != channels:
                raise SettingsError(
                    f"{len(named)} classes are named, but the encoder takes {channels}.",
                    "Name as many as --label-nc says.",
                )
            return named
        return FACE_CLASSES if channels == len(CLASSES) else numbered_classes(channels)

    @property
    def synthetic_batch(self) -> int:
        """Synthetic pictures a step; at least one picture of a batch is the data's."""
        batch = self.optimizer.batch
        return min(round(self.data.synthetic.share * batch), batch - 1)

    @property
    def data_batch(self) -> int:
        """Pictures of the data a step."""
        return self.optimizer.batch - self.synthetic_batch

    @property
    def compared_size(self) -> int:
        """The size at which the losses compare pictures."""
        size = self.model.generator.size
        return min(size, self.compare_at) if self.compare_at else size

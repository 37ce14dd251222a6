"""Limits of every number that a run is made of: what lies outside would end in a traceback or in nonsense."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from psp.errors import CheckpointError, SettingsError
from psp.models.architecture import config_from_json, config_to_json
from psp.models.psp import PSP
from psp.parameters import MAX_SEED
from psp.tasks import MODEL_TASKS, TASKS
from psp.training.bounds import MAX_BATCH, MAX_WORKERS
from psp.training.config import TrainConfig

_MOST = 2**40
# Sizes in the shape of an encoder that only one kind of them has.
_OF_A_KIND = ("style_width", "pyramid", "vector")
_LARGEST = 1e9
# Pixels a side that AlexNet needs.
_SEEN_BY_LPIPS = 32
_NAME = re.compile(r"\w[\w.-]*")  # it becomes the name of a folder


class Named(Protocol):
    """The settings of a run of either kind: a dataclass with a name."""

    @property
    def name(self) -> str:
        """The run's, which becomes its folder's."""


@dataclass(frozen=True)
class _Limits:
    """From ``low`` to ``high``; ``open_low`` and ``open_high``: the limit itself is outside."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def hold(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below  # NaN is neither

    def words(self) -> str:
        if self.high in (_MOST, _LARGEST):
            return (
                f"Take {self.low:g} or more." if not self.open_low else f"Take a number above {self.low:g}."
            )
        inside = " inside" if self.open_low or self.open_high else ""
        return f"Take a number{inside} from {self.low:g} to {self.high:.10g}."


_SHARE = _Limits(0, 1)
_COUNT = _Limits(1, _MOST)
_RATE = _Limits(0, _LARGEST, open_low=True)
_DECAY = _Limits(0, 1, open_high=True)
_ANY_COUNT, _ANY = _Limits(0, _MOST), _Limits(0, _LARGEST)

# By the setting's path; [] stands for each of several values. What is not here may be 0 or more.
_LIMITS = {
    "pictures": _COUNT,
    "log_every": _COUNT,
    "sheet_every": _COUNT,
    "save_every": _COUNT,
    "seed": _Limits(0, MAX_SEED),
    "batch": _Limits(1, MAX_BATCH),
    "optimizer.batch": _Limits(1, MAX_BATCH),
    "optimizer.lr": _RATE,
    "optimizer.eps": _RATE,
    "optimizer.beta1": _DECAY,
    "optimizer.beta2": _DECAY,
    "optimizer.final": _SHARE,
    "optimizer.decay_from": _SHARE,
    "losses.identity_share": _Limits(0, 1, open_low=True),
    "data.shares[][1]": _SHARE,
    "data.resize_factors[]": _Limits(1, 256),
    "data.vary.colour": _Limits(0, 10),
    "data.vary.shift": _SHARE,
    "data.vary.glasses": _SHARE,
    "data.vary.hats": _SHARE,
    "data.vary.patches": _SHARE,
    "data.vary.backgrounds": _SHARE,
    "data.degrade.shift": _SHARE,
    "data.degrade.scale": _SHARE,
    "data.degrade.jpeg": _SHARE,
    "data.degrade.noise": _SHARE,
    "data.synthetic.share": _DECAY,
    "data.synthetic.pictures": _COUNT,
    # of generators
    "generator_lr": _RATE,
    "discriminator_lr": _RATE,
    "beta1": _DECAY,
    "beta2": _DECAY,
    "path_every": _COUNT,
    "ada_every": _COUNT,
    "ada_target": _Limits(-1, 1),
    "mixing": _SHARE,
}


def check_config(config: Named) -> None:
    """Refuse a run that cannot be.

    Raises:
        SettingsError: A number is outside of its limits, or settings do not go together; says which.
    """
    for place, value in _numbers(config):
        limits = _LIMITS.get(re.sub(r"\[\d+\]", "[]", place, count=1))
        if limits is None:
            limits = _ANY if isinstance(value, float) else _ANY_COUNT
        if not limits.hold(value) or not math.isfinite(value):
            raise SettingsError(f"{place} is {value}.", limits.words())
    if not _NAME.fullmatch(config.name):
        raise SettingsError(f"name is {config.name[:40]!r}.", "Take letters, digits, '-', '_' and '.'.")
    if isinstance(config, TrainConfig):
        _check_train(config)


def check_channels(config: TrainConfig) -> None:
    """Refuse an encoder that does not take what is made of the pictures, where no inputs are given.

    Raises:
        SettingsError: It takes other channels.
    """
    task, channels = config.prepared_as or config.task, config.model.encoder.in_channels
    wanted = {"photo": 3, "sketch": 1}.get(TASKS[task].kind, channels)
    if channels != wanted:
        raise SettingsError(
            f"The encoder takes {channels} channels, but what is made of pictures for {task} has {wanted}.",
            f"Set model.encoder.in_channels={wanted}, or give its inputs with --inputs.",
        )


def check_run(*, workers: int, minutes: float | None, accumulate: int = 1) -> None:
    """Refuse what cannot be asked of the machine.

    Raises:
        SettingsError: A number is outside of its limits.
    """
    asked = {
        "workers": (workers, _Limits(0, MAX_WORKERS)),
        "minutes": (1 if minutes is None else minutes, _RATE),
        "accumulate": (accumulate, _Limits(1, MAX_BATCH)),
    }
    for name, (value, limits) in asked.items():
        if not limits.hold(value):
            raise SettingsError(f"{name} is {value}.", limits.words())


def _check_train(config: TrainConfig) -> None:
    _check_model(config)
    data = config.data
    if not data.resize_factors:
        raise SettingsError("data.resize_factors is empty.", "Give at least one, for example [4,8].")
    shares = data.factor_shares
    if shares and (len(shares) != len(data.resize_factors) or not sum(shares) > 0):
        raise SettingsError(
            f"data.factor_shares has {len(shares)} values with a sum of {sum(shares):g}.",
            f"Give one for each of the {len(data.resize_factors)} factors, and some above 0.",
        )
    weights = dataclasses.asdict(config.losses)
    if not any(value for name, value in weights.items() if name not in ("identity_share", "focus")):
        raise SettingsError("All weights in losses are 0.", "Give at least one of them, such as losses.l2=1.")
    if config.losses.code and not config.synthetic_batch:
        raise SettingsError(
            "losses.code counts on synthetic pictures, and a batch has none.",
            "Set data.synthetic.share=0.5, or losses.code=0.",
        )
    compared = config.compared_size
    if config.losses.lpips and compared < _SEEN_BY_LPIPS:
        raise SettingsError(
            f"Pictures would be compared at {compared} px, too few for LPIPS.",
            f"Set compare_at to {_SEEN_BY_LPIPS} or more, or losses.lpips=0.",
        )


def _check_model(config: TrainConfig) -> None:
    """Refuse a model that cannot be built, or is for no task."""
    shape = config.model.encoder
    for name in ("in_channels", "in_size", "n_codes", "code_dim", "patch", "width", *_OF_A_KIND):
        if getattr(shape, name, 1) < 1:
            raise SettingsError(f"model.encoder.{name} is {getattr(shape, name)}.", "Take 1 or more.")
    if (config.prepared_as or config.task) not in MODEL_TASKS:
        raise SettingsError(
            f"There is no training for the task {(config.prepared_as or config.task)[:40]!r}.",
            f"Known: {', '.join(MODEL_TASKS)}.",
        )
    try:
        config_from_json(config_to_json(config.model))
        # Without memory for its weights, but each layer must fit the next.
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            PSP(config.model)
    except CheckpointError as error:
        raise SettingsError(f"The model cannot be built: {error.problem}", "Change model.*.") from error
    except (AssertionError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        raise SettingsError(f"The model cannot be built: {error}.", "Change model.*.") from error


def _numbers(value: object, place: str = "") -> Iterator[tuple[str, int | float]]:
    """Yield the numbers in a config with their places, but for those of the model's shape."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in ("model", "generator", "discriminator"):
                yield from _numbers(
                    getattr(value, field.name), f"{place}.{field.name}" if place else field.name
                )
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{place}[{index}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value

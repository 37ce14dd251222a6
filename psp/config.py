"""Settings of the studio, read from the environment once, at start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from psp.errors import SettingsError

PARSERS = ("auto", "compact", "landmarks", "segformer")
"""What may map photos; see ``psp.inference.face_parser``."""
LOGS = ("requests", "off")
"""What the page writes to standard output; see ``psp.ui.gate.journal``."""

# Digits of a number; no picture, and no queue, is larger.
_LONGEST = 15
# Characters of a value that a message repeats.
_SHOWN = 40
# Characters of a password: fewer can be guessed at two tries a second, and by people who know its owner.
_SHORTEST_PASSWORD = 8
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class Settings:
    """What can be set from outside; every field has a default that works on a laptop with no network.

    Attributes:
        model: ``PSP_MODEL``: the model used where a request says "auto": a family or a path.
        weights_dir: ``PSP_WEIGHTS_DIR``: a folder searched for weight files before the Hub.
        cache_dir: ``PSP_CACHE_DIR``: where converted checkpoints are kept.
        device: ``PSP_DEVICE``: "auto", "cpu", "cuda", "cuda:1", "mps".
        offline: ``PSP_OFFLINE`` or ``HF_HUB_OFFLINE``: never ask the Hub.
        max_pixels: ``PSP_MAX_PIXELS``: pictures with more pixels than this are refused before decoding.
        max_models_mb: ``PSP_MAX_MODELS_MB``: how many megabytes of weights stay in memory, those that models
            share counted once; the least recently used model goes, never one in use.
        max_models: ``PSP_MAX_MODELS``: how many models stay in memory, besides; None: as many as fit.
        queue_size: ``PSP_QUEUE_SIZE``: how many requests may wait on the page's queue.
        max_results: ``PSP_MAX_RESULTS``: how many pictures a request to the page may make: faces x variants.
        max_batch: ``PSP_MAX_BATCH``: how many pictures a batch of the page may have.
        max_seconds: ``PSP_MAX_SECONDS``: how long one request to the page may take, its wait not counted.
        drain_seconds: ``PSP_DRAIN_SECONDS``: how long requests that run may go on when the page is stopped.
        face_parser: ``PSP_FACE_PARSER``: what maps photos: "compact" (the network that comes along),
            "landmarks", "segformer", or "auto": SegFormer where it is installed and its weights are on this
            machine, else compact.
        models_file: ``PSP_MODELS``: a TOML file that names the user's own models; see ``psp.registry.own``.
        max_upload_mb: ``PSP_MAX_UPLOAD_MB``: larger uploads are refused while they come in.
        allowed_hosts: ``PSP_ALLOWED_HOSTS``: names besides its own that the page answers under, with commas
            between them; "*.example.org" is all names below one, "*" is every name.
        auth: ``PSP_AUTH``: name and password without which the page shows nothing; never in a message.
        log: ``PSP_LOG``: "requests" (a line of each on standard output) or "off".
        metrics: ``PSP_METRICS``: whether the page tells figures under "/metrics".
    """

    model: str = "mobile-1024"
    weights_dir: Path | None = None
    cache_dir: Path = Path.home() / ".cache" / "psp-studio"
    device: str = "auto"
    offline: bool = False
    max_pixels: int = 64_000_000
    max_models: int | None = None
    queue_size: int = 32
    face_parser: str = "auto"
    models_file: Path | None = None
    max_results: int = 64
    max_batch: int = 100
    max_seconds: int = 120
    drain_seconds: int = 7
    max_upload_mb: int = 64
    max_models_mb: int = 3000
    allowed_hosts: tuple[str, ...] = ()
    auth: tuple[str, str] | None = field(default=None, repr=False)
    log: str = "requests"
    metrics: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from ``env`` (default: the process environment).

        Raises:
            SettingsError: A variable holds something that cannot be understood.
        """
        env = os.environ if env is None else env
        weights = env.get("PSP_WEIGHTS_DIR", "").strip()
        models = env.get("PSP_MODELS", "").strip()
        return cls(
            model=env.get("PSP_MODEL", "").strip() or cls.model,
            weights_dir=_path("PSP_WEIGHTS_DIR", weights) if weights else None,
            cache_dir=_path("PSP_CACHE_DIR", env.get("PSP_CACHE_DIR", "").strip() or cls.cache_dir),
            device=check_device(env.get("PSP_DEVICE", "").strip() or cls.device),
            offline=_flag(env, "PSP_OFFLINE") or _flag(env, "HF_HUB_OFFLINE"),
            max_pixels=_positive(env, "PSP_MAX_PIXELS", cls.max_pixels),
            max_models_mb=_positive(env, "PSP_MAX_MODELS_MB", cls.max_models_mb),
            max_models=_positive(env, "PSP_MAX_MODELS", 0) or None,
            queue_size=_positive(env, "PSP_QUEUE_SIZE", cls.queue_size),
            max_results=_positive(env, "PSP_MAX_RESULTS", cls.max_results),
            max_batch=_positive(env, "PSP_MAX_BATCH", cls.max_batch),
            max_seconds=_positive(env, "PSP_MAX_SECONDS", cls.max_seconds),
            drain_seconds=_positive(env, "PSP_DRAIN_SECONDS", cls.drain_seconds),
            face_parser=_one_of(env, "PSP_FACE_PARSER", PARSERS),
            models_file=_path("PSP_MODELS", models) if models else None,
            max_upload_mb=_positive(env, "PSP_MAX_UPLOAD_MB", cls.max_upload_mb),
            allowed_hosts=tuple(name for name in env.get("PSP_ALLOWED_HOSTS", "").replace(",", " ").split()),
            auth=_account("PSP_AUTH", env.get("PSP_AUTH", "").strip()),
            log=_one_of(env, "PSP_LOG", LOGS),
            metrics=_flag(env, "PSP_METRICS"),
        )

    def with_model(self, model: str) -> Settings:
        """Return these settings with another default model."""
        return replace(self, model=model)


def check_device(device: str) -> str:
    """Return the name of a device in small letters; whether it is there, ``pick_device`` says.

    Raises:
        SettingsError: No device can have that name.
    """
    name = device.strip().lower()
    if not re.fullmatch(r"auto|(cpu|mps)(:0)?|cuda(:[0-9]{1,2})?", name):
        raise SettingsError(
            f"There is no device {device[:_SHOWN]!r}.", "Known: auto, cpu, cuda, cuda:1, mps."
        )
    return name


def _path(name: str, value: str | Path) -> Path:
    try:
        return Path(value).expanduser()
    except (RuntimeError, ValueError) as error:  # the home of a user who is not there, or is no text
        raise SettingsError(f"{name}={str(value)[:_SHOWN]!r} is no path.", "Write it in full.") from error


def _account(name: str, value: str) -> tuple[str, str] | None:
    """Return name and password, written as "name:password". What was written is not repeated in errors."""
    if not value:
        return None
    user, colon, password = value.partition(":")
    if not (colon and user.strip() == user != "" and value.isprintable()):
        raise SettingsError(f"{name} is no name and password.", "Write it as name:password.")
    if len(password) < _SHORTEST_PASSWORD:
        raise SettingsError(
            f"The password in {name} is too short.",
            f"Take {_SHORTEST_PASSWORD} characters or more: name:password.",
        )
    return user, password


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise SettingsError(f"{name}={value[:_SHOWN]!r} is neither on nor off.", "Set it to 1 or 0.")


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return a choice; the first is the default."""
    value = env.get(name, "").strip().lower() or choices[0]
    if value not in choices:
        raise SettingsError(f"{name}={value[:_SHOWN]!r} is not known.", f"Known: {', '.join(choices)}.")
    return value


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or len(value) > _LONGEST or int(value) == 0:
        raise SettingsError(
            f"{name}={value[:_SHOWN]!r} is not a positive whole number of up to {_LONGEST} digits.",
            f"The default is {default or 'no limit'}.",
        )
    return int(value)

"""Settings come from the environment, with defaults, and say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.config import Settings
from psp.errors import SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "PSP_MODEL": "ffhq-1024",
            "PSP_WEIGHTS_DIR": "/weights",
            "PSP_CACHE_DIR": "/cache",
            "PSP_DEVICE": "cpu",
            "PSP_OFFLINE": "yes",
            "PSP_MAX_PIXELS": "1000",
            "PSP_MAX_MODELS": "3",
            "PSP_MAX_MODELS_MB": "900",
            "PSP_QUEUE_SIZE": "4",
            "PSP_FACE_PARSER": "SegFormer",
            "PSP_MODELS": "/models.toml",
            "PSP_MAX_RESULTS": "5",
            "PSP_MAX_BATCH": "9",
            "PSP_MAX_SECONDS": "6",
            "PSP_DRAIN_SECONDS": "7",
            "PSP_AUTH": "me:a pass:word",
            "PSP_LOG": "Off",
            "PSP_METRICS": "1",
        }
    )
    assert settings == Settings(
        "ffhq-1024",
        Path("/weights"),
        Path("/cache"),
        "cpu",
        True,
        1000,
        3,
        4,
        "segformer",
        Path("/models.toml"),
        max_results=5,
        max_batch=9,
        max_models_mb=900,
        max_seconds=6,
        drain_seconds=7,
        auth=("me", "a pass:word"),
        log="off",
        metrics=True,
    )


def test_the_hubs_own_offline_switch_counts() -> None:
    assert Settings.from_env({"HF_HUB_OFFLINE": "1"}).offline


@pytest.mark.parametrize(
    "env",
    [
        {"PSP_OFFLINE": "perhaps"},
        {"PSP_MAX_PIXELS": "-3"},
        {"PSP_QUEUE_SIZE": "0"},
        {"PSP_MAX_SECONDS": "soon"},
        {"PSP_FACE_PARSER": "magic"},
        {"PSP_LOG": "everything"},
        {"PSP_METRICS": "prometheus"},
    ],
)
def test_nonsense_is_refused_by_name(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(env))):
        Settings.from_env(env)


@pytest.mark.parametrize(
    "given",
    ["hidden!!", ":hidden!!", "me:", "me:hidden!", "me :hidden!!", "me:hidden\nhidden", "me:\x1bhidden!!"],
)
def test_an_account_that_cannot_be_used_is_told_without_what_was_written(given: str) -> None:
    with pytest.raises(SettingsError, match=r"PSP_AUTH.*name:password") as told:
        Settings.from_env({"PSP_AUTH": given})
    assert "hidden" not in repr(told.value) and told.value.__cause__ is None


def test_a_password_is_not_among_what_is_shown_of_the_settings() -> None:
    settings = Settings.from_env({"PSP_AUTH": "me:correct horse"})
    assert settings.auth == ("me", "correct horse")
    assert "correct horse" not in f"{settings} {settings!r}"

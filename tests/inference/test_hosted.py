"""A pipeline's own model goes to the Hub, and a pipeline comes from there, as one is used to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import save_psp
from psp.config import Settings
from psp.errors import ModelNotFoundError, PushError, SettingsError
from tests.checkpoints.conftest import taking_uploads
from tests.checkpoints.loopback_repo import RepoHub
from tests.compact import compact_model

REPO = "me/psp-cats"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[RepoHub]:
    with taking_uploads(RepoHub(), monkeypatch) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return Settings(cache_dir=tmp_path / "cache", device="cpu")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    best = tmp_path / "runs" / "mine" / "best"
    save_psp(compact_model(), best / "encode.safetensors", info={"task": "encode"})
    return best


@pytest.fixture
def face(astronaut: Image.Image) -> Image.Image:
    return astronaut.crop((140, 0, 308, 168))


def test_a_pushed_model_gives_the_same_from_the_hub(
    mine: Path, hub: RepoHub, settings: Settings, face: Image.Image
) -> None:
    own = PspPipeline.from_pretrained(mine, settings)
    pushed = own.push_to_hub(REPO, licence="cc-by-4.0", commit_message="The first cats")
    assert hub.messages == ["The first cats"]
    there = hub.commits[REPO][pushed.commit]
    assert set(there) == {"README.md", "config.json", "encode.safetensors"}
    assert json.loads(there["config.json"])["tasks"]["encode"]["file"] == "encode.safetensors"

    told = own.encode(face, align=False)
    for pipe in (
        PspPipeline.from_pretrained(REPO, settings),
        PspPipeline.from_pretrained(REPO, settings, revision=pushed.commit),
    ):
        made = pipe.encode(face, align=False)
        assert np.array_equal(np.asarray(made.image), np.asarray(told.image))
        assert made.details["model"].partition("@")[0] == REPO
    asked = [place for place in hub.asked if place.startswith("GET") and place.endswith("config.json")]
    assert len(asked) == 1  # by which the Hub counts; both are one commit


def test_a_revision_stays_what_it_was(
    mine: Path, hub: RepoHub, settings: Settings, face: Image.Image
) -> None:
    first = PspPipeline.from_pretrained(mine, settings)
    before = first.push_to_hub(REPO)
    told = first.encode(face, align=False)
    save_psp(compact_model(seed=5), mine / "encode.safetensors", info={"task": "encode"})
    PspPipeline.from_pretrained(mine, settings).push_to_hub(REPO)
    old = PspPipeline.from_pretrained(REPO, settings, revision=before.commit).encode(face, align=False)
    new = PspPipeline.from_pretrained(REPO, settings).encode(face, align=False)
    assert np.array_equal(old.latents, told.latents)
    assert not np.array_equal(new.latents, told.latents)


def test_once_downloaded_no_network_is_needed(
    mine: Path, hub: RepoHub, settings: Settings, face: Image.Image
) -> None:
    PspPipeline.from_pretrained(mine, settings).push_to_hub(REPO)
    there = hub.commits[REPO][hub.heads[REPO]]
    del there["config.json"]  # as in repositories that were made before
    PspPipeline.from_pretrained(REPO, settings).load()
    offline = dataclasses.replace(settings, offline=True)
    assert PspPipeline.from_pretrained(REPO, offline).encode(face, align=False).image


def test_what_is_not_there_is_told_with_the_next_step(hub: RepoHub, settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match=r"me/psp-cats at 'main' cannot be downloaded.*404"):
        PspPipeline.from_pretrained(REPO, settings).load()
    offline = dataclasses.replace(settings, offline=True)
    with pytest.raises(ModelNotFoundError, match=r"offline.*No file or folder here is called me/psp-cats"):
        PspPipeline.from_pretrained(REPO, offline).load()
    with pytest.raises(SettingsError, match="no revision that can be used"):
        PspPipeline.from_pretrained(REPO, settings, revision="../x")
    with pytest.raises(SettingsError, match="goes with a repository"):
        PspPipeline.from_pretrained(settings=settings, revision="main")
    with pytest.raises(PushError, match="not yours to push"):
        PspPipeline(settings).push_to_hub(REPO)
    assert REPO not in hub.commits

"""A model may be named by its repository on the Hub: by who sits at the machine, never by a visitor."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.config import Settings
from psp.errors import ModelNotFoundError, SettingsError
from psp.registry.hub_name import HubName, at_revision, hub_name
from psp.registry.lookup import OWN_FILE, download_path, find_entry
from psp.ui.controls import check_model

COMMIT = "a" * 40


def test_a_repository_is_known_by_its_shape() -> None:
    assert hub_name("me/psp-cats") == HubName("me/psp-cats", "main")
    assert hub_name("me/psp-cats@v1.2") == HubName("me/psp-cats", "v1.2")
    assert hub_name("me/psp-cats@refs/pr/1") == HubName("me/psp-cats", "refs/pr/1")
    for other in (
        "cats",
        "./cats",
        "/me/cats",
        "a/b/c",
        "~/cats",
        "me/cats.pt",
        "me/x.safetensors",
        "me/../x",
    ):
        assert hub_name(other) is None
    for revision in ("", "../up", "a b", "-x", "a@b"):
        assert hub_name(f"me/cats@{revision}") is None
    assert hub_name(Path("me/cats")) is None


def test_what_is_on_this_machine_goes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "encode.safetensors").write_bytes(b"")
    assert hub_name("runs/mine") is None
    assert find_entry("runs/mine", "encode", Settings()).family == OWN_FILE
    assert at_revision("runs/mine", "main") == "runs/mine@main"  # a revision can only mean the Hub
    assert find_entry("runs/mine@main", "encode", Settings()).source == "runs/mine"


def test_its_entry_is_kept_apart_by_revision(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path)
    entry = find_entry("me/cats", "style_mix", settings)
    assert (entry.source, entry.revision, entry.task) == ("me/cats", "main", "encode")
    assert entry.file == "encode.safetensors" and entry.path is None and entry.sha256 is None
    fixed = find_entry(f"me/cats@{COMMIT}", "toonify", settings)
    assert (fixed.family, fixed.revision) == (f"me/cats@{COMMIT}", COMMIT)
    assert download_path(fixed, settings).is_relative_to(tmp_path / "hub" / "me--cats" / COMMIT)


@pytest.mark.parametrize("model", ["me/cats", "me/cats@v1"])
def test_a_visitor_cannot_have_a_repository_downloaded(model: str) -> None:
    with pytest.raises(ModelNotFoundError, match="There is no model called"):
        find_entry(model, "encode", Settings(), allow_path=False)
    with pytest.raises(ModelNotFoundError, match="There is no model called"):
        check_model(model, "encode", Settings())
    owners = Settings(model=model)  # what the owner chose for "auto"
    assert find_entry("auto", "encode", owners, allow_path=False).source == "me/cats"


@pytest.mark.parametrize(
    ("model", "revision", "words"),
    [
        ("mobile-1024", "main", "'mobile-1024' is none.*owner/name"),
        ("me/cats@v1", "v2", "is none"),
        ("", "v2", "is none"),
        (Path("me/cats"), "main", "is none"),
        ("me/cats", "../up", "no revision that can be used"),
        ("me/cats", "", "no revision"),
    ],
)
def test_a_revision_that_cannot_be_is_refused(model: str | Path, revision: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        at_revision(model, revision)


def test_a_folder_that_is_not_there_is_told_as_what_it_may_have_been() -> None:
    told = find_entry("runs/typo", "encode", Settings()).by_hand
    assert "No file or folder here is called runs/typo" in told
    assert "https://huggingface.co/runs/typo/blob/main/encode.safetensors" in told

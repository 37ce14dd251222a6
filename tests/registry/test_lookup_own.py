"""The user's own families beside those of the studio: by name, everywhere, and never in their way."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.config import Settings
from psp.errors import ModelNotFoundError, SettingsError
from psp.registry.lookup import (
    OWN_FILE,
    download_path,
    families,
    file_on_disk,
    find_entry,
    has_model,
    known_models,
    list_models,
    pin_note,
    tasks_of,
)

TOML = """
[mine]
path = "runs/mine"
title = "Mine"
licence = "CC0"
[file]
path = "toonify.safetensors"
[any]
path = "e4e.pt"
tasks = ["encode", "frontalize"]
[gone]
path = "gone/best"
[cats]
hub = "me/psp-cats"
tasks = ["encode", "toonify"]
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for name in (
        "runs/mine/best/encode.safetensors", "runs/mine/best/sketch_to_face.safetensors",
        "toonify.safetensors", "e4e.pt",
    ):  # fmt: skip
        put(tmp_path / name)
    (tmp_path / "models.toml").write_text(TOML)
    return Settings(
        cache_dir=tmp_path / "cache", weights_dir=tmp_path / "weights", models_file=tmp_path / "models.toml"
    )


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_they_come_after_those_of_the_studio(settings: Settings) -> None:
    assert families(settings) == ("mobile-1024", "ffhq-1024", "mine", "file", "any", "gone", "cats")
    assert families(Settings()) == ("mobile-1024", "ffhq-1024")


def test_their_tasks_are_those_whose_files_are_there(settings: Settings, tmp_path: Path) -> None:
    assert tasks_of("mine", settings) == ("encode", "sketch_to_face", "edit", "style_mix")
    assert tasks_of("file", settings) == ("toonify",)
    assert tasks_of("any", settings) == ("encode", "frontalize", "edit", "style_mix")
    assert tasks_of("cats", settings) == ("encode", "toonify", "edit", "style_mix")
    assert tasks_of("gone", settings) == ()
    put(tmp_path / "gone" / "best" / "toonify.safetensors")  # a run may be finished while the page is open
    assert tasks_of("gone", settings) == ("toonify",)


def test_a_request_names_them_but_not_their_paths(settings: Settings, tmp_path: Path) -> None:
    entry = find_entry("mine", "style_mix", settings, allow_path=False)
    assert (entry.family, entry.task, entry.title, entry.licence) == ("mine", "encode", "Mine", "CC0")
    assert entry.path == tmp_path / "runs/mine/best/encode.safetensors"
    assert file_on_disk(entry, settings) == (entry.path, "folder")
    for path in (entry.path, tmp_path / "runs" / "mine"):
        with pytest.raises(ModelNotFoundError, match="no model called"):
            find_entry(str(path), "encode", settings, allow_path=False)


def test_one_can_be_the_default(settings: Settings) -> None:
    assert find_entry("auto", "encode", settings.with_model("mine"), allow_path=False).family == "mine"


def test_a_task_that_one_lacks_is_told_with_those_that_have_it(settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match=r"'mine' does not do 'toonify'.*mobile-1024.*file, cats"):
        find_entry("mine", "toonify", settings)


def test_one_that_is_not_here_says_why_and_breaks_nothing(settings: Settings) -> None:
    with pytest.raises(ModelNotFoundError, match=r"'gone' is not here\. Nothing is at best\..*PSP_MODELS"):
        find_entry("gone", "toonify", settings)
    (status,) = [status for status in list_models(settings) if status.entry.family == "gone"]
    assert (status.where, status.entry.problem) == ("by hand", "Nothing is at best.")
    (settings.models_file or Path()).write_text('[mine]\npath = "runs"\ntasks = ["toonify"]')
    (entry,) = [entry for entry in known_models(settings) if entry.family == "mine"]
    assert entry.problem == "The folder runs has no toonify.safetensors."


def test_all_are_listed_with_where_they_are(settings: Settings) -> None:
    where = {(s.entry.family, s.entry.task): s.where for s in list_models(settings)}
    assert where["mine", "sketch_to_face"] == "folder"
    assert where["any", "frontalize"] == "folder"
    assert where["cats", "toonify"] == "hub"


def test_one_on_the_hub_is_found_in_the_cache_by_the_commit_of_its_branch(settings: Settings) -> None:
    entry = find_entry("cats", "encode", settings)
    assert (entry.source, entry.revision, entry.sha256) == ("me/psp-cats", "main", None)
    assert settings.weights_dir is not None
    put(settings.weights_dir / "encode.safetensors")  # too common a name: it may be another model's
    assert file_on_disk(entry, settings) is None
    put(pin_note(entry, settings)).write_text("c" * 40)
    path = put(settings.cache_dir / "hub" / "me--psp-cats" / ("c" * 40) / "encode.safetensors")
    assert download_path(entry, settings) == path
    assert file_on_disk(entry, settings) == (path, "cache")


def test_a_broken_file_does_not_touch_the_studios_own_models(settings: Settings) -> None:
    assert settings.models_file is not None
    settings.models_file.write_text("[mine")
    assert find_entry("mobile-1024", "encode", settings).bundled
    with pytest.raises(SettingsError, match="not TOML"):
        find_entry("mine", "encode", settings)


@pytest.mark.parametrize("name", ["auto", "ffhq-1024", "e4e-ffhq", "identity", "auxiliary", "face-parsing"])
def test_no_name_of_the_studio_can_be_taken(settings: Settings, name: str) -> None:
    assert settings.models_file is not None
    settings.models_file.write_text(f'[{name}]\npath = "x"')
    with pytest.raises(SettingsError, match="uses itself"):
        families(settings)


def test_a_folder_is_taken_wherever_a_path_is(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = tmp_path / "runs" / "mine" / "best"
    monkeypatch.chdir(tmp_path / "runs")
    for given in (best, str(best), best.parent, "mine", "./mine", "../runs/mine/best/"):
        entry = find_entry(given, "encode", Settings())
        assert entry.family == OWN_FILE and entry.path is not None
        assert entry.path.resolve() == best / "encode.safetensors"
    assert find_entry("auto", "style_mix", Settings(model="mine"), allow_path=False).family == OWN_FILE
    with pytest.raises(ModelNotFoundError, match=r"best has no model for 'toonify'.*encode, sketch_to_face"):
        find_entry(best, "toonify", Settings())
    with pytest.raises(ModelNotFoundError, match="no model called 'mine'"):  # a request from the web
        find_entry("mine", "encode", Settings(), allow_path=False)
    (tmp_path / "runs" / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match="no model called 'empty'"):
        find_entry("empty", "encode", Settings())


def test_the_name_of_a_family_goes_before_a_folder_of_that_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "mine" / "toonify.safetensors")
    monkeypatch.chdir(tmp_path)
    assert find_entry("mine", "encode", settings).family == "mine"


def test_only_what_is_known_to_be_for_a_task_counts_as_its_model(settings: Settings, tmp_path: Path) -> None:
    assert has_model("mine", "encode", settings)
    assert not has_model("mine", "toonify", settings)
    assert not has_model("gone", "encode", settings)
    assert has_model(str(tmp_path / "runs" / "mine"), "encode", settings)
    assert not has_model(str(tmp_path / "runs" / "mine"), "toonify", settings)
    assert not has_model(str(tmp_path / "e4e.pt"), "encode", settings)
    assert has_model("auto", "encode", settings.with_model(str(tmp_path / "runs" / "mine")))
    assert not has_model("auto", "encode", settings.with_model(str(tmp_path / "e4e.pt")))

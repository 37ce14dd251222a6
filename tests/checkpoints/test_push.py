"""A model goes to the Hub with all that it needs, and comes back from there as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from psp.checkpoints import load_psp, save_psp
from psp.checkpoints.hashes import file_sha256
from psp.checkpoints.push import PushPlan, plan_push, push
from psp.config import Settings
from psp.errors import CheckpointError, ModelNotFoundError, PushError, SettingsError
from psp.registry.lookup import list_models
from tests.checkpoints.loopback_repo import RepoHub
from tests.checkpoints.samples import assert_same, make

REPO = "me/psp-cats"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run: an encoder with its generator beside it, and a model that builds on it."""
    model, other = make(), make()
    save_psp(model, tmp_path / "run" / "best" / "encode.safetensors", decoder_file="generator.safetensors")
    first = load_psp(tmp_path / "run", settings=Settings(cache_dir=tmp_path / "made"))
    other.load_state_dict(first.state_dict())
    other.encoder.styles[0].linear.weight.data += 1  # type: ignore[union-attr, operator]
    save_psp(other, tmp_path / "run" / "best" / "toonify.safetensors", base="encode.safetensors")
    (tmp_path / "run" / "last.safetensors").write_bytes(b"the state of the training, which nobody needs")
    return tmp_path / "run"


def by_toml(online: Settings, tmp_path: Path, more: str = "", name: str = "cats") -> Settings:
    """Settings with the pushed repository as an own family that does both tasks."""
    file = tmp_path / f"{name}.toml"
    file.write_text(f'[{name}]\nhub = "{REPO}"\ntasks = ["encode", "toonify"]\n{more}')
    return dataclasses.replace(online, models_file=file)


def planned(run: Path, settings: Settings) -> PushPlan:
    return plan_push(str(run), REPO, settings, "cc-by-4.0")


def test_a_pushed_model_comes_back_as_it_was(
    run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path
) -> None:
    pushed = push(planned(run, online), online, message="The first cats")
    assert repo_hub.heads[REPO] == pushed.commit
    assert pushed.url.endswith(REPO)
    assert set(repo_hub.commits[REPO][pushed.commit]) == {
        "README.md", "config.json", "encode.safetensors", "generator.safetensors", "toonify.safetensors",
    }  # fmt: skip
    assert repo_hub.messages == ["The first cats"]

    settings = by_toml(online, tmp_path)
    repo_hub.asked.clear()
    for task in ("toonify", "encode", "style_mix"):  # the first brings the encoder and the generator too
        local = load_psp(run, task=task, settings=online)
        assert_same(load_psp("cats", task=task, settings=settings), local)
    asked = [place.rpartition("/")[2] for place in repo_hub.asked if "/resolve/" in place]
    # config.json once: the Hub counts downloads by it.
    wanted = ["config.json", "encode.safetensors", "generator.safetensors", "toonify.safetensors"]
    assert sorted(asked) == wanted
    where = {s.entry.task: s.where for s in list_models(settings) if s.entry.family == "cats"}
    assert where == {"encode": "cache", "toonify": "cache"}
    assert_same(load_psp("cats", settings=dataclasses.replace(settings, offline=True)), load_psp(run))


def test_all_files_come_from_the_commit_that_was_first_used(
    run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path
) -> None:
    first = push(planned(run, online), online).commit
    settings = by_toml(online, tmp_path)
    load_psp("cats", settings=settings)
    repo_hub.commit(REPO, {"toonify.safetensors": b"builds on another encoder"})
    assert_same(load_psp("cats", task="toonify", settings=settings), load_psp(run, task="toonify"))
    assert all(first in place for place in repo_hub.asked if "/resolve/" in place)
    fixed = by_toml(online, tmp_path, f'revision = "{first}"', "fixed")
    assert_same(load_psp("fixed", task="toonify", settings=fixed), load_psp(run, task="toonify"))


def test_a_file_beside_it_with_another_hash_is_refused(
    run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path
) -> None:
    push(planned(run, online), online)
    repo_hub.commit(REPO, {"generator.safetensors": b"another generator"})
    with pytest.raises(CheckpointError, match=r"generator\.safetensors is not the file"):
        load_psp("cats", settings=by_toml(online, tmp_path))


def test_a_file_that_leads_out_of_its_folder_is_refused(
    run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path
) -> None:
    repo_hub.create(REPO)
    content = (run / "best" / "encode.safetensors").read_bytes()
    evil = content.replace(b'"generator.safetensors"', b'"../erator.safetensors"')
    assert len(evil) == len(content)
    repo_hub.commit(REPO, {"encode.safetensors": evil})
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_psp("cats", settings=by_toml(online, tmp_path))


def test_what_was_interrupted_goes_on(run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path) -> None:
    push(planned(run, online), online)
    settings = by_toml(online, tmp_path)
    repo_hub.refuse = {"generator": (503, "busy")}
    with pytest.raises(ModelNotFoundError, match=r"generator\.safetensors cannot be downloaded.*503"):
        load_psp("cats", settings=settings)
    with pytest.raises(ModelNotFoundError, match=r"needs generator\.safetensors.*offline"):
        load_psp("cats", settings=dataclasses.replace(settings, offline=True))
    repo_hub.refuse = {}
    assert_same(load_psp("cats", settings=settings), load_psp(run))


def test_a_repository_that_is_not_there_says_what_to_do(
    repo_hub: RepoHub, online: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = by_toml(online, tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"me/psp-cats at 'main' cannot be downloaded.*404"):
        load_psp("cats", settings=settings)
    repo_hub.refuse = {"/api/models": (401, "no")}
    with pytest.raises(ModelNotFoundError, match=r"401.*hf auth login.*cats/encode\.safetensors"):
        load_psp("cats", settings=settings)


def test_a_file_put_there_by_hand_is_taken(run: Path, settings: Settings, tmp_path: Path) -> None:
    assert settings.weights_dir is not None
    folder = settings.weights_dir / "cats"
    folder.mkdir(parents=True)
    for name in ("encode.safetensors", "generator.safetensors"):
        (folder / name).write_bytes((run / "best" / name).read_bytes())
    assert_same(load_psp("cats", settings=by_toml(settings, tmp_path)), load_psp(run))


def test_what_the_hubs_own_client_downloaded_is_taken(run: Path, settings: Settings, tmp_path: Path) -> None:
    cache = tmp_path / "hf" / "hub" / "models--me--psp-cats"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("b" * 40)
    (cache / "snapshots" / ("b" * 40)).mkdir(parents=True)
    for name in ("encode.safetensors", "generator.safetensors"):
        (cache / "snapshots" / ("b" * 40) / name).write_bytes((run / "best" / name).read_bytes())
    assert_same(load_psp("cats", settings=by_toml(settings, tmp_path)), load_psp(run))


def test_pushing_again_sends_only_what_is_new(run: Path, repo_hub: RepoHub, online: Settings) -> None:
    push(planned(run, online), online)
    repo_hub.asked.clear()
    push(planned(run, online), online)
    assert not [place for place in repo_hub.asked if place.startswith("PUT")]


def test_a_private_repository_is_private(run: Path, repo_hub: RepoHub, online: Settings) -> None:
    push(planned(run, online), online, private=True)
    assert repo_hub.private == {REPO}


def test_a_public_repository_does_not_take_what_is_private(
    run: Path, repo_hub: RepoHub, online: Settings
) -> None:
    repo_hub.create(REPO)
    with pytest.raises(PushError, match="there already, and is public"):
        push(planned(run, online), online, private=True)
    assert repo_hub.commits[REPO][repo_hub.heads[REPO]] == {}


def test_a_plan_asks_nobody(run: Path, settings: Settings) -> None:
    plan = planned(run, settings)  # offline
    assert list(plan.files) == ["encode.safetensors", "toonify.safetensors", "generator.safetensors"]
    assert plan.tasks == ("encode", "toonify")
    assert plan.notes == ()


def test_a_single_file_takes_the_name_of_its_task_and_what_it_needs(run: Path, settings: Settings) -> None:
    plan = plan_push(str(run / "best" / "toonify.safetensors"), REPO, settings)
    assert list(plan.files) == ["toonify.safetensors", "encode.safetensors", "generator.safetensors"]
    save_psp(make(), run / "cats.safetensors", info={"task": "frontalize"})
    assert list(plan_push(str(run / "cats.safetensors"), REPO, settings).files) == ["frontalize.safetensors"]
    save_psp(make(), run / "cats.safetensors")
    with pytest.raises(PushError, match=r"what cats\.safetensors is a model for"):
        plan_push(str(run / "cats.safetensors"), REPO, settings)


def test_an_own_family_is_pushed_by_its_name_and_others_are_not(
    run: Path, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[mine]\npath = "run"\n[cats]\nhub = "me/psp-cats"\n[gone]\npath = "gone"')
    settings = dataclasses.replace(settings, models_file=file)
    assert planned(Path("mine"), settings).files == planned(run, settings).files
    with pytest.raises(PushError, match="on the Hub already"):
        plan_push("cats", REPO, settings)
    with pytest.raises(PushError, match="Nothing is at gone"):
        plan_push("gone", REPO, settings)
    for name in ("mobile-1024", "ffhq-1024"):
        with pytest.raises(PushError, match="not yours"):
            plan_push(name, REPO, settings)


@pytest.mark.parametrize(
    ("repo", "licence", "words"),
    [("cats", None, "no repository"), ("me/../x", None, "no repository"), (REPO, "My own\nx: y", "licence")],
)
def test_names_that_the_hub_does_not_take_are_refused(
    run: Path, settings: Settings, repo: str, licence: str | None, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        plan_push(str(run), repo, settings, licence)


def test_a_damaged_or_incomplete_model_is_not_pushed(run: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="There is no file"):
        plan_push(str(tmp_path / "gone"), REPO, settings)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match="has no model"):
        plan_push(str(tmp_path / "empty"), REPO, settings)
    (run / "best" / "generator.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"generator\.safetensors is not the generator"):
        plan_push(str(run), REPO, settings)
    (run / "best" / "generator.safetensors").unlink()
    with pytest.raises(CheckpointError, match="not beside it"):
        plan_push(str(run), REPO, settings)


def test_secrets_in_a_file_are_noticed_before_it_is_uploaded(run: Path, settings: Settings) -> None:
    path = run / "best" / "encode.safetensors"
    (run / "best" / "toonify.safetensors").unlink()
    save_psp(make(), path, info={"data": "/home/me/faces: 300"})
    (note,) = plan_push(str(run), REPO, settings).notes
    assert "encode.safetensors names a path" in note
    save_psp(make(), path, info={"data": "hf_abcdefghijklmnop"})
    with pytest.raises(PushError, match="credential"):
        plan_push(str(run), REPO, settings)


def test_a_file_over_the_limit_is_refused(
    run: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.checkpoints.push._LARGEST", 1000)
    with pytest.raises(PushError, match=r"encode\.safetensors has .* GB"):
        planned(run, settings)


def test_without_a_token_nothing_is_asked(
    run: Path, repo_hub: RepoHub, online: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with pytest.raises(PushError, match=r"no token.*hf auth login.*HF_TOKEN"):
        push(planned(run, online), online)
    with pytest.raises(PushError, match="offline"):
        push(planned(run, online), dataclasses.replace(online, offline=True))
    assert repo_hub.asked == []


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        ("/api/repos/create", 401, r"token \(401\).*hf auth login"),
        ("/api/repos/create", 403, r"may not write to me/psp-cats \(403\).*It says: no way, x"),
        ("/preupload/", 403, "may not write"),
        ("/commit/", 403, "may not write"),
        ("/lfs/", 403, "may not write"),
        ("/commit/", 413, "too large"),
        ("/commit/", 400, "answered 400"),
    ],
)
def test_what_the_hub_refuses_is_told(
    run: Path, repo_hub: RepoHub, online: Settings, part: str, status: int, words: str
) -> None:
    repo_hub.refuse = {part: (status, "no way, /home/me/x hf_abcdefghijklmnop")}
    with pytest.raises(PushError, match=words) as caught:
        push(planned(run, online), online)
    assert "hf_" not in str(caught.value).replace("hf auth", "")
    assert "/home" not in str(caught.value)


def test_no_network_is_told(
    run: Path, repo_hub: RepoHub, online: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PushError, match="cannot be reached"):
        push(planned(run, online), online)


def test_files_are_pushed_byte_by_byte(run: Path, repo_hub: RepoHub, online: Settings) -> None:
    plan = planned(run, online)
    push(plan, online)
    there = repo_hub.commits[REPO][repo_hub.heads[REPO]]
    assert there["README.md"].decode() == plan.card
    assert there["config.json"].decode() == plan.config
    for name, path in plan.files.items():
        assert there[name] == path.read_bytes()
        assert file_sha256(path) in repo_hub.lfs

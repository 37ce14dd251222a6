"""The studio becomes a Space: created, brought up to date in one commit, and every refusal is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from psp.config import Settings
from psp.errors import DeployError
from psp.publish.space import deploy
from psp.publish.space_plan import SpacePlan, plan_space
from tests.publish.conftest import commit
from tests.publish.loopback_space import SpaceHub

REPO = "me/studio"
SECRET = "not-for-anybody"
GOES = {
    ".gitattributes", "README.md", "app.py", "benchmarks/shot.jpg", "docs/a.md", "packages.txt",
    "psp/__init__.py", "psp/main.py", "requirements.txt",
}  # fmt: skip


def planned(checkout: Path, hardware: str | None = None, private: bool = False) -> SpacePlan:
    return plan_space(
        checkout, REPO, hardware=hardware, private=private, secrets=["MY_KEY"], variables=["PSP_MODEL=auto"]
    )


def send(plan: SpacePlan, online: Settings) -> object:
    return deploy(plan, online, {"MY_KEY": SECRET})


def test_a_space_is_created_with_what_was_planned(
    checkout: Path, space_hub: SpaceHub, online: Settings
) -> None:
    plan = planned(checkout, "zero-a10g", private=True)
    done = deploy(plan, online, {"MY_KEY": SECRET, "OTHER": "x"}, "The first")
    assert (done.created, done.deleted) == (True, ())
    assert done.url == f"{space_hub.base}/spaces/{REPO}"
    assert done.commit == space_hub.heads[REPO]
    assert space_hub.private == {REPO}
    assert space_hub.sdk == {REPO: "gradio"} and space_hub.hardware == {REPO: "zero-a10g"}
    assert space_hub.secrets == {"MY_KEY": SECRET} and space_hub.variables == {"PSP_MODEL": "auto"}
    assert space_hub.messages == ["The first"]  # one commit
    there = space_hub.files(REPO)
    assert set(there) == GOES
    for name, path in plan.files.items():
        assert there[name] == path.read_bytes()
    assert there["README.md"].decode() == plan.texts["README.md"]
    assert not any(SECRET.encode() in content for content in there.values())


def test_a_space_is_brought_up_to_date_in_one_commit(
    checkout: Path, space_hub: SpaceHub, online: Settings
) -> None:
    send(planned(checkout), online)
    (checkout / "psp" / "main.py").unlink()
    (checkout / "app.py").write_text("print('anew')\n")
    commit(checkout)
    done = deploy(planned(checkout, "t4-small"), online, {"MY_KEY": SECRET})
    assert (done.created, done.deleted) == (False, ("psp/main.py",))
    assert len(space_hub.messages) == 2
    assert set(space_hub.files(REPO)) == GOES - {"psp/main.py"}
    assert space_hub.files(REPO)["app.py"] == b"print('anew')\n"
    assert space_hub.hardware == {REPO: "t4-small"}


def test_without_a_change_nothing_is_sent(checkout: Path, space_hub: SpaceHub, online: Settings) -> None:
    send(planned(checkout), online)
    space_hub.asked.clear()
    send(planned(checkout), online)
    assert not [place for place in space_hub.asked if place.startswith("PUT")]


def test_what_somebody_else_made_stays(checkout: Path, space_hub: SpaceHub, online: Settings) -> None:
    space_hub.create(REPO)
    space_hub.sdk[REPO] = "gradio"
    head = space_hub.commit(REPO, {"app.py": b"another program"})
    with pytest.raises(DeployError, match="Something else is in the Space"):
        send(planned(checkout), online)
    space_hub.sdk[REPO] = "static"
    space_hub.commits[REPO][head] = {}
    with pytest.raises(DeployError, match="Something else"):
        send(planned(checkout), online)
    assert space_hub.heads[REPO] == head and not space_hub.secrets


def test_a_public_space_does_not_take_what_is_private(
    checkout: Path, space_hub: SpaceHub, online: Settings
) -> None:
    send(planned(checkout), online)
    with pytest.raises(DeployError, match="there already, and is public"):
        send(planned(checkout, private=True), online)


def test_a_commit_in_between_is_not_trodden_on(
    checkout: Path, space_hub: SpaceHub, online: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(planned(checkout), online)
    from huggingface_hub import HfApi

    add_variable = HfApi.add_space_variable

    def meanwhile(api: HfApi, *values: str) -> object:
        space_hub.commit(REPO, {"note.md": b"by hand"})
        return add_variable(api, *values)

    monkeypatch.setattr(HfApi, "add_space_variable", meanwhile)
    (checkout / "app.py").write_text("print('anew')\n")
    with pytest.raises(DeployError, match=r"changed meanwhile \(me/studio, 412\).*Run the command again"):
        send(planned(checkout), online)
    assert space_hub.files(REPO)["note.md"] == b"by hand"
    assert space_hub.files(REPO)["app.py"] == b"print('studio')\n"


@pytest.mark.parametrize("known", [False, True])
def test_hardware_that_costs_is_told_before_anything_is_uploaded(
    checkout: Path, space_hub: SpaceHub, online: Settings, known: bool
) -> None:
    if known:
        send(planned(checkout), online)
    space_hub.pro = False
    before = dict(space_hub.heads)
    with pytest.raises(DeployError, match=r"402.*Subscribe to PRO.*Nothing has changed.*cpu-basic"):
        send(planned(checkout, "zero-a10g"), online)
    assert space_hub.heads == before


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        ("/api/spaces/", 401, r"not accept the token.*Nothing has changed.*hf auth login"),
        ("/api/repos/create", 401, r"not accept the token.*hf auth login"),
        ("/api/repos/create", 403, r"token may not do this.*role 'write'"),
        ("/api/repos/create", 409, "not for this token, or is being changed.*again.*another name"),
        ("/api/repos/create", 429, "patience.*Wait"),
        ("/api/repos/create", 500, "out of order.*later"),
        ("/secrets", 403, "token may not.*was created, and is empty"),
        ("/secrets", 404, "does not find the Space.*OWNER"),
        ("/variables", 400, "does not understand"),
        ("/preupload/", 403, "token may not do this"),
        ("/commit/", 403, "is empty. Secrets and variables may be set"),
        ("/commit/", 413, "too large"),
        ("/commit/", 418, r"The Hub answered \(me/studio, 418\)"),
    ],
)
def test_what_the_hub_refuses_is_told_without_secrets(
    checkout: Path, space_hub: SpaceHub, online: Settings, part: str, status: int, words: str
) -> None:
    space_hub.refuse = {part: (status, f"no way, {SECRET} /home/me/x hf_abcdefghijklmnop")}
    with pytest.raises(DeployError, match=words) as caught:
        send(planned(checkout), online)
    told = str(caught.value)
    assert "no way" in told and SECRET not in told and "/home" not in told
    assert "hf_" not in told
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert not space_hub.messages  # no file has changed


@pytest.mark.parametrize("part", ["/api/spaces/", "/api/repos/create", "/commit/"])
def test_a_connection_that_breaks_is_told_and_leaves_nothing_half(
    checkout: Path, space_hub: SpaceHub, online: Settings, part: str
) -> None:
    space_hub.cut = part
    with pytest.raises(DeployError, match="cannot be reached, or the connection broke"):
        send(planned(checkout), online)
    assert not space_hub.messages
    space_hub.cut = ""
    send(planned(checkout), online)
    assert set(space_hub.files(REPO)) == GOES


def test_without_token_network_or_secret_nothing_is_asked(
    checkout: Path, space_hub: SpaceHub, online: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    plan = planned(checkout)
    with pytest.raises(DeployError, match=r"MY_KEY is not in the environment.*--secret MY_KEY"):
        deploy(plan, online, {})
    with pytest.raises(DeployError, match="offline"):
        send(plan, dataclasses.replace(online, offline=True))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with pytest.raises(DeployError, match=r"no token.*hf auth login.*HF_TOKEN"):
        send(plan, online)
    assert space_hub.asked == []

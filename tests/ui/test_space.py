"""On a Space, and there alone, the page offers to duplicate it and to sign in; nothing else changes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import gradio as gr
import itsdangerous
import pytest
from gradio import oauth

from psp.inference.pipeline import PspPipeline
from psp.ui import space
from psp.ui.app import build_app
from tests.ui.raw_http import Raw
from tests.ui.served import served

SPACE = {"SYSTEM": "spaces", "SPACE_ID": "me/psp", "SPACE_HOST": "me-psp.hf.space"}
OAUTH = {
    "OAUTH_CLIENT_ID": "an-id",
    "OAUTH_CLIENT_SECRET": "a-secret",
    "OAUTH_SCOPES": "openid profile",
    "OPENID_PROVIDER_URL": "https://huggingface.example",
}
OWN = {"Host": "me-psp.hf.space", "Origin": "https://me-psp.hf.space"}


def buttons(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buttons at the top of a page in an environment."""
    for name in (*SPACE, *OAUTH):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(oauth, name, env.get(name), raising=name in OAUTH)  # read when it was imported
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with gr.Blocks() as page:
        space.space_buttons()
    return [type(block).__name__ for block in page.blocks.values() if isinstance(block, gr.Button)]


def test_the_buttons_are_there_on_a_space_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert buttons({}, monkeypatch) == []
    assert buttons(OAUTH, monkeypatch) == []
    assert buttons(SPACE, monkeypatch) == ["DuplicateButton"]
    assert buttons(SPACE | OAUTH, monkeypatch) == ["DuplicateButton", "LoginButton"]


@pytest.mark.parametrize("missing", OAUTH)
def test_a_login_that_gradio_could_not_start_with_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    assert buttons(SPACE | {**OAUTH, missing: ""}, monkeypatch) == ["DuplicateButton"]


def test_without_gradios_packages_for_it_no_login_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "find_spec", lambda name: None if name == "authlib" else object())
    assert buttons(SPACE | OAUTH, monkeypatch) == ["DuplicateButton"]


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline) -> Iterator[gr.Blocks]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (SPACE | OAUTH).items():
            patch.setenv(name, value)
            if name in OAUTH:
                patch.setattr(oauth, name, value)  # read when Gradio was imported
        page = build_app(pipeline)
        with served(page):
            yield page


@pytest.fixture(scope="module")
def raw(page: gr.Blocks) -> Raw:
    return Raw(str(page.local_url))


def signed_in(name: str) -> dict[str, str]:
    """The cookie of somebody who has signed in, as Gradio makes it."""
    key = hashlib.sha256((OAUTH["OAUTH_CLIENT_SECRET"] + "-v4").encode()).hexdigest()
    who = {
        "access_token": "hf_secret",
        "userinfo": {"preferred_username": name},
        "expires_at": time.time() + 99,
    }
    session = base64.b64encode(json.dumps({"oauth_info": who}).encode())
    return {"Cookie": f"session={itsdangerous.TimestampSigner(key).sign(session).decode()}"}


def label(page: gr.Blocks, raw: Raw, headers: dict[str, str]) -> str:
    """What is written on the button of a page that is opened, asked for as the page does."""
    number = next(number for number, entry in page.fns.items() if entry.api_name == "_check_login_status")
    session = uuid.uuid4().hex
    body: dict[str, Any] = {"fn_index": number, "data": [], "session_hash": session}
    assert raw.post("/gradio_api/queue/join", body, **headers).status == 200
    stream = raw.send(f"/gradio_api/queue/data?session_hash={session}", headers=headers).body.decode()
    assert "hf_secret" not in stream
    return re.findall(r'"value":"([^"]*)"', stream)[-1]


def test_the_button_says_who_has_signed_in(page: gr.Blocks, raw: Raw) -> None:
    assert label(page, raw, OWN) == "Sign in with Hugging Face"
    assert label(page, raw, OWN | signed_in("somebody")) == "Logout (somebody)"
    assert label(page, raw, OWN | {"Cookie": "session=forged"}) == "Sign in with Hugging Face"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://me-psp.hf.space.evil.example"])
def test_a_page_of_another_site_does_not_learn_who_has_signed_in(
    page: gr.Blocks, raw: Raw, origin: str
) -> None:
    asked = {"Host": "me-psp.hf.space", "Origin": origin}
    assert label(page, raw, asked | signed_in("somebody")) == "Sign in with Hugging Face"


def test_signing_out_leads_nowhere_else(raw: Raw) -> None:
    for target in ("https://evil.example/x", "//evil.example/x", "/\\evil.example/x"):
        answer = raw.send(f"/logout?_target_url={target}", headers=OWN | signed_in("somebody"))
        assert answer.status == 307 and re.match(r"/[^/\\]", answer.headers["location"])
        assert answer.headers["set-cookie"].startswith("session=null")


def test_the_api_is_that_of_every_studio(raw: Raw, url: str) -> None:
    there = raw.send("/gradio_api/info", headers={"Host": "me-psp.hf.space"}).json
    assert there["named_endpoints"].keys() == Raw(url).send("/gradio_api/info").json["named_endpoints"].keys()
    assert there["unnamed_endpoints"] == {}

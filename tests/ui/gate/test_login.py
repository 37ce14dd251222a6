"""A studio with a password shows nothing without it, on any route, and lets nobody guess quickly."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from gradio.routes import App
from gradio_client import Client, handle_file
from gradio_client.exceptions import AuthenticationError
from PIL import Image
from playwright.sync_api import Browser, expect
from starlette.types import Message, Receive, Scope, Send

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.ui.api.server import offer_tools
from psp.ui.app import build_app, launch_settings
from psp.ui.gate import login as logins
from psp.ui.gate.login import MCP, Login, checker
from psp.ui.gate.requests import path_of
from psp.ui.gate.studio import Studio
from tests.ui.raw_http import Answer, Raw

NAME, PASSWORD = "owner", "pass:wörd-of-many"
# What answers without a login, by the path of the route: the login page and what it is made of.
OPEN = {
    "/",
    "/login",
    "/login/",
    "/static/{path:path}",
    "/assets/{path:path}",
    "/favicon.ico",
    "/theme.css",
    "/manifest.json",
    "/robots.txt",
    "/gradio_api/startup-events",
}


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    own = tmp_path_factory.mktemp("own") / "models.toml"
    own.write_text('[secretfamily]\ntitle = "Secret"\nhub = "me/secret"\n', encoding="utf-8")
    settings = Settings(
        device="cpu",
        offline=True,
        cache_dir=pipeline.settings.cache_dir,
        auth=(NAME, PASSWORD),
        models_file=own,
    )
    page = build_app(PspPipeline(settings))
    assert isinstance(page, Studio)
    offer_tools(page)
    page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings(settings))
    yield page
    page.close()


@pytest.fixture(scope="module")
def raw(page: Studio) -> Raw:
    return Raw(str(page.local_url))


def log_in(raw: Raw, name: str, password: str) -> Answer:
    form = urlencode({"username": name, "password": password}).encode()
    return raw.send("/login", form, headers={"Content-Type": "application/x-www-form-urlencoded"})


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def routes_of(app: App) -> Iterator[tuple[str, set[str]]]:
    """Path and methods of every route, those of routers and mounted apps too."""
    waiting = [("", route) for route in app.routes]
    while waiting:
        before, route = waiting.pop()
        path = before + getattr(route, "path", "")
        inner = getattr(getattr(route, "original_router", route), "routes", None)
        if inner:
            waiting += [(path, each) for each in inner]
        else:
            yield path, set(getattr(route, "methods", None) or {"GET", "POST"})


def test_without_a_login_every_route_is_closed_but_those_of_the_login_page(page: Studio, raw: Raw) -> None:
    answered = set()
    routes = sorted({(path, frozenset(methods)) for path, methods in routes_of(page.app)})
    for path, methods in routes:
        filled = re.sub(r"\{[^}]*\}", "1", path)
        for method in sorted(methods | {"HEAD", "OPTIONS", "PUT"}):
            answer = raw.send(filled, b"{}" if method in ("POST", "PUT") else None, method)
            if answer.status == 404 and (method == "HEAD" or b"has nothing here" in answer.body):
                continue  # closed for everybody
            if answer.status != 401:
                answered.add(path)
            elif method != "HEAD":
                assert b"has a password" in answer.body
    assert answered == OPEN & {path for path, _ in routes}
    assert len(routes) > 60 and any(path.startswith(MCP) for path, _ in routes)


@pytest.mark.parametrize(
    "path",
    [
        "/config",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/openapi.json",
        "/gradio_api/user",
        "/gradio_api/token",
        "/gradio_api/heartbeat/me",
        "/gradio_api/queue/data?session_hash=me",
        "/gradio_api/file=/etc/passwd",
        f"{MCP}/",
        f"{MCP}/sse",
        f"{MCP}/schema",
        f"/{MCP}/schema",
        "/?/x/../config",
        "/logout",
        "/assets/../config",
        "/static/..%2f..%2fconfig",
        "/login",
        "//config",
        "/nothing",
        "/healthz/",
    ],
)
def test_no_address_shows_what_is_behind(raw: Raw, path: str) -> None:
    for headers in ({}, {"Cookie": "access-token-x=1; access-token-unsecure-=; =None"}):
        answer = raw.send(path, headers=headers)
        assert answer.status in (401, 403, 404, 405) or b"auth_required" in answer.body
        assert b"secretfamily" not in answer.body and b'named_endpoints":{"/' not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "call/encode",
        "call/v2/encode",
        "run/encode",
        "queue/join",
        "upload",
        "component_server",
        "cancel",
        "reset",
    ],
)
def test_nothing_can_be_sent(raw: Raw, path: str) -> None:
    answer = raw.post(f"/gradio_api/{path}", {"data": [], "fn_index": 0, "session_hash": "me"})
    assert answer.status == 401 and answer.json["detail"] == answer.json["error"]
    assert "www-authenticate" not in answer.headers  # a browser would open a window


def test_the_login_page_names_no_endpoints_and_no_models(raw: Raw) -> None:
    for path in ("/", "/?view=api", "/?all_endpoints=1&page=x"):
        answer = raw.send(path, headers={"Accept-Encoding": "br"})
        assert answer.status == 200 and b"auth_required" in answer.body
        assert b"/encode" not in answer.body and b"secretfamily" not in answer.body
    cookie = log_in(raw, NAME, PASSWORD).headers["set-cookie"].split(";")[0]
    inside = raw.send("/", headers={"Cookie": cookie})
    assert b"secretfamily" in inside.body and b"/encode" in inside.body


def test_the_clients_own_login_works_and_a_wrong_one_is_refused(
    page: Studio, astronaut: Image.Image, tmp_path: Path
) -> None:
    astronaut.save(tmp_path / "photo.png")
    url = str(page.local_url)
    with pytest.raises(AuthenticationError):
        Client(url, verbose=False)
    with pytest.raises(ValueError, match="Could not login"):
        Client(url, auth=(NAME, "something else"), verbose=False)
    client = Client(url, auth=(NAME, PASSWORD), verbose=False)
    made, _, details = client.predict(
        photo=handle_file(str(tmp_path / "photo.png")), face=0, api_name="/align"
    )
    assert Path(made).is_file() and details["size"] == 256


@pytest.mark.slow
def test_a_person_logs_in_on_the_page(page: Studio, browser: Browser) -> None:
    closed: list[str] = []
    tab = browser.new_page()
    tab.on("response", lambda answer: closed.append(answer.url) if answer.status == 401 else None)
    tab.goto(str(page.local_url))
    tab.get_by_label("username").fill(NAME)
    tab.get_by_label("password").fill(PASSWORD)
    assert closed == []  # the login page needs nothing that is behind it
    tab.get_by_role("button", name="Login").click()
    expect(tab.get_by_role("tab", name="Encode", exact=True)).to_be_visible(timeout=30_000)
    tab.close()


def test_programs_of_mcp_send_the_password_with_each_request(raw: Raw) -> None:
    right = (basic(NAME, PASSWORD), {"Authorization": f"Bearer {PASSWORD}".encode().decode("latin-1")})
    for headers in right:
        assert raw.send(f"{MCP}/schema", headers=headers).status == 200
        assert raw.send("/config", headers=headers).status == 401  # there alone
    wrong = (
        basic(NAME, PASSWORD + "x"),
        basic("other", PASSWORD),
        {"Authorization": "Bearer"},
        {"Authorization": "Basic ?"},
        {"Authorization": f"Basic {PASSWORD}".encode().decode("latin-1")},
        {"Authorization": "Bearer none"},
    )
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    kind = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    answer = raw.send(f"{MCP}/", asked, headers={**kind, **basic(NAME, PASSWORD)})
    assert answer.status == 200 and b"secretfamily" not in answer.body and b"encode" in answer.body
    assert raw.send(f"{MCP}/", asked, headers=kind).status == 401
    for headers in wrong:
        answer = raw.send(f"{MCP}/schema", headers=headers)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic ")
    assert PASSWORD.encode() not in answer.body


def test_guesses_wait_for_each_other_and_too_many_are_sent_away(raw: Raw) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(30) as threads:
        forms = [threads.submit(log_in, raw, NAME, f"guess {number}") for number in range(2)]
        mcp = [threads.submit(raw.send, f"{MCP}/schema", headers=basic(NAME, str(n))) for n in range(2)]
        statuses = [each.result().status for each in (*forms, *mcp)]
    assert statuses == [400, 400, 401, 401]
    assert time.monotonic() - began > 1.4  # half a second from one to the next
    began = time.monotonic()
    assert log_in(raw, NAME, PASSWORD).status == 200 and raw.send(
        f"{MCP}/schema", headers=basic(NAME, PASSWORD)
    )
    assert time.monotonic() - began < 1.9  # right ones do not wait


def test_a_crowd_of_guesses_is_sent_away(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "_MOST_WAITING", 2)
    monkeypatch.setattr(logins, "_PAUSE", 2.0)  # all come while the first ones wait
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(log_in, raw, NAME, f"guess {number}") for number in range(6)]
        statuses = sorted(each.result().status for each in asked)
    assert {400, 429} == set(statuses)


def test_a_form_that_does_not_end_holds_nobody_up(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "_PATIENCE", 3.0)
    slow = {"Content-Length": "50", "Content-Type": "application/x-www-form-urlencoded"}
    with ThreadPoolExecutor(1) as threads:
        never = threads.submit(raw.send, "/login", b"username=", "POST", slow)
        assert log_in(raw, NAME, PASSWORD).status == 200
        assert never.result().status == 408
    assert log_in(raw, NAME, "x" * 20_000).status == 413


def test_any_name_and_password_can_be_held_against_the_right_ones() -> None:
    knows = checker((NAME, PASSWORD))
    assert knows(NAME, PASSWORD)
    assert not any(
        knows(*pair) for pair in (("", ""), (NAME, ""), (NAME, "\ud800"), ("ö", PASSWORD), (PASSWORD, NAME))
    )


def test_the_password_goes_no_further_than_the_gate() -> None:
    import asyncio
    from types import SimpleNamespace

    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def nowhere(message: Message) -> None: ...

    login = Login(app, SimpleNamespace(cookie_id="x", tokens={}), (NAME, PASSWORD))  # type: ignore[arg-type]
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{MCP}/",
        "headers": [(b"authorization", b"Bearer x"), (b"a", b"b")],
    }
    with ThreadPoolExecutor(1) as threads:  # the browser keeps an event loop in this one
        threads.submit(asyncio.run, login(scope, nothing, nowhere)).result()
    assert seen[0]["headers"] == [(b"a", b"b")]


@pytest.mark.parametrize(
    ("path", "root", "known"),
    [
        ("//config", "", "/config"),
        ("/psp/config", "/psp", "/config"),
        ("/psp/config", "/psp/", "/config"),
        ("/pspconfig", "/psp", "/pspconfig"),
        ("/config", "https://a.example/psp", "/config"),
        ("/psp//a", "/psp", "/a"),
        ("/gradio_api/file=//x", "", "/gradio_api/file=//x"),
    ],
)
def test_rules_know_the_path_that_the_routes_know(path: str, root: str, known: str) -> None:
    assert path_of({"path": path, "root_path": root}) == known

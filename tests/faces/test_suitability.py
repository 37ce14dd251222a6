"""Faces that the models hardly know are told, each with what to do; ordinary ones are left in peace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from psp.cli.main import main
from psp.faces.alignment import align, align_all
from psp.faces.detection import Points, aligned_landmarks
from psp.faces.suitability import DOUBT, MIN_SIDE, photo_warnings
from psp.folders.align import align_folder
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.pipeline import PspPipeline
from tests.faces.turning import squeezed
from tests.folders.conftest import read_report

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut).crop


@pytest.fixture(scope="module")
def points(crop: Image.Image) -> Points:
    return aligned_landmarks(np.array(crop))


def with_sunglasses(face: Image.Image, points: Points, colour: str) -> Image.Image:
    covered = face.copy()
    draw = ImageDraw.Draw(covered)
    for eye in (points[36:42].mean(axis=0), points[42:48].mean(axis=0)):
        draw.ellipse((eye[0] - 26, eye[1] - 18, eye[0] + 26, eye[1] + 24), fill=colour)
    return covered


def with_mask(face: Image.Image, points: Points, colour: str) -> Image.Image:
    covered = face.copy()
    outline = np.concatenate([points[28:29], points[14:1:-1]])
    ImageDraw.Draw(covered).polygon([tuple(point) for point in outline], fill=colour)
    return covered


def test_an_ordinary_face_is_left_in_peace(crop: Image.Image) -> None:
    assert photo_warnings(crop, 300) == ()
    assert photo_warnings(ImageOps.mirror(crop), 300) == ()
    assert photo_warnings(crop.resize((1024, 1024)), 300) == ()


def test_a_beard_or_spectacles_are_no_cover() -> None:
    for name in ("hopper.jpg", "synthetic_1.jpg", "synthetic_2.jpg"):
        with Image.open(EXAMPLES / name) as photo:
            assert photo_warnings(align(photo.convert("RGB")).crop, 300) == (), name


def test_a_tiny_face_is_told_with_its_size_unless_small_is_what_is_wanted(crop: Image.Image) -> None:
    (warning,) = photo_warnings(crop, 60.4)
    assert "60 pixels" in warning and "larger photo" in warning
    assert photo_warnings(crop, MIN_SIDE) == ()
    assert photo_warnings(crop, 40, task="super_resolution") == ()


@pytest.mark.parametrize("colour", ["#101012", "#3a2a1c", "#20242e"])
def test_sunglasses_are_told(crop: Image.Image, points: Points, colour: str) -> None:
    (warning,) = photo_warnings(with_sunglasses(crop, points, colour), 300)
    assert "eyes" in warning and "photo that shows them" in warning


@pytest.mark.parametrize("colour", ["#e4e8ec", "#96bedc", "#151518", "#783246"])
def test_a_mask_is_told(crop: Image.Image, points: Points, colour: str) -> None:
    (warning,) = photo_warnings(with_mask(crop, points, colour), 300)
    assert "mouth and chin" in warning


def test_several_troubles_are_told_together(crop: Image.Image, points: Points) -> None:
    both = with_mask(with_sunglasses(crop, points, "#101012"), points, "#e4e8ec")
    assert len(photo_warnings(both, 40)) == 3


def test_a_profile_is_told(crop: Image.Image) -> None:
    (warning,) = photo_warnings(squeezed(squeezed(crop)), 300)
    assert "turned far to the side" in warning and "from the front" in warning
    assert photo_warnings(squeezed(squeezed(crop)), 300, task="frontalize") == ()  # that is what it is for


@pytest.fixture(scope="module")
def badge(astronaut: Image.Image) -> Image.Image:
    """The astronaut with her face covered: what is left to find is a badge on the suit."""
    covered = astronaut.copy()
    ImageDraw.Draw(covered).rectangle((160, 60, 290, 190), fill=(91, 141, 200))
    return covered


def test_a_badge_taken_for_a_face_is_doubted_with_what_to_do(badge: Image.Image) -> None:
    place = align(badge)
    assert not place.sure
    (warning,) = photo_warnings(place.crop, 300, place.sure)
    assert "may be no face" in warning and "align=False" in warning
    assert len(photo_warnings(place.crop, 20, place.sure)) == 2  # tiny as well


def test_faces_that_are_hard_to_find_are_not_doubted(astronaut: Image.Image) -> None:
    head = astronaut.crop((110, 10, 340, 240))
    for side, angle in ((100, 0), (140, 0), (200, 25), (200, 90)):
        scene = Image.new("RGB", (640, 480), (120, 130, 140))
        scene.paste(head.resize((side, side)).rotate(angle, expand=True), (200, 100))
        assert align(scene).sure, (side, angle)
    for path in (*EXAMPLES.iterdir(), *(EXAMPLES.parent / "tiny").iterdir()):
        with Image.open(path) as photo:
            assert all(place.sure for place in align_all(photo.convert("RGB"))), path.name


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the CNN, which takes long and finds nothing on the badge."""
    monkeypatch.setattr("psp.faces.detection._cnn", lambda _: [])


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_doubt_is_told_by_every_interface(
    badge: Image.Image, astronaut: Image.Image, pipeline: PspPipeline, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    badge.save(photos / "badge.png")
    for task in ("encode", "align", "photo_to_sketch", "photo_to_mask", "super_resolution"):
        assert getattr(pipeline, task)(badge).details["warnings"][0] == DOUBT, task
    mixed = pipeline.style_mix(astronaut, style=badge).details["warnings"]
    assert mixed == [f"In the style picture: {DOUBT}"]
    for command, run in (("align", align_folder), ("infer", lambda f: infer_folder(f, Inference("encode")))):
        out = tmp_path / command
        run(Folders(photos, out, 1, False, pipeline.settings, lambda _: None))
        (row,) = read_report(out / f"{command}-report.csv")
        assert row["warnings"].startswith(DOUBT)


@pytest.mark.usefixtures("quick")
def test_the_command_line_prints_the_doubt(
    badge: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    badge.save(tmp_path / "badge.png")
    assert main(["align", str(tmp_path / "badge.png"), "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert f"warning: {DOUBT}" in told.err and DOUBT in json.loads(told.out)["warnings"]

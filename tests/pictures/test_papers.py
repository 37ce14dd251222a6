"""Drawings are read from whatever they lie on; what is no drawing of a face is told with the next step."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from psp.cli.main import main
from psp.errors import PictureError
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.pipeline import PspPipeline
from psp.pictures.papers import put_on_paper, read_drawing
from psp.pictures.sketches import NO_FACE_DRAWN, PHOTO_FOR_SKETCH, photo_to_sketch, read_sketch
from tests.folders.conftest import read_report
from tests.pictures.test_sketches import agreement, drawn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHEET = drawn(3)
BLACK = 255 - SHEET[..., 0]
"""How much ink there is, 0 to 255."""


def layer(*colours: int) -> np.ndarray:
    """The drawing in one colour on a transparent layer."""
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[..., :3] = colours
    pixels[..., 3] = BLACK
    return pixels


def assert_read(drawing: object, wanted: np.ndarray = SHEET) -> None:
    sketch, warnings = read_sketch(drawing)
    side = wanted.shape[0]
    on_lines, found = agreement(sketch.resize((side, side)), wanted)
    assert on_lines > 0.9 and found > 0.9 and warnings == ()


@pytest.mark.parametrize(
    "colours", [(255, 255, 255), (235, 235, 240), (0, 0, 0), (250, 240, 90), (128, 128, 128)]
)
def test_strokes_of_any_colour_on_a_transparent_layer_are_read(colours: tuple[int, int, int]) -> None:
    picture = Image.fromarray(layer(*colours))
    out = io.BytesIO()
    picture.save(out, "PNG")
    for given in (picture, layer(*colours), out.getvalue(), picture.resize((1400, 1400))):
        assert_read(given)


def test_other_kinds_of_transparency_are_read() -> None:
    grey = np.stack([np.full_like(BLACK, 255), BLACK], axis=2)  # white and alpha
    assert_read(grey)
    assert_read(Image.fromarray(grey))
    palette = Image.fromarray((BLACK > 128).astype(np.uint8))
    palette.putpalette([255] * 768)
    out = io.BytesIO()
    palette.save(out, "PNG", transparency=0)
    assert_read(out.getvalue())


def test_white_and_black_strokes_on_one_layer_are_all_read() -> None:
    both = layer(255, 255, 255)
    both[:110, :, :3] = 0
    assert_read(both)


def test_a_sheet_that_was_cut_out_keeps_its_lines() -> None:
    sticker = np.dstack([SHEET, np.zeros((256, 256), np.uint8)])
    cv2.circle(mask := np.zeros((256, 256), np.uint8), (128, 128), 127, 255, -1)
    sticker[..., 3] = mask
    assert_read(sticker)


def test_an_empty_layer_and_an_empty_sheet_are_refused() -> None:
    for empty in (np.zeros((64, 64, 4), np.uint8), np.full((64, 64, 4), 255, np.uint8)):
        with pytest.raises(PictureError, match="empty"):
            read_sketch(empty)


@pytest.mark.parametrize("bar", [0, 40, 255])
@pytest.mark.parametrize("sides", [(0, 90), (90, 0), (60, 60), (3, 3)])
def test_bars_and_frames_are_cut_off(bar: int, sides: tuple[int, int]) -> None:
    sheet = SHEET if bar < 128 else 255 - SHEET  # white bars lie around a blackboard
    down, across = sides
    barred = np.pad(sheet, ((down, down), (across, across), (0, 0)), constant_values=bar)
    out = io.BytesIO()
    Image.fromarray(barred).save(out, "JPEG", quality=85)
    for given in (barred, out.getvalue()):
        picture = put_on_paper(given)
        assert max(abs(length - 256) for length in picture.size) <= 10
        assert read_sketch(given)[1] == ()


def test_margins_of_the_papers_own_colour_stay() -> None:
    for paper, sheet in ((255, SHEET), (0, 255 - SHEET)):
        wide = np.pad(sheet, ((0, 0), (64, 64), (0, 0)), constant_values=paper)
        assert put_on_paper(wide).size == (384, 256)
    for path in (EXAMPLES / "sketches").iterdir():
        with Image.open(path) as example:
            assert np.array_equal(put_on_paper(path), example.convert("RGB")), path.name
        assert read_sketch(path)[1] == (), path.name


@pytest.mark.parametrize(
    ("square", "levels"), [(8, (255, 204)), (13, (255, 191)), (20, (60, 40)), (5, (250, 225))]
)
def test_a_checkerboard_is_paper(square: int, levels: tuple[int, int]) -> None:
    board = np.where((np.indices((256, 256)) // square).sum(axis=0) % 2, *levels)
    ink = BLACK / 255.0
    on_board = board * (1 - ink) + ink * (10 if levels[0] > 128 else 240)
    pixels = np.rint(on_board).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    larger = Image.fromarray(pixels).resize((700, 700), Image.Resampling.BICUBIC)
    for given in (pixels, out.getvalue(), larger):
        assert_read(given)


def test_two_tones_that_are_no_checkerboard_stay() -> None:
    halves = SHEET.copy()
    halves[:, 128:] = halves[:, 128:] * 0.8
    stripes = SHEET.copy()
    stripes[np.indices((256, 256))[1] // 8 % 2 == 1] = 204
    for picture in (halves, stripes):
        assert np.array_equal(put_on_paper(picture), picture)


@pytest.mark.parametrize(("side", "corner"), [(1000, (300, 500)), (3000, (100, 2500))])
def test_a_small_drawing_is_enlarged_and_that_is_told(side: int, corner: tuple[int, int]) -> None:
    sheet = Image.new("RGB", (side, side), "white")
    sheet.paste(Image.fromarray(SHEET), corner)
    ImageDraw.Draw(sheet).text((side - 90, 20), "anno 24", fill="black")  # a signature far from it
    sketch, (warning,) = read_sketch(sheet)
    assert "of its sheet, so it was enlarged" in warning and "crop the sheet" in warning
    rows, columns = np.nonzero(np.asarray(sketch) < 128)
    assert max(np.ptp(rows), np.ptp(columns)) > 0.7 * sketch.width
    assert 0.6 < np.ptp(columns) / np.ptp(rows) < 0.9  # not stretched


def test_a_speck_is_told_and_not_enlarged() -> None:
    sheet = np.full((400, 400, 3), 255, np.uint8)
    cv2.circle(sheet, (200, 200), 9, (0, 0, 0), 2)
    warnings = read_sketch(sheet)[1]
    assert "only a speck" in warnings[0]


def test_a_photo_is_told_to_be_no_drawing(astronaut: Image.Image) -> None:
    for photo in (
        astronaut,
        astronaut.convert("L"),
        astronaut.crop((120, 20, 330, 230)),
        astronaut.resize((1500, 1500)),
    ):
        assert read_sketch(photo)[1] == (PHOTO_FOR_SKETCH,)
    assert "photo_to_sketch" in PHOTO_FOR_SKETCH
    for name in ("hopper.jpg", "synthetic_1.jpg", "synthetic_2.jpg", "synthetic_glasses.jpg"):
        assert read_sketch(EXAMPLES / "photos" / name)[1] == (PHOTO_FOR_SKETCH,), name
    with pytest.raises(PictureError, match="This is a photo"):  # heads alone, with no line between them
        read_sketch(EXAMPLES / "photos" / "two_people.jpg")


@pytest.mark.parametrize("size", [20, 40, 60])
@pytest.mark.parametrize(
    "text", ["HELLO", "Hello world, this is\nsome text alone", "a woman\nwith long hair\nand a smile"]
)
def test_text_alone_is_told_to_be_no_face(text: str, size: int) -> None:
    sheet = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(sheet).text((20, 200), text, fill="black", font=ImageFont.load_default(size))
    assert NO_FACE_DRAWN in read_sketch(sheet)[1]


def test_drawings_are_left_in_peace(astronaut: Image.Image) -> None:
    crop = astronaut.crop((120, 20, 330, 230))
    filled = SHEET.copy()
    cv2.ellipse(filled, (128, 60), (80, 40), 0, 180, 360, (90, 50, 20), -1)  # hair of one colour
    for picture in (
        photo_to_sketch(crop),
        photo_to_sketch(astronaut.resize((256, 256))),
        Image.fromarray(filled),
        Image.fromarray(drawn(1)),
        Image.fromarray(drawn(12)),
        Image.fromarray(drawn(3, (40, 60, 170), (150, 60, 60))),
    ):
        assert read_sketch(picture)[1] == ()


def test_wide_levels_are_scaled_as_ever() -> None:
    wide = SHEET[..., 0].astype(np.uint16) * 257
    for given in (wide, Image.fromarray(wide), SHEET[..., 0] / 255.0):
        assert np.array_equal(read_drawing(given), SHEET)


def test_every_interface_reads_and_tells_the_same(
    pipeline: PspPipeline, astronaut: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "drawings", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(layer(255, 255, 255)).save(folder / "white.png")
    astronaut.save(folder / "photo.png")
    plain = pipeline.sketch_to_face(255 - np.repeat(BLACK[..., None], 3, axis=2), alpha=0.0)
    white = pipeline.sketch_to_face(folder / "white.png", alpha=0.0)
    assert np.abs(np.asarray(white.image, int) - np.asarray(plain.image, int)).mean() < 2
    assert white.details["warnings"] == []
    assert pipeline.sketch_to_face(astronaut).details["warnings"] == [PHOTO_FOR_SKETCH]

    infer_folder(
        Folders(folder, out, 1, False, pipeline.settings, lambda _: None), Inference("sketch_to_face")
    )
    told = {row["file"]: row["warnings"] for row in read_report(out / "infer-report.csv")}
    assert told == {"white.png": "", "photo.png": PHOTO_FOR_SKETCH}

    assert main(["sketch_to_face", str(folder / "photo.png"), "-o", str(tmp_path / "cli")]) == 0
    said = capsys.readouterr()
    assert PHOTO_FOR_SKETCH in said.err and json.loads(said.out)["warnings"] == [PHOTO_FOR_SKETCH]

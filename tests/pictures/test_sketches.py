"""Photos become line drawings, any drawing comes near to their style, and an empty sheet is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from psp.errors import PictureError
from psp.pictures.sketches import normalize_sketch, photo_to_sketch, sketch_to_tensor

ASTRONAUT = Path(__file__).resolve().parent.parent.parent / "examples" / "photos" / "astronaut.jpg"
Colour = tuple[int, int, int]


def astronaut(size: int) -> Image.Image:
    """The face, square, about as an aligned crop shows it."""
    with Image.open(ASTRONAUT) as photo:
        return photo.convert("RGB").crop((120, 20, 330, 230)).resize((size, size), Image.Resampling.BICUBIC)


def drawn(
    width: int, ink: Colour = (20, 20, 20), paper: Colour = (255, 255, 255), side: int = 256
) -> np.ndarray:
    """Head, eyes, nose and mouth in lines of a width."""
    sheet = np.full((side, side, 3), paper, np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * side), round(y * side)

    cv2.ellipse(sheet, at(0.5, 0.5), at(0.3, 0.4), 0, 0, 360, ink, width, cv2.LINE_AA)
    for x in (0.38, 0.62):
        cv2.ellipse(sheet, at(x, 0.45), at(0.07, 0.03), 0, 0, 360, ink, width, cv2.LINE_AA)
    cv2.line(sheet, at(0.5, 0.48), at(0.46, 0.62), ink, width, cv2.LINE_AA)
    cv2.ellipse(sheet, at(0.5, 0.72), at(0.12, 0.05), 0, 0, 180, ink, width, cv2.LINE_AA)
    return sheet


def photographed(sheet: np.ndarray) -> np.ndarray:
    """The sheet in light that falls off to less than a half, with the sensor's noise."""
    height, width = sheet.shape[:2]
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = (1.0 - 0.4 * columns - 0.25 * rows * rows)[..., None] * np.array([1.0, 0.96, 0.85])
    grain = np.random.default_rng(0).normal(0.0, 6.0, sheet.shape)
    return np.clip(sheet * light + grain, 0, 255).astype(np.uint8)


def ink_of(sketch: Image.Image) -> np.ndarray:
    assert sketch.mode == "L"
    return 1.0 - np.asarray(sketch, dtype=np.float64) / 255.0


def apart(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(ink_of(first) - ink_of(second)).mean())


def agreement(sketch: Image.Image, sheet: np.ndarray) -> tuple[float, float]:
    """(share of the ink that lies on a drawn line, share of the lines that carry ink), to two pixels."""
    near = np.ones((5, 5), np.uint8)
    ink, lines = (ink_of(sketch) > 0.5).astype(np.uint8), (sheet.min(axis=2) < 128).astype(np.uint8)
    on_lines = (ink & cv2.dilate(lines, near)).sum() / ink.sum()
    return float(on_lines), float((lines & cv2.dilate(ink, near)).sum() / lines.sum())


def test_a_photo_becomes_few_dark_lines_on_white() -> None:
    ink = ink_of(photo_to_sketch(astronaut(128)))
    assert 0.03 < ink.mean() < 0.15
    assert (ink < 0.02).mean() > 0.7 and ink.max() == 1.0
    assert ink[50:85, 35:95].mean() > 0.03  # eyes, nose and mouth are there


@pytest.mark.parametrize("size", [64, 128, 200, 256, 512, 1024])
def test_a_sketch_has_the_photos_size_and_the_same_look_at_every_size(size: int) -> None:
    sketch = photo_to_sketch(astronaut(size))
    assert sketch.size == (size, size)
    reference, small = photo_to_sketch(astronaut(256)), (64, 64)
    box = Image.Resampling.BOX
    assert apart(sketch.resize(small, box), reference.resize(small, box)) < (0.06 if size == 64 else 0.025)


def test_the_same_photo_gives_the_same_bytes_and_stays_as_it_was() -> None:
    photo = astronaut(128)
    before = photo.tobytes()
    assert photo_to_sketch(photo).tobytes() == photo_to_sketch(photo).tobytes()
    assert photo.tobytes() == before


@pytest.mark.parametrize(("gain", "offset"), [(0.3, 0.0), (0.4, 140.0)])
def test_dark_and_pale_photos_give_about_the_same_lines(gain: float, offset: float) -> None:
    photo = astronaut(128)
    other = Image.fromarray(np.rint(np.asarray(photo) * gain + offset).astype(np.uint8))
    usual, ink = ink_of(photo_to_sketch(photo)), ink_of(photo_to_sketch(other))
    assert 0.7 < ink.mean() / usual.mean() < 1.3
    assert np.corrcoef(usual.ravel(), ink.ravel())[0, 1] > 0.85


@pytest.mark.parametrize("level", [0, 100, 255])
def test_flat_regions_stay_white_even_with_a_cameras_noise(level: int) -> None:
    noise = np.random.default_rng(0).normal(level, 1.0, (128, 128, 3))
    assert ink_of(photo_to_sketch(Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)))).mean() < 0.01


def test_an_edge_gives_one_straight_line() -> None:
    photo = np.full((128, 128, 3), 180, np.uint8)
    photo[:, 64:] = 90
    ink = ink_of(photo_to_sketch(Image.fromarray(photo)))
    assert (ink[:, 63:67].max(axis=1) > 0.9).all() and (ink[:, :60] == 0).all() and (ink[:, 70:] == 0).all()


def test_a_photo_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        photo_to_sketch(Image.new("RGB", (128, 64)))


@pytest.mark.parametrize("size", [128, 256, 512])
def test_a_sketch_made_from_a_photo_hardly_changes(size: int) -> None:
    sketch = photo_to_sketch(astronaut(size))
    assert apart(normalize_sketch(sketch), sketch) < 0.02


@pytest.mark.parametrize(
    "sheet",
    [
        drawn(3),
        drawn(1),
        drawn(3, (255, 255, 255), (0, 0, 0)),
        drawn(3, (220, 30, 20), (255, 230, 70)),
        drawn(3, (40, 60, 170), (150, 60, 60)),
        drawn(3, (205, 205, 205), (235, 235, 235)),
        photographed(drawn(3)),
        photographed(drawn(3) // 3),
        photographed(drawn(3, (230, 230, 210), (30, 60, 40))),
    ],
    ids=["ink", "hair", "chalk", "red", "colours", "pencil", "photo", "dark photo", "blackboard"],
)
def test_any_paper_and_any_pen_give_dark_lines_on_white(sheet: np.ndarray) -> None:
    sketch = normalize_sketch(sheet)
    assert sketch.size == (256, 256)
    ink = ink_of(sketch)
    assert 0.03 < ink.mean() < 0.12 and (ink < 0.02).mean() > 0.8
    on_lines, found = agreement(sketch, drawn(3))
    assert on_lines > 0.97 and found > 0.97


@pytest.mark.parametrize("width", [1, 2, 3, 8, 12])
def test_lines_of_every_width_come_near_to_the_usual_one(width: int) -> None:
    usual = ink_of(normalize_sketch(drawn(3))).sum()
    assert 0.55 < ink_of(normalize_sketch(drawn(width))).sum() / usual < 1.25


def test_filled_areas_become_outlines() -> None:
    sheet = drawn(3)
    cv2.circle(sheet, (128, 40), 36, (20, 20, 20), -1)
    ink = ink_of(normalize_sketch(sheet))
    assert ink[30:50, 118:138].max() == 0.0  # white inside
    assert ink[40, 88:100].max() > 0.9 and ink[40, 156:168].max() > 0.9  # a line at either side


def test_a_sheet_that_is_not_square_gets_white_margins_and_is_not_stretched() -> None:
    wide = np.pad(drawn(3), ((0, 0), (64, 64), (0, 0)), constant_values=255)
    sketch = normalize_sketch(wide)
    assert sketch.size == (384, 384)
    ink = ink_of(sketch)
    assert (ink[:64] == 0).all() and (ink[-64:] == 0).all()
    rows, columns = np.nonzero(ink > 0.5)
    assert abs(np.ptp(rows) / np.ptp(columns) - 0.4 / 0.3) < 0.05


def test_large_and_small_sheets_come_in_a_usable_size() -> None:
    assert normalize_sketch(drawn(10, side=1600)).size == (512, 512)
    assert normalize_sketch(drawn(1, side=64)).size == (128, 128)


def test_strokes_on_a_transparent_layer_are_drawn_on_white() -> None:
    layer = np.zeros((256, 256, 4), np.uint8)
    layer[..., 3] = 255 - drawn(3, (0, 0, 0))[..., 0]
    assert agreement(normalize_sketch(Image.fromarray(layer)), drawn(3))[1] > 0.97


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("by_camera", [False, True])
def test_an_empty_sheet_is_refused_with_what_to_do(level: int, by_camera: bool) -> None:
    sheet = np.full((256, 256, 3), level, np.uint8)
    with pytest.raises(PictureError, match=r"sketch is empty.*Draw"):
        normalize_sketch(photographed(sheet) if by_camera else sheet)


def test_a_sketch_becomes_a_tensor_of_its_levels() -> None:
    sketch = photo_to_sketch(astronaut(128))
    tensor = sketch_to_tensor(sketch, 128)
    assert tensor.shape == (1, 1, 128, 128) and tensor.dtype == torch.float32
    assert tensor.min() == 0.0 and tensor.max() == 1.0
    assert np.array_equal(np.rint(tensor[0, 0].numpy() * 255.0), np.asarray(sketch))


def test_shrinking_averages_over_areas_and_growing_stays_in_range() -> None:
    checks = Image.fromarray((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8))
    assert torch.allclose(sketch_to_tensor(checks, 32), torch.full((1, 1, 32, 32), 0.5), atol=0.01)
    grown = sketch_to_tensor(checks, 256)
    assert grown.shape == (1, 1, 256, 256) and grown.min() >= 0.0 and grown.max() <= 1.0

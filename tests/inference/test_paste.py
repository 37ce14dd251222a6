"""A face goes back to exactly where it was cut, fits in there, and nothing else in the photo changes."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from psp.faces.alignment import Alignment, align, crop_quad
from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import FaceShape
from psp.inference import paste
from psp.inference.paste import Mask, paste_back
from psp.pictures.raster import fill_outline

MASKS: tuple[Mask, ...] = ("face", "crop")
MAGENTA = (255, 0, 255)


def square(x: float, y: float, half: float, angle: float = 0.0) -> NDArray[np.float64]:
    """Corners of a square about (x, y), turned clockwise by ``angle`` degrees."""
    a = np.deg2rad(angle)
    across = np.array([np.cos(a), np.sin(a)]) * half
    down = np.array([-across[1], across[0]])
    c = np.array([x, y])
    return np.array([c - across - down, c - across + down, c + across + down, c + across - down])


def inside(quad: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels of a photo whose centres lie in a quad."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    axes = np.linalg.inv(np.stack([quad[3] - quad[0], quad[1] - quad[0]], axis=1))
    u, v = np.einsum("ij,jhw->ihw", axes, np.stack([x - quad[0, 0], y - quad[0, 1]]))
    return (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)


def difference(one: Image.Image, other: Image.Image) -> NDArray[np.float32]:
    return np.asarray(one, np.float32) - np.asarray(other, np.float32)


@pytest.fixture(scope="module")
def waves() -> Image.Image:
    """A photo so smooth that resampling it loses nothing."""
    y, x = np.mgrid[:240, :320].astype(np.float64)
    colours = (x / 11 + y / 20, y / 9 - x / 30, (x - y) / 15)
    planes = np.stack([128 + 90 * np.sin(each) for each in colours], axis=-1)
    return Image.fromarray(np.rint(planes).astype(np.uint8))


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Alignment:
    return align(astronaut)


def tint(picture: Image.Image, *levels: int) -> Image.Image:
    pixels = np.asarray(picture, np.int16) + np.array(levels, np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def shift(pasted: Image.Image, photo: Image.Image, half: float) -> NDArray[np.float64]:
    """How far (y, x) the middle of what was pasted lies from where it was, in pixels, by least squares."""
    reach = round(half * 0.4)
    middle = (slice(120 - reach, 120 + reach), slice(160 - reach, 160 + reach))
    slopes = [each[middle].ravel() for each in np.gradient(np.asarray(photo, np.float32), axis=(0, 1))]
    moved = -difference(pasted, photo)[middle].ravel()
    # Pillow rounds the levels of a crop down, which a constant takes; other rounding is worth 0.03 pixels.
    return np.linalg.lstsq(np.stack([*slopes, np.ones_like(moved)], axis=1), moved, rcond=None)[0][:2]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", [128, 256, 1024])
@pytest.mark.parametrize(("half", "angle"), [(40, 0), (70.3, 17), (95.5, -120)])
def test_a_crop_that_is_pasted_back_gives_the_photo(
    waves: Image.Image, mask: Mask, size: int, half: float, angle: float
) -> None:
    quad = square(160.2, 119.7, half, angle)
    pasted = paste_back(waves, crop_quad(waves, quad, size), quad, mask=mask, match=False)
    error = np.abs(difference(pasted, waves))
    assert error.max() <= 4
    assert error[inside(quad, waves.size)].mean() < 0.7
    assert np.abs(shift(pasted, waves, half)).max() < 0.05


def test_that_test_would_see_a_quarter_of_a_pixel(waves: Image.Image) -> None:
    quad = square(160.2, 119.7, 70.3, 17)
    moved = quad + np.array([0.25, -0.25])
    pasted = paste_back(waves, crop_quad(waves, quad), moved, mask="crop", match=False)
    assert shift(pasted, waves, 70.3) == pytest.approx([-0.25, 0.25], abs=0.03)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_pixels_outside_the_crop_stay_as_they_are(astronaut: Image.Image, mask: Mask, angle: float) -> None:
    quad = square(224, 106, 88, angle)
    pasted = paste_back(astronaut, Image.new("RGB", (128, 128), MAGENTA), quad, mask=mask)
    changed = np.any(difference(pasted, astronaut) != 0, axis=-1)
    within = inside(quad, astronaut.size)
    assert pasted.mode == "RGB"
    assert not changed[~within].any()
    assert changed[within].mean() > 0.25


def test_the_photo_given_is_not_painted_on(astronaut: Image.Image) -> None:
    before = astronaut.tobytes()
    paste_back(astronaut, Image.new("RGB", (128, 128), MAGENTA), square(224, 106, 88))
    assert astronaut.tobytes() == before


def test_only_the_face_is_replaced(astronaut: Image.Image, crop: Alignment) -> None:
    made = tint(crop.crop, -60, -60, -60)
    pasted = crop_quad(paste_back(astronaut, made, crop.quad, match=False), crop.quad)
    changed = np.abs(difference(pasted, crop.crop)).max(axis=-1)
    features = fill_outline(aligned_landmarks(np.array(crop.crop))[[*range(17, 27), 54, 57, 48]], 256)
    assert np.abs(difference(pasted, made))[features].mean() < 4  # nothing of the photo shines through
    assert changed[features].mean() > 50
    assert changed[:30].max() < 8  # the top of her hair
    assert changed[60:180, :20].max() < 8  # the background


def test_the_old_chin_does_not_show_below_a_smaller_face(astronaut: Image.Image, crop: Alignment) -> None:
    centre = crop.quad.mean(axis=0)
    made = crop_quad(astronaut, centre + (crop.quad - centre) * 1.2)  # it shows more, so the face is smaller
    pasted = paste_back(astronaut, made, crop.quad, match=False)
    chin = (slice(222, 234), slice(130, 150))
    found = np.asarray(crop_quad(pasted, crop.quad), np.float32)[chin]
    old, new = (np.asarray(each, np.float32)[chin] for each in (crop.crop, made))
    assert np.abs(old - new).mean() > 30
    assert np.abs(found - new).mean() < 0.2 * np.abs(old - new).mean()


def test_hair_that_both_have_may_stay() -> None:
    face = np.zeros((256, 256), bool)
    face[50:240, 60:200] = True
    ours, theirs = np.zeros_like(face), np.zeros_like(face)
    ours[20:90, 40:220] = theirs[20:80, 40:220] = True  # a fringe
    ours[85:110, 100:150] = theirs[85:110, 100:150] = True  # a shadow on the forehead, and the brows
    ours[20:200, 40:62] = theirs[20:200, 40:62] = True  # beside the face
    kept = paste._same_hair(ours, theirs, face, brows=108.0)
    assert kept[55:78, 70:190].all()
    assert not kept[80:, 70:190].any()
    assert not kept[101:].any()


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("box", [(190, 60, 512, 512), (0, 0, 250, 130)])
def test_a_crop_may_reach_beyond_the_photo(
    astronaut: Image.Image, crop: Alignment, mask: Mask, box: tuple[int, int, int, int]
) -> None:
    photo = astronaut.crop(box)
    quad = crop.quad - np.array(box[:2])
    made = tint(crop_quad(photo, quad), -60, 40, 0)
    pasted = paste_back(photo, made, quad, mask=mask, match=False)
    assert pasted.size == photo.size
    changed = np.abs(difference(pasted, photo)).max(axis=-1)
    middle = np.array([224, 110]) - box[:2]
    assert changed[middle[1], middle[0]] > 30
    assert not changed[~inside(quad, photo.size)].any()


def test_a_face_cut_by_the_edge_is_pasted_as_elsewhere(waves: Image.Image) -> None:
    quad = square(100.4, 100.3, 80, 20)
    made = Image.effect_noise((128, 128), 60).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
    whole = paste_back(waves, made, quad, mask="crop", match=False)
    part = paste_back(
        waves.crop((90, 70, 320, 240)), made, quad - np.array([90, 70]), mask="crop", match=False
    )
    assert np.abs(difference(part, whole.crop((90, 70, 320, 240)))).max() <= 1


@pytest.mark.parametrize("mask", MASKS)
def test_a_crop_beside_the_photo_changes_nothing(waves: Image.Image, mask: Mask) -> None:
    made = Image.new("RGB", (128, 128), MAGENTA)
    for quad in (square(-300, 100, 80), square(900, 100, 80, 45), square(100, 700, 80)):
        assert paste_back(waves, made, quad, mask=mask).tobytes() == waves.tobytes()


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("cast", [(24, 0, -24), (-20, -20, -20), (0, 16, 0)])
def test_a_colour_cast_is_lessened(
    astronaut: Image.Image, crop: Alignment, mask: Mask, cast: tuple[int, int, int]
) -> None:
    made = tint(crop.crop, *cast)
    plain, matched = (
        np.abs(
            difference(
                crop_quad(paste_back(astronaut, made, crop.quad, mask=mask, match=m), crop.quad), crop.crop
            )
        )
        for m in (False, True)
    )
    skin = (slice(100, 220), slice(90, 180))
    assert matched[skin].mean() < 0.5 * plain[skin].mean()


def test_a_cast_on_one_side_is_lessened(astronaut: Image.Image, crop: Alignment) -> None:
    ramp = np.linspace(-30, 30, 256)[None, :, None]
    made = Image.fromarray(np.clip(np.asarray(crop.crop) + ramp, 0, 255).astype(np.uint8))
    plain, matched = (
        difference(crop_quad(paste_back(astronaut, made, crop.quad, match=m), crop.quad), crop.crop)
        for m in (False, True)
    )
    left, right = (slice(100, 220), slice(85, 105)), (slice(100, 220), slice(165, 185))
    assert plain[right].mean() - plain[left].mean() > 12
    assert matched[right].mean() - matched[left].mean() < 0.7 * (plain[right].mean() - plain[left].mean())


@pytest.mark.parametrize("mask", MASKS)
def test_an_equal_picture_keeps_its_colours(astronaut: Image.Image, crop: Alignment, mask: Mask) -> None:
    made = crop_quad(astronaut, crop.quad)
    one, other = (paste_back(astronaut, made, crop.quad, mask=mask, match=m) for m in (True, False))
    assert one.tobytes() == other.tobytes()
    # The same face at another size is as equal as can be.
    made = crop_quad(astronaut, crop.quad, 128)
    one, other = (paste_back(astronaut, made, crop.quad, mask=mask, match=m) for m in (True, False))
    assert np.abs(difference(one, other)).mean() < 0.1


def test_a_drawing_stays_a_drawing(astronaut: Image.Image, crop: Alignment) -> None:
    flat = np.full((256, 256, 3), (40, 200, 120), np.uint8)
    flat[120:126] = 0
    made = Image.fromarray(flat)
    pasted = np.asarray(crop_quad(paste_back(astronaut, made, crop.quad), crop.quad), np.float32)
    green, line = pasted[150:170, 110:150].mean(axis=(0, 1)), pasted[122:124, 110:150].mean(axis=(0, 1))
    assert green[1] > green[0] + 60 and green[1] > green[2] + 20
    assert (green - line).max() > 120


def test_a_smaller_face_is_averaged_down(astronaut: Image.Image) -> None:
    board = (np.indices((1024, 1024)).sum(axis=0) // 2 % 2 * 255).astype(np.uint8)
    made = Image.fromarray(board).convert("RGB")
    pasted = paste_back(astronaut, made, square(250.3, 200.4, 70, 12), mask="crop", match=False)
    assert np.asarray(pasted, np.float32)[180:220, 230:270].std() < 3


@pytest.mark.parametrize("mask", MASKS)
def test_a_tiny_photo_will_do(astronaut: Image.Image, mask: Mask) -> None:
    photo = astronaut.crop((130, 10, 322, 202)).resize((32, 32))
    quad = square(15.5, 15.5, 16)
    pasted = paste_back(photo, tint(crop_quad(photo, quad), -60, 0, 0), quad, mask=mask, match=False)
    changed = difference(pasted, photo)[:, :, 0]
    assert pasted.size == (32, 32)
    assert changed[14:24, 12:20].mean() < -50
    assert changed[0, 0] == changed[31, 31] == 0


@pytest.mark.parametrize("mask", MASKS)
def test_a_huge_face_takes_little_memory(astronaut: Image.Image, mask: Mask) -> None:
    photo = astronaut.resize((4000, 4000))
    quad = square(1750, 830, 690, 3)
    made = crop_quad(photo, quad, 128)
    paste_back(astronaut, made, square(224, 106, 88), mask=mask)  # loads dlib's model
    tracemalloc.start()
    try:
        pasted = paste_back(photo, made, quad, mask=mask)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000  # the photo as float32 would be 192 MB
    finally:
        tracemalloc.stop()
    assert np.abs(difference(pasted, photo)).max() > 20


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch, astronaut: Image.Image, crop: Alignment) -> None:
    made = tint(crop.crop, -60, 40, 0)
    whole = paste_back(astronaut, made, crop.quad)
    monkeypatch.setattr(paste, "_BAND", 1000)
    assert np.abs(difference(paste_back(astronaut, made, crop.quad), whole)).max() <= 1


def test_masks_fade_out_before_the_crop_ends() -> None:
    face = np.ones((256, 256), bool)  # a face that fills the crop
    for mask in (paste._crop_mask(), paste._face_mask(face, face)):
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert mask.dtype == np.float32
        assert not edge.any()
        assert mask[128, 128] == 1
        assert np.abs(np.diff(mask, axis=0)).max() < 0.2


def test_the_outline_goes_around_the_face(astronaut: Image.Image, crop: Alignment) -> None:
    points = aligned_landmarks(np.array(crop.crop))
    outline = FaceShape.of(points).outline.astype(np.float32)
    for point in points[17:]:
        assert cv2.pointPolygonTest(outline, tuple(map(float, point)), measureDist=False) >= 0
    brows = points[17:27, 1].min()
    assert brows - 60 < outline[:, 1].min() < brows - 20


@pytest.mark.parametrize(
    ("photo", "made", "quad"),
    [
        (Image.new("L", (64, 64)), Image.new("RGB", (64, 64)), square(32, 32, 20)),
        (Image.new("RGB", (64, 64)), Image.new("RGBA", (64, 64)), square(32, 32, 20)),
        (Image.new("RGB", (64, 64)), Image.new("RGB", (64, 60)), square(32, 32, 20)),
        (Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64)), square(32, 32, 20)[:3]),
        (Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64)), np.full((4, 2), np.nan)),
        (Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64)), np.ones((4, 2))),
    ],
    ids=["grey photo", "transparent picture", "not square", "three corners", "no numbers", "no area"],
)
def test_what_does_not_fit_is_a_bug_of_the_caller(
    photo: Image.Image, made: Image.Image, quad: NDArray[np.float64]
) -> None:
    with pytest.raises(AssertionError):
        paste_back(photo, made, quad)

"""The crop lies where FFHQ would put it, whichever way the face is turned, and the way back is known."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageOps

from psp.errors import FaceIndexError, FaceNotFoundError, InputError, PspError
from psp.faces import detection
from psp.faces.alignment import Alignment, align, align_all, check_quad, detect_faces, ffhq_quad, take_square

# The corners that the official formula gives for the landmarks that dlib finds on skimage's astronaut.
ASTRONAUT_QUAD = np.array([[142.285, 14.354], [132.629, 189.040], [307.315, 198.696], [316.971, 24.010]])


def face_like_points(angle: float = 0.0) -> np.ndarray:
    """68 landmarks, eyes 60 apart, mouth 70 below, turned clockwise by ``angle`` degrees about (200, 200)."""
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = (170, 200), (230, 200)
    points[48], points[54] = (180, 270), (220, 270)
    a = np.deg2rad(angle)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return (points - 200) @ turn.T + 200


def mapped(alignment: Alignment, points: list[tuple[float, float]]) -> np.ndarray:
    return np.array(points) @ alignment.to_photo[:, :2].T + alignment.to_photo[:, 2]


def corners(size: int) -> list[tuple[float, float]]:
    low, high = -0.5, size - 0.5
    return [(low, low), (low, high), (high, high), (high, low)]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in levels of 255."""
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Alignment:
    return align(astronaut)


def test_the_quad_of_a_level_face_follows_from_eyes_and_mouth() -> None:
    # Half a side: max(60·2, 70·1.8) = 126, about (200, 200 + 70·0.1).
    wanted = np.array([[74, 81], [74, 333], [326, 333], [326, 81]])
    assert np.allclose(ffhq_quad(face_like_points()), wanted)


@pytest.mark.parametrize("angle", [30.0, 90.0, 180.0, -135.0])
def test_the_quad_turns_with_the_face(angle: float) -> None:
    a = np.deg2rad(angle)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    level = ffhq_quad(face_like_points())
    assert np.allclose(ffhq_quad(face_like_points(angle)), (level - 200) @ turn.T + 200)


def test_landmarks_on_one_spot_are_no_face() -> None:
    with pytest.raises(FaceNotFoundError):
        ffhq_quad(np.zeros((68, 2)))


def test_the_astronaut_is_cropped_as_officially(crop: Alignment) -> None:
    assert (crop.faces, crop.face, crop.photo_size) == (1, 0, (512, 512))
    assert crop.crop.size == (256, 256) and crop.crop.mode == "RGB"
    assert np.allclose(crop.quad, ASTRONAUT_QUAD, atol=0.01)


def test_the_landmarks_are_those_of_dlib_on_the_photo_itself(astronaut: Image.Image) -> None:
    photo = np.asarray(astronaut)
    rect = detection._hog_detector()(photo, 0)[0]
    wanted = np.array([(part.x, part.y) for part in detection.landmark_predictor()(photo, rect).parts()])
    (found,) = detect_faces(astronaut)
    assert (
        found.found_by == "hog" and found.landmarks.shape == (68, 2) and found.landmarks.dtype == np.float64
    )
    assert np.allclose(found.landmarks, wanted)
    assert np.allclose(found.box, (rect.left(), rect.top(), rect.right(), rect.bottom()))


def test_eyes_and_mouth_lie_in_the_crop_where_ffhq_has_them(crop: Alignment) -> None:
    (found,) = detect_faces(crop.crop)
    left, right = found.landmarks[36:42].mean(axis=0) / 256, found.landmarks[42:48].mean(axis=0) / 256
    mouth = (found.landmarks[48] + found.landmarks[54]) / 2 / 256
    assert np.allclose(left, (0.375, 0.475), atol=0.02) and np.allclose(right, (0.625, 0.475), atol=0.02)
    assert np.allclose(mouth, (0.5, 0.7), atol=0.02)  # lower in longer faces


def test_to_photo_takes_the_corners_of_the_crop_to_the_quad(crop: Alignment) -> None:
    assert np.allclose(mapped(crop, corners(256)), crop.quad)


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_to_photo_takes_every_pixel_where_it_was_sampled(scale: float) -> None:
    """On a photo whose colours are its coordinates, also when shrunk and mirrored at an edge on the way."""
    side = int(400 * scale)
    ramp = np.broadcast_to(np.linspace(0, 250, side), (side, side))
    photo = Image.fromarray(np.dstack([ramp, ramp.T, 0 * ramp]).round().astype(np.uint8))
    points = (face_like_points(20) + np.array([30, -60]) + 0.5) * scale - 0.5
    found = detection.Face((0, 0, 1, 1), points, 1.0, "test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("psp.faces.alignment.detect_faces", lambda *_, **__: (found,))
        aligned = align(photo, size=64)
    assert aligned.quad.min() < 0
    inner = [(x, y) for x in range(20, 44, 4) for y in range(24, 60, 4)]
    wanted = mapped(aligned, inner) * 250 / (side - 1)
    got = np.array([aligned.crop.getpixel(point)[:2] for point in inner])
    assert np.abs(got - wanted).max() < 1.5


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
)
def test_a_turned_photo_gives_nearly_the_same_crop(
    astronaut: Image.Image, crop: Alignment, turn: Image.Transpose
) -> None:
    turned = astronaut.transpose(turn)
    assert "turned" in detect_faces(turned)[0].found_by
    assert difference(align(turned).crop, crop.crop) < 8


@pytest.mark.parametrize("angle", [30, -45, 60])
def test_a_tilted_head_comes_out_upright(astronaut: Image.Image, crop: Alignment, angle: int) -> None:
    tilted = astronaut.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    assert difference(align(tilted).crop, crop.crop) < 14


def test_small_faces_are_found_at_higher_sampling(astronaut: Image.Image, crop: Alignment) -> None:
    small = align(astronaut.resize((220, 220), Image.Resampling.BICUBIC))
    assert np.allclose((small.quad + 0.5) * 512 / 220 - 0.5, crop.quad, atol=6)
    found = detect_faces(astronaut.resize((128, 128), Image.Resampling.BICUBIC))
    assert found[0].found_by == "hog x4"


def test_large_photos_give_the_same_crop(astronaut: Image.Image, crop: Alignment) -> None:
    large = align(astronaut.resize((3000, 3000), Image.Resampling.BICUBIC))
    assert np.allclose((large.quad + 0.5) * 512 / 3000 - 0.5, crop.quad, atol=4)
    assert difference(large.crop, crop.crop) < 8


@pytest.fixture(scope="module")
def pair(astronaut: Image.Image) -> Image.Image:
    """The same head twice: small on the left, large on the right."""
    canvas = Image.new("RGB", (900, 512), (200, 195, 200))
    canvas.paste(ImageOps.mirror(astronaut).resize((360, 360), Image.Resampling.LANCZOS), (0, 80))
    canvas.paste(astronaut, (388, 0))
    return canvas


def test_the_largest_face_comes_first(pair: Image.Image) -> None:
    first, second = align(pair, 0), align(pair, 1)
    assert (first.faces, first.face, second.faces, second.face) == (2, 0, 2, 1)
    assert np.allclose(first.quad, ASTRONAUT_QUAD + np.array([388, 0]), atol=4)
    assert second.quad[:, 0].max() < 360
    assert difference(ImageOps.mirror(second.crop), first.crop) < 12


@pytest.mark.parametrize("index", [2, 5, -1])
def test_an_index_beyond_the_faces_says_which_are_valid(pair: Image.Image, index: int) -> None:
    with pytest.raises(FaceIndexError) as caught:
        align(pair, index)
    assert f"no face number {index}" in str(caught.value)
    if index > 0:
        assert "2 faces were found" in caught.value.problem and "0 to 1 are valid" in caught.value.next_step


def test_an_index_means_the_same_face_however_many_are_wanted(pair: Image.Image) -> None:
    once, again = detect_faces(pair), detect_faces(pair, min_faces=9)
    assert [face.box for face in again[: len(once)]] == [face.box for face in once]


def test_a_face_at_the_edge_is_continued_by_mirroring(astronaut: Image.Image) -> None:
    aligned = align(astronaut.crop((185, 55, 512, 512)))
    assert aligned.quad.min() < -20
    pixels = np.asarray(aligned.crop).astype(int)
    for corner in (pixels[:12, :12], pixels[:12, -12:], pixels[120:140, :6]):
        assert corner.mean() > 60  # neither black nor a black line
    assert (
        difference(
            Image.fromarray(pixels[100:200, 110:200].astype(np.uint8)),
            Image.fromarray(np.asarray(align(astronaut).crop)[100:200, 110:200]),
        )
        < 20
    )


def test_a_picture_without_a_face_says_what_to_try() -> None:
    with pytest.raises(FaceNotFoundError) as caught:
        align(Image.new("RGB", (300, 300), "gray"))
    assert isinstance(caught.value, InputError)
    assert "align=False" in caught.value.next_step and "crop closer" in caught.value.next_step


def test_the_cnn_is_the_last_resort(astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "_hog", lambda *_: [])
    (found,) = detect_faces(astronaut)
    assert found.found_by == "cnn"
    assert np.allclose(ffhq_quad(found.landmarks), ASTRONAUT_QUAD, atol=8)


def test_other_modes_than_rgb_are_accepted(astronaut: Image.Image) -> None:
    assert np.allclose(align(astronaut.convert("RGBA")).quad, ASTRONAUT_QUAD, atol=0.01)
    assert take_square(Image.new("L", (64, 64), 255)).crop.getpixel((0, 0)) == (255, 255, 255)


def test_the_same_photo_gives_the_same_bytes(astronaut: Image.Image, crop: Alignment) -> None:
    assert align(astronaut).crop.tobytes() == crop.crop.tobytes()


def test_a_square_picture_is_taken_as_it_is(astronaut: Image.Image) -> None:
    taken = take_square(astronaut, size=512)
    assert taken.crop.tobytes() == astronaut.tobytes()
    assert (taken.faces, taken.face) == (0, -1)
    assert np.allclose(taken.to_photo, np.eye(2, 3))


@pytest.mark.parametrize(("size", "box"), [((300, 200), (50, 0, 250, 200)), ((200, 301), (0, 50, 200, 250))])
def test_another_picture_gives_its_centre(
    astronaut: Image.Image, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    photo = astronaut.resize(size)
    taken = take_square(photo, size=100)
    wanted = photo.crop(box).resize((100, 100), Image.Resampling.BILINEAR)
    assert taken.crop.tobytes() == wanted.tobytes()
    left, top, right, bottom = np.array(box) - 0.5
    assert np.allclose(taken.quad, [(left, top), (left, bottom), (right, bottom), (right, top)])
    assert np.allclose(mapped(taken, corners(100)), taken.quad)
    assert taken.photo_size == size


def test_a_missing_model_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PspError, match="pip install face-recognition-models"):
        detection.dlib_file("shape_predictor_68_face_landmarks.dat")


def test_all_faces_are_those_of_single_requests_found_by_one_search(
    two_people: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [align(two_people, face) for face in (0, 1)]
    searches = []

    def search(photo: Image.Image, min_faces: int) -> tuple[detection.Face, ...]:
        searches.append(min_faces)
        return detect_faces(photo, min_faces)

    monkeypatch.setattr("psp.faces.alignment.detect_faces", search)
    found = align_all(two_people, 1)
    assert searches == [2]
    assert [(each.face, each.faces) for each in found] == [(0, 2), (1, 2)]
    for each, one in zip(found, wanted, strict=True):
        assert each.crop.tobytes() == one.crop.tobytes()
        assert each.side == pytest.approx(np.linalg.norm(each.quad[1] - each.quad[0]))


@pytest.mark.parametrize(
    "quad",
    [
        [[0, 0], [0, 1e7], [1, 1e7], [1, 0]],  # thin
        [[0, 0], [0, 1e7], [1e7, 1e7], [1e7, 0]],  # far larger than the photo
        [[900, 900], [900, 999], [999, 999], [999, 900]],  # beside it
        [[0, 0], [0, 9], [9, 9], [9, 1]],  # no square
        [[0, 0], [9, 0], [9, 9], [0, 9]],  # mirrored
        [[5, 5]] * 4,
        [[0, 0], [0, float("nan")], [9, 9], [9, 0]],
        [[0, 0], [0, 9], [9, 9]],
        "quad",
        None,
        [["a", "b"]] * 4,
        [[10**400, 0]] * 4,
    ],
)
def test_a_quad_from_outside_must_fit_the_photo(quad: object) -> None:
    with pytest.raises(InputError, match="does not fit the photo"):
        check_quad(quad, (512, 512))


def test_quads_of_the_studio_fit_their_photo(astronaut: Image.Image) -> None:
    close = astronaut.crop((150, 30, 300, 220)).resize((600, 760))
    for place in (align(astronaut), take_square(astronaut), align(close)):
        rounded = np.round(place.quad, 2).tolist()
        assert np.allclose(check_quad(rounded, place.photo_size), place.quad, atol=0.01)


def test_a_face_that_fills_a_photo_of_many_megapixels_is_cut_as_in_a_small_one(
    monkeypatch: pytest.MonkeyPatch, astronaut: Image.Image
) -> None:
    """What lies around it would be larger than any picture may be."""
    face = align(astronaut).crop.resize((5600, 5600), Image.Resampling.BICUBIC)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32_000_000)
    large, small = (align(face.resize((side, side), Image.Resampling.BICUBIC)) for side in (5600, 700))
    assert np.abs(np.array(large.quad) / 8 - np.array(small.quad)).max() < 4

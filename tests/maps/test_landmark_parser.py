"""Maps: the parts of a real face lie where they are, and drawn maps are read as they were meant."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from psp.errors import InputError, PictureError
from psp.faces.alignment import align, detect_faces
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import (
    CLASSES,
    PALETTE,
    Labels,
    map_agreement,
    map_to_picture,
    map_to_tensor,
    picture_to_map,
    resize_map,
)

INDEX = {name: index for index, name in enumerate(CLASSES)}
SKIN, HAIR = INDEX["skin"], INDEX["hair"]


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image) -> Image.Image:
    return align(astronaut, size=256).crop


@pytest.fixture(scope="module")
def labels(crop: Image.Image) -> Labels:
    return photo_to_map(crop)


def centre(labels: Labels, name: str) -> tuple[float, float]:
    """Return the middle of a class as (x, y), in parts of the side."""
    y, x = np.nonzero(labels == INDEX[name])
    return float(x.mean() + 0.5) / labels.shape[1], float(y.mean() + 0.5) / labels.shape[0]


def drawn(size: int = 256) -> Labels:
    """A face of discs: hair, skin, eyes, lips, cloth on background."""
    picture = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(picture)

    def disc(name: str, x: float, y: float, width: float, height: float) -> None:
        box = [(x - width) * size, (y - height) * size, (x + width) * size, (y + height) * size]
        draw.ellipse(box, fill=INDEX[name])

    disc("cloth", 0.5, 1.1, 0.5, 0.25)
    disc("hair", 0.5, 0.42, 0.36, 0.4)
    disc("skin", 0.5, 0.52, 0.26, 0.36)
    disc("right eye", 0.38, 0.48, 0.05, 0.025)
    disc("left eye", 0.62, 0.48, 0.05, 0.025)
    disc("upper lip", 0.5, 0.7, 0.09, 0.03)
    disc("lower lip", 0.5, 0.73, 0.08, 0.03)
    return np.array(picture)


def head(hair: tuple[int, int, int] | None, back: tuple[int, int, int]) -> Image.Image:
    """A drawn portrait of 128 px, its features where FFHQ has them."""
    picture = Image.new("RGB", (512, 512), back)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((200, 380, 312, 512), fill=(190, 140, 115))
    draw.ellipse((20, 455, 492, 700), fill=(30, 60, 40))
    if hair:
        draw.ellipse((90, 12, 422, 400), fill=hair)
    draw.ellipse((130, 75, 382, 465), fill=(205, 155, 130))
    for x in (192, 320):
        draw.line((x - 34, 205, x + 34, 205), fill=(70, 50, 40), width=10)
        draw.ellipse((x - 26, 232, x + 26, 256), fill=(245, 245, 245))
        draw.ellipse((x - 11, 233, x + 11, 255), fill=(50, 40, 40))
    draw.polygon([(256, 240), (228, 312), (284, 312)], fill=(185, 130, 108))
    draw.ellipse((206, 346, 306, 378), fill=(170, 60, 70))
    return picture.resize((128, 128), Image.Resampling.LANCZOS)


def test_the_classes_are_those_of_the_official_models() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == len(PALETTE) == len(set(PALETTE)) == 19
    known = {0: "background", 1: "skin", 4: "left eye", 10: "mouth", 13: "hair", 17: "neck", 18: "cloth"}
    assert {index: CLASSES[index] for index in known} == known


def test_eyes_nose_and_lips_lie_where_ffhq_has_them(labels: Labels) -> None:
    assert labels.shape == (256, 256) and labels.dtype == np.uint8
    # The person's right is the picture's left.
    assert np.allclose(centre(labels, "right eye"), (0.375, 0.475), atol=0.03)
    assert np.allclose(centre(labels, "left eye"), (0.625, 0.475), atol=0.03)
    assert centre(labels, "right brow")[0] < 0.45 and centre(labels, "left brow")[0] > 0.55
    heights = [
        centre(labels, name)[1] for name in ("left brow", "left eye", "nose", "upper lip", "lower lip")
    ]
    assert heights == sorted(heights)
    assert np.allclose(centre(labels, "nose"), (0.5, 0.56), atol=0.05)


def test_the_features_lie_on_their_landmarks(crop: Image.Image, labels: Labels) -> None:
    (face,) = detect_faces(crop)
    for name, first, last in (("right eye", 36, 42), ("left eye", 42, 48)):
        assert np.allclose(
            np.array(centre(labels, name)) * 256, face.landmarks[first:last].mean(axis=0), atol=6
        )


def test_hair_skin_and_suit_of_the_astronaut(labels: Labels) -> None:
    assert labels[70, 128] == SKIN and labels[160, 85] == SKIN and labels[160, 170] == SKIN
    assert labels[25, 100] == HAIR and labels[60, 40] == HAIR
    share = {name: float((labels == index).mean()) for name, index in INDEX.items()}
    assert 0.2 < share["skin"] < 0.45 and 0.1 < share["hair"] < 0.45
    assert share["hat"] == share["glasses"] == 0.0


def test_the_same_photo_gives_the_same_map_at_every_size(crop: Image.Image, labels: Labels) -> None:
    assert np.array_equal(photo_to_map(crop), labels)
    for side in (128, 512):
        other = photo_to_map(crop.resize((side, side), Image.Resampling.LANCZOS), size=256)
        assert (other == labels).mean() > 0.95
    assert photo_to_map(crop, size=64).shape == (64, 64)


@pytest.mark.parametrize("hair", [(40, 28, 22), (225, 200, 120), (170, 60, 20)])
@pytest.mark.parametrize("back", [(90, 130, 190), (150, 152, 156)])
def test_hair_is_told_from_background_by_colour(
    hair: tuple[int, int, int], back: tuple[int, int, int]
) -> None:
    """Also where the hair does not end where hair commonly ends."""
    picture = head(hair, back)
    found = photo_to_map(picture)
    pixels = np.asarray(picture).astype(int)
    is_hair = np.abs(pixels - hair).max(axis=2) < 12
    is_back = np.abs(pixels - back).max(axis=2) < 12
    assert (found[is_hair] == HAIR).mean() > 0.8
    assert (found[is_back] == INDEX["background"]).mean() > 0.9


def test_a_bald_head_before_a_plain_background_has_no_halo_of_hair() -> None:
    found = photo_to_map(head(None, (90, 130, 190)))
    assert (found == HAIR).mean() < 0.06
    assert (found == SKIN).mean() > 0.2


@pytest.mark.parametrize("colour", [(0, 0, 0), (128, 128, 128), (255, 255, 255), (200, 30, 90)])
def test_a_picture_of_nothing_still_gives_a_face(colour: tuple[int, int, int]) -> None:
    found = photo_to_map(Image.new("RGB", (128, 128), colour))
    for name in ("background", "skin", "nose", "left eye", "right eye", "upper lip", "lower lip"):
        assert (found == INDEX[name]).any(), name
    assert (found == SKIN).mean() > 0.15


def test_noise_and_other_modes_are_mapped(crop: Image.Image) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert (photo_to_map(Image.fromarray(noise)) == SKIN).mean() > 0.1
    assert (photo_to_map(crop.convert("L")) == SKIN).mean() > 0.15


def test_a_photo_to_map_must_be_square() -> None:
    with pytest.raises(PictureError, match="not square"):
        photo_to_map(Image.new("RGB", (128, 130)))


def saved(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return Image.open(io.BytesIO(stream.getvalue()))


def indexed(labels: Labels) -> Image.Image:
    picture = Image.fromarray(labels)
    picture.putpalette([value for colour in PALETTE for value in colour])
    return picture


def test_every_way_to_save_a_map_is_read_back(labels: Labels) -> None:
    grey = Image.fromarray(labels)
    ways = {
        "colours": map_to_picture(labels),
        "palette": indexed(labels),
        "rgba": map_to_picture(labels).convert("RGBA"),
        "index": grey,
        "index as rgb": grey.convert("RGB"),
        "index, 16 bits": Image.fromarray(labels.astype(np.uint16)),
    }
    for way, picture in ways.items():
        read, warnings = picture_to_map(saved(picture))
        assert np.array_equal(read, labels), way
        assert (read.dtype, warnings) == (np.uint8, ()), way


def test_an_edge_between_two_classes_is_never_a_third() -> None:
    """Half black and half hair is the palette's lower lip; shrinking makes just that."""
    soft = map_to_picture(drawn(1024)).resize((256, 256), Image.Resampling.LANCZOS)
    read, warnings = picture_to_map(soft)
    assert warnings == ()
    assert (read == drawn(256)).mean() > 0.98
    y = np.nonzero(read == INDEX["lower lip"])[0] / 256
    assert y.min() > 0.65 and y.max() < 0.8


def test_jpeg_noise_is_forgiven() -> None:
    stream = io.BytesIO()
    map_to_picture(drawn()).save(stream, "JPEG", quality=90, subsampling=0)
    read, warnings = picture_to_map(Image.open(stream))
    assert warnings == () and (read == drawn()).mean() > 0.98


def test_foreign_colours_are_named_with_what_they_were_taken_for() -> None:
    picture = map_to_picture(drawn())
    ImageDraw.Draw(picture).rectangle((0, 0, 63, 31), fill="#2828b8")
    read, warnings = picture_to_map(picture)
    assert (read[:30, :60] == HAIR).all()
    (warning,) = warnings
    assert "3 % of the map" in warning and "#2828b8" in warning and "'hair'" in warning


def test_a_photo_for_a_map_is_warned_about(crop: Image.Image) -> None:
    read, warnings = picture_to_map(crop)
    assert read.max() < 19 and "not in the palette" in warnings[0]


def test_what_is_transparent_is_background() -> None:
    picture = map_to_picture(drawn()).convert("RGBA")
    picture.paste((255, 255, 255, 0), (0, 0, 256, 100))
    read, warnings = picture_to_map(picture)
    assert (read[:100] == 0).all() and np.array_equal(read[100:], drawn()[100:]) and warnings == ()


def test_unpainted_paper_is_background_and_no_foreign_colour() -> None:
    colours = np.asarray(map_to_picture(drawn())).copy()
    colours[drawn() == 0] = 255
    soft = Image.fromarray(colours).resize((512, 512), Image.Resampling.BILINEAR)
    for picture, wanted in ((Image.fromarray(colours), drawn()), (soft, resize_map(drawn(), 512))):
        read, warnings = picture_to_map(picture)
        assert (read == wanted).mean() > 0.985 and warnings == ()


def test_a_map_without_a_face_is_warned_about() -> None:
    for empty in (Image.new("RGB", (64, 64)), Image.new("L", (64, 64), HAIR)):
        (warning,) = picture_to_map(empty)[1]
        assert "no skin" in warning


@pytest.mark.parametrize(("size", "words"), [((64, 65), "not square"), ((16, 16), "too small")])
def test_unusable_maps_say_what_to_do(size: tuple[int, int], words: str) -> None:
    with pytest.raises(PictureError, match=words) as caught:
        picture_to_map(Image.new("RGB", size))
    assert isinstance(caught.value, InputError) and caught.value.next_step


def test_huge_maps_are_shrunk() -> None:
    for picture in (map_to_picture(drawn(1200)), Image.fromarray(drawn(1200))):
        read, _ = picture_to_map(picture)
        assert read.shape == (1024, 1024) and (read == drawn(1024)).mean() > 0.99


def test_one_hot_planes() -> None:
    torch = pytest.importorskip("torch")
    labels = np.array([[0, 1], [13, 18]], dtype=np.uint8)
    planes = map_to_tensor(labels, 4)
    assert planes.shape == (1, 19, 4, 4) and planes.dtype == torch.float32
    assert torch.equal(planes.sum(dim=1), torch.ones(1, 4, 4))
    assert planes.argmax(dim=1)[0].tolist() == [[0, 0, 1, 1]] * 2 + [[13, 13, 18, 18]] * 2
    assert (map_to_tensor(drawn(256), 128).argmax(dim=1)[0].numpy() == drawn(128)).mean() > 0.97


def test_agreement_is_the_mean_iou_of_the_classes_there() -> None:
    a = np.array([[0, 0], [1, 1]], dtype=np.uint8)
    b = np.array([[0, 1], [1, 1]], dtype=np.uint8)
    assert map_agreement(a, a) == 1.0
    assert map_agreement(a, b) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert map_agreement(a, a + np.uint8(2)) == 0.0


@pytest.mark.parametrize("wrong", [np.full((4, 4), 19, np.uint8), np.zeros((4, 4, 3), np.uint8)])
def test_what_is_no_map_is_refused(wrong: Labels) -> None:
    good = np.zeros((4, 4), np.uint8)
    for use in (map_to_picture, lambda m: map_to_tensor(m, 4), lambda m: map_agreement(m, good)):
        with pytest.raises(ValueError, match="map"):
            use(wrong)


def test_a_map_of_one_pure_colour_is_of_its_class() -> None:
    """Red is the right ear's; as numbers in one channel it would be 255, all of it ignored."""
    for labels in (
        np.full((64, 64), 9, np.uint8),
        np.kron([[0, 9], [9, 0]], np.ones((32, 32))).astype(np.uint8),
    ):
        assert np.array_equal(picture_to_map(map_to_picture(labels))[0], labels)

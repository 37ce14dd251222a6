"""Maps of any number of classes: names, colours, what is read of pictures, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from psp.errors import SettingsError
from psp.maps.classes import MapClasses, classes_from_json, named_classes, numbered_classes
from psp.maps.palette import FACE_CLASSES, map_agreement, map_to_picture, map_to_tensor, picture_to_map
from psp.training.data.maps import mirror_map


def drawn(count: int, side: int = 64) -> np.ndarray:
    """A map with every class, in equal squares."""
    rows = int(np.ceil(count**0.5))
    small = np.arange(rows * rows).reshape(rows, rows) % count
    labels = Image.fromarray(small.astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
    return np.asarray(labels)


def test_numbered_classes_have_the_colours_of_pascal_voc() -> None:
    classes = numbered_classes(256)
    assert classes.colours[:5] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
    assert classes.colours[20] == (0, 64, 128) and classes.colours[255] == (224, 224, 192)
    assert len(set(classes.colours)) == 256
    assert classes.names[3] == "class 3"


def test_classes_can_have_names_and_colours() -> None:
    classes = named_classes(["ground", "tall  tree #228B22", "#sky #87ceeb"])
    assert classes == MapClasses(
        ("ground", "tall  tree", "#sky"), ((0, 0, 0), (0x22, 0x8B, 0x22), (0x87, 0xCE, 0xEB))
    )
    assert classes_from_json(classes.to_json()) == classes
    assert numbered_classes(2).listed() == "0 class 0 #000000, 1 class 1 #800000"


@pytest.mark.parametrize("count", [-1, 0, 1, 257])
def test_there_are_no_maps_of_too_few_or_too_many(count: int) -> None:
    with pytest.raises(SettingsError, match=f"no maps of {count} class"):
        numbered_classes(count)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["a", "a"], "called 'a'"),
        (["a", "b #000000"], "'a' and 'b' have one colour, #000000"),
        (["a", " "], "names no class"),
        (["a", "b" * 80], "names no class"),
        (["a", "b\nc"], "names no class"),
    ],
)
def test_bad_names_are_told(texts: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        named_classes(texts)


def test_what_is_no_list_of_classes_is_told() -> None:
    for text in ("{", '{"a": 1}', "[1, 2]", "[" * 100_000):
        with pytest.raises(SettingsError):
            classes_from_json(text)


@pytest.mark.parametrize("count", [2, 3, 4, 12, 21, 256])
def test_a_map_is_read_back_from_its_numbers_and_from_its_colours(count: int) -> None:
    classes, labels = numbered_classes(count), drawn(count)
    coloured = map_to_picture(labels, classes)
    palette = Image.fromarray(labels).convert("P")
    palette.putpalette([level for colour in classes.colours for level in colour])
    foreign = Image.fromarray(labels).convert("P")
    foreign.putpalette([level for index in range(256) for level in (255 - index, index, 77)])
    for picture in (Image.fromarray(labels), coloured, coloured.convert("RGBA"), palette, foreign):
        read, warnings = picture_to_map(picture, classes)
        assert np.array_equal(read, labels), picture.mode
        assert not warnings
    planes = map_to_tensor(labels, 64, count)
    assert planes.shape == (1, count, 64, 64) and planes.sum(dim=1).eq(1).all()
    assert map_agreement(labels, read, count) == 1.0


def test_soft_edges_go_to_a_class_that_meets_there() -> None:
    classes = numbered_classes(4)
    labels = drawn(4, 256)
    soft = map_to_picture(labels, classes).resize((128, 128), Image.Resampling.LANCZOS)
    read, warnings = picture_to_map(soft, classes)
    assert not warnings
    assert (read == drawn(4, 128)).mean() > 0.98


def test_colours_of_another_palette_are_told_with_the_class_that_was_taken() -> None:
    classes = named_classes(["ground", "sky #87ceeb"])
    picture = map_to_picture(drawn(2, 64), classes)
    picture.paste((250, 10, 200), (0, 0, 20, 20))
    _, (warning,) = picture_to_map(picture, classes)
    assert "#fa0ac8" in warning and ("'sky'" in warning or "'ground'" in warning)


def test_only_faces_need_skin_and_a_value_beyond_the_classes_is_no_map() -> None:
    empty = np.zeros((64, 64), np.uint8)
    assert picture_to_map(Image.fromarray(empty), numbered_classes(4))[1] == ()
    assert "no skin" in picture_to_map(Image.fromarray(empty))[1][0]
    with pytest.raises(ValueError, match="values 0 to 3, not 0 to 4"):
        map_to_tensor(drawn(5), 32, 4)


def test_left_and_right_change_places_in_a_mirror_by_their_names() -> None:
    labels = np.array([[0, 1, 2, 3]], np.uint8)
    named = named_classes(["ground", "left ear", "right ear", "left paw"])
    assert mirror_map(labels, named).tolist() == [[3, 1, 2, 0]]
    assert mirror_map(labels, numbered_classes(4)).tolist() == [[3, 2, 1, 0]]
    assert mirror_map(np.array([[4, 6, 9]], np.uint8)).tolist() == [[8, 7, 5]]
    assert len(FACE_CLASSES) == 19

"""What is black and what is white in an array: told from type and range, or refused with words."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from psp.errors import PictureError
from psp.pictures.images import load_picture
from psp.pictures.levels import to_levels

LEVELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
LEVELS[0, 0] = 255


@pytest.mark.parametrize(
    "array",
    [
        LEVELS / 255.0 * 1.0001,
        (LEVELS / 255.0 * 1.0001).astype(np.float16),
        LEVELS / 255.0 + np.where(LEVELS == 255, 0.09, 0.0),  # what sharpening leaves
        LEVELS / 255.0 - np.where(LEVELS == 0, 0.05, 0.0),
        LEVELS.astype(np.float64) + np.where(LEVELS == 255, 1.0, 0.0),  # 256
        LEVELS.astype(np.int64) + (LEVELS == 255),
        LEVELS.astype(np.int16) - (LEVELS == 0),
        LEVELS.astype(np.uint32) * 257,
        LEVELS.astype(np.uint16) * 257,
        LEVELS.astype(np.float32) * 257 * 1.01,
    ],
    ids=lambda array: f"{array.dtype} to {array.max():.6g}",
)
def test_what_is_a_little_over_its_range_is_clipped_and_not_black(array: np.ndarray) -> None:
    picture = np.asarray(load_picture(array)).astype(int)
    assert np.abs(picture - LEVELS).max() <= 3


@pytest.mark.parametrize(
    "array",
    [
        LEVELS.astype(np.uint16),  # 8 bits in 16
        LEVELS.astype(np.uint16) * 16,  # 12 bits
        LEVELS.astype(np.uint16) * 4,  # 10 bits
        LEVELS.astype(np.int32) * 16,
        LEVELS.astype(np.float32) * 4,
        LEVELS / 255.0 * 3,
        (LEVELS > 127).astype(np.int64),  # 0 and 1
        LEVELS / 127.5 - 1.0,  # -1 to 1
    ],
    ids=lambda array: f"{array.dtype} to {array.max():.6g}",
)
def test_a_range_that_cannot_be_told_is_refused_with_what_to_do(array: np.ndarray) -> None:
    with pytest.raises(PictureError) as caught:
        load_picture(array)
    assert "0..65535" in caught.value.next_step


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int64", "float32"])
def test_black_is_black_in_every_type(kind: str) -> None:
    assert load_picture(np.zeros((40, 40), kind)).getextrema() == ((0, 0),) * 3


def test_a_dark_picture_is_believed_where_its_range_is_certain() -> None:
    assert to_levels(np.full((2, 2), 3, np.uint8)).max() == 3
    assert to_levels(np.full((2, 2), 0.02)).max() == 5
    assert to_levels(np.full((2, 2), 771, np.uint16), white=65535.0).max() == 3


def test_a_tiff_of_12_bits_is_not_dark() -> None:
    values = np.full((40, 40), 2048, np.uint16)
    packed = np.stack([values[:, ::2] >> 4, (values[:, ::2] & 15) << 4 | values[:, 1::2] >> 8,
                       values[:, 1::2] & 255], axis=-1).astype(np.uint8)  # fmt: skip
    data = packed.tobytes()
    tags = {256: 40, 257: 40, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 40, 279: len(data)}
    entries = b"".join(
        tag.to_bytes(2, "little") + (4).to_bytes(2, "little") + (1).to_bytes(4, "little")
        + value.to_bytes(4, "little") for tag, value in tags.items()
    )  # fmt: skip
    directory = len(tags).to_bytes(2, "little") + entries + bytes(4)
    file = b"II*\0" + (8 + len(data)).to_bytes(4, "little") + data + directory
    with Image.open(io.BytesIO(file)) as opened:
        assert opened.mode == "I;16" and opened.getpixel((3, 3)) == 2048
    assert load_picture(file).getpixel((3, 3)) == (128, 128, 128)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int32", "int64", "float32"])
def test_an_index_map_keeps_its_numbers_in_every_type(kind: str) -> None:
    labels = np.arange(19 * 100, dtype=np.int64).reshape(38, 50) % 19
    read = load_picture(labels.astype(kind), flat=False)
    assert np.array_equal(np.asarray(read), labels)

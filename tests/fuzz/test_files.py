"""Files of codes and directions, and maps: whatever is in them, something that holds, or a PspError."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from psp.codes.directions import directions_from_bytes, names_in
from psp.codes.latents import codes_from_bytes, codes_to_bytes
from psp.codes.recipe import Recipe
from psp.errors import PictureError, PspError
from psp.maps.palette import CLASSES, PALETTE, is_photo, map_to_picture, picture_to_map
from psp.pictures.images import load_picture
from psp.pictures.sketches import read_sketch
from tests.fuzz.strange import ANYTHING, SMALL

_TYPES = [
    *("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3"),
    *("I64", "I8", "U8", "U16", "BOOL", "C64", "nothing"),
]
_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U16": 2, "C64": 8}
_NAMES = st.sampled_from(
    ["codes", "coarse", "coarse.scale", "fine", "fine.scale", "smile", "Smile", "a" * 60, "__metadata__"]
)


@st.composite
def safetensors(draw: st.DrawFn) -> bytes:
    """Return a file that is nearly one: its types, shapes, places and texts may lie."""
    header: dict[str, Any] = {}
    end = 0
    for name in draw(st.lists(_NAMES, max_size=4, unique=True)):
        kind = draw(st.sampled_from(_TYPES))
        shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 14, 32]), max_size=4))
        size = int(np.prod(shape, dtype=np.int64)) * _WIDTHS.get(kind, 1)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
        if draw(st.integers(0, 9)) == 0:
            header[name][draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(ANYTHING)
    if draw(st.booleans()):
        said = {
            "smile": {
                "layers": [0, draw(st.integers(-1, 40))],
                "low": draw(st.floats()),
                "title": draw(st.text()),
            }
        }
        texts = st.sampled_from([json.dumps(said), "[" * 5000, "null", "[]", '{"smile": 5}'])
        header["__metadata__"] = draw(
            st.dictionaries(st.sampled_from(["recipe", "directions"]), texts) | ANYTHING
        )
    text = json.dumps(header).encode()
    data = draw(st.binary(max_size=64)) or b"\0"
    data = (data * (end // len(data) + 1))[
        : draw(st.sampled_from([end, end, end, end - 1, end + 1])) if end else 0
    ]
    length = draw(
        st.sampled_from([len(text)] * 6 + [0, len(text) - 1, len(text) + 1, 2**31, 2**63, 2**64 - 1])
    )
    return length.to_bytes(8, "little") + text + data


@SMALL
@given(safetensors() | st.binary(max_size=200))
def test_files_of_codes(data: bytes) -> None:
    try:
        file = codes_from_bytes(data)
    except PspError as error:
        assert error.next_step and len(str(error)) < 500
        return
    assert file.codes.dtype == np.float32 and np.isfinite(file.codes).all() and file.codes.size
    again = codes_from_bytes(
        codes_to_bytes(file.codes, file.recipe or Recipe("encode", "auto", ""), details=file.details)
    )
    assert np.array_equal(again.codes, file.codes) and (file.details is None) == (again.details is None)


@SMALL
@given(safetensors() | st.binary(max_size=200))
def test_files_of_directions(data: bytes) -> None:
    try:
        names = names_in(data)
        found = directions_from_bytes(data, 14, 32)
    except PspError as error:
        assert error.next_step and len(str(error)) < 500
        return
    assert sorted(found) == sorted(each.name for each in names)
    assert all(each.shift.shape == (14, 32) and np.isfinite(each.shift).all() for each in found.values())


_MODES = [
    "1",
    "L",
    "LA",
    "La",
    "P",
    "PA",
    "RGB",
    "RGBA",
    "RGBa",
    "RGBX",
    "CMYK",
    "YCbCr",
    "HSV",
    "LAB",
    "I",
    "F",
    "I;16",
    "I;16B",
]
_VALUES = st.sampled_from([0, 1, 5, 18, 19, 254, 255]) | st.integers(0, 255)


@st.composite
def drawings(draw: st.DrawFn) -> Image.Image:
    """Return a picture of any mode, mostly square, with few values and what a palette adds."""
    width = draw(st.sampled_from([1, 31, 32, 33, 40]))
    height = draw(st.sampled_from([width, width, width, 32, 700]))
    mode = draw(st.sampled_from(_MODES))
    picture = Image.new(mode, (width, height))
    size = len(picture.tobytes())
    if mode in ("I", "F"):
        values = draw(
            st.lists(
                st.sampled_from([0.0, 1.0, -1.0, 18.0, 255.0, 65535.0, 1e30, np.nan, np.inf]),
                min_size=1,
                max_size=5,
            )
        )
        array: NDArray[Any] = np.resize(np.array(values), (height, width))
        with np.errstate(invalid="ignore"):
            return Image.fromarray(array.astype(np.float32 if mode == "F" else np.int32))
    cells = draw(st.lists(_VALUES, min_size=1, max_size=8))
    picture.frombytes(bytes(np.resize(np.array(cells, np.uint8), size)))
    if mode in ("P", "PA") and draw(st.booleans()):
        colours = draw(st.lists(st.sampled_from([*PALETTE, (1, 2, 3)]), max_size=256))
        picture.putpalette([level for colour in colours for level in colour])
    # As a PNG's tRNS says it: its numbers need not be within those of the picture.
    wide = st.integers(0, 65535)
    keys = {
        "P": st.integers(0, 255) | st.binary(min_size=1, max_size=300),
        "RGB": st.tuples(wide, wide, wide),
    }
    if mode in ("P", "L", "RGB", "1", "I;16") and draw(st.booleans()):
        picture.info["transparency"] = draw(keys.get(mode, wide))
    return picture


@SMALL
@given(drawings())
def test_maps(picture: Image.Image) -> None:
    try:
        picture = load_picture(picture, flat=False)  # as everything that comes from outside is read
        labels, warnings = picture_to_map(picture)
        is_photo(picture)
    except PictureError as error:
        assert error.next_step
        return
    assert labels.dtype == np.uint8 and labels.max() < len(CLASSES) and all(warnings)


@SMALL
@given(st.lists(st.integers(0, len(CLASSES) - 1), min_size=16, max_size=16))
def test_maps_of_the_studio_come_back(cells: list[int]) -> None:
    labels = np.kron(np.array(cells, np.uint8).reshape(4, 4), np.ones((12, 12), np.uint8))
    again, _ = picture_to_map(map_to_picture(labels))
    assert np.array_equal(again, labels)


@SMALL
@given(drawings())
def test_sketches(picture: Image.Image) -> None:
    try:
        sketch, _ = read_sketch(picture)
    except PictureError as error:
        assert error.next_step
        return
    assert sketch.mode == "L" and sketch.width == sketch.height


@pytest.mark.parametrize("value", [1e300, -1e39, 3e38])
def test_codes_that_no_model_can_have_are_refused(value: float) -> None:
    from safetensors.numpy import save

    with pytest.raises(PspError, match="codes"):
        codes_from_bytes(save({"codes": np.full((14, 512), value, np.float64)}))

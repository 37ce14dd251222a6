"""Settings from Python: NumPy's scalars are numbers, None is the default, what is of another kind is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from psp.errors import InputError
from psp.inference.pipeline import PspPipeline, Result


@pytest.fixture(scope="module")
def face(astronaut: Image.Image) -> Image.Image:
    """A square face, so that no face has to be looked for."""
    return astronaut.crop((140, 0, 308, 168)).resize((128, 128))


@pytest.mark.parametrize(
    ("call", "settings"),
    [
        ("encode", {"align": np.False_, "face": np.int64(0)}),
        ("toonify", {"align": np.False_, "face": np.uint8(0), "strength": np.float32(0.5)}),
        (
            "super_resolution",
            {"align": np.False_, "factor": np.int32(8), "variants": np.int64(2), "seed": np.uint32(3)},
        ),
        ("sketch_to_face", {"variants": np.array(2), "seed": np.int64(1), "alpha": np.float64(0.5)}),
        (
            "style_mix",
            {"layers": np.str_("0-3"), "alpha": np.float16(0.5), "seed": np.int64(2), "align": np.False_},
        ),
        ("align", {"face": np.int64(0)}),
        ("photo_to_sketch", {"align": np.False_, "face": np.int64(0)}),
        ("photo_to_mask", {"align": np.False_, "face": np.int64(0)}),
    ],
)
def test_numbers_out_of_arrays_are_numbers(
    face: Image.Image,
    astronaut: Image.Image,
    tmp_path: Path,
    pipeline: PspPipeline,
    call: str,
    settings: dict[str, Any],
) -> None:
    picture = astronaut if call == "align" else face
    plain = {name: value.item() for name, value in settings.items()}
    made: Result = getattr(pipeline, call)(picture, **settings)
    wanted: Result = getattr(pipeline, call)(picture, **plain)
    assert made.save(tmp_path / "made.png").read_bytes() == wanted.save(tmp_path / "wanted.png").read_bytes()
    assert made.files("x").keys() == wanted.files("x").keys()  # the details too can be written
    assert made.details["recipe"] == wanted.details["recipe"]


WRONG: dict[str, list[object]] = {
    "face": [0.5, float("nan"), float("inf"), "0", [0], True, np.float32(1.5), {}],
    "factor": [4.5, "8", [8], np.float64("nan")],
    "variants": [1.5, "2", [2], (1, 2), np.array([2]), np.float32(2.5)],
    "seed": [0.5, "1", float("nan"), float("-inf"), [1], b"1"],
    "align": ["false", "true", "", 2, 0.5, [], np.str_("false")],
    "alpha": ["1", float("nan"), float("inf"), [1.0], True, 1j],
    "strength": ["1", float("nan"), [1.0], np.float64("inf")],
    "layers": [8, [0, 1], 0.5, True, b"8-"],
    "model": [5, ["auto"], b"auto", True],
}
CALLS = {
    "face": (
        "encode",
        "frontalize",
        "toonify",
        "super_resolution",
        "style_mix",
        "align",
        "photo_to_mask",
        "places",
    ),
    "align": ("encode", "toonify", "super_resolution", "style_mix", "photo_to_sketch", "places"),
    "factor": ("super_resolution",),
    "variants": ("super_resolution", "sketch_to_face", "segmentation_to_face", "style_mix"),
    "seed": ("super_resolution", "sketch_to_face", "segmentation_to_face", "style_mix"),
    "alpha": ("sketch_to_face", "segmentation_to_face", "style_mix"),
    "layers": ("sketch_to_face", "segmentation_to_face", "style_mix"),
    "strength": ("toonify",),
    "model": ("encode", "toonify", "super_resolution", "sketch_to_face", "segmentation_to_face", "style_mix"),
}


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, calls in CALLS.items() for call in calls])
def test_what_is_of_another_kind_is_said_with_the_settings_name(
    name: str, call: str, face: Image.Image, pipeline: PspPipeline
) -> None:
    for value in WRONG[name]:
        with pytest.raises(InputError, match=f"The {name} is .*Take"):
            getattr(pipeline, call)(face, **{name: value})


def test_a_long_value_is_cut(face: Image.Image, pipeline: PspPipeline) -> None:
    with pytest.raises(InputError) as caught:
        pipeline.encode(face, align="x" * 10**6)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_none_is_the_default_and_whole_floats_are_whole(face: Image.Image, pipeline: PspPipeline) -> None:
    plain = pipeline.style_mix(face, align=False, seed=3)
    nothing: Any = {
        "layers": None,
        "alpha": None,
        "variants": None,
        "face": None,
        "model": None,
        "style": None,
    }
    assert pipeline.style_mix(face, align=False, seed=3.0, **nothing).png() == plain.png()  # type: ignore[arg-type]
    assert pipeline.encode(face, align=0).details["recipe"]["settings"]["align"] is False  # type: ignore[arg-type]


def test_a_model_may_be_a_path(face: Image.Image, pipeline: PspPipeline, small_assets: Path) -> None:
    path: Any = small_assets / "mobile-1024"
    assert pipeline.encode(face, model=path, align=False).latents is not None

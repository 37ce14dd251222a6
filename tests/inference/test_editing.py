"""Edits through the pipeline: they do what they are called, keep who it is, and come back from their file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from psp.codes.latents import codes_from_bytes
from psp.errors import InputError
from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import yaw
from psp.files.bundled import directions_file
from psp.inference.edit_preview import preview_edit
from psp.inference.known_faces import FaceIn, Known
from psp.inference.pipeline import PspPipeline, Result

WOMAN = Path("examples/photos/synthetic_1.jpg")
HAT = Path("examples/photos/hopper.jpg")


def landmarks(picture: Image.Image) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    small = picture.convert("RGB").resize((256, 256), Image.Resampling.LANCZOS)
    found = aligned_landmarks(np.asarray(small))
    assert found is not None
    return np.asarray(found, float)


def smile(picture: Image.Image) -> float:
    """How far the corners of the mouth are above its middle, in distances of the eyes."""
    at = landmarks(picture)
    eyes = np.linalg.norm(at[36:42].mean(axis=0) - at[42:48].mean(axis=0))
    return float(((at[62] + at[66]) / 2 - (at[48] + at[54]) / 2)[1] / eyes)


def changed(one: Result, other: Result) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    small = [np.asarray(each.image.resize((64, 64), Image.Resampling.BOX), float) for each in (one, other)]
    return np.abs(small[0] - small[1]).mean(axis=2)


def test_they_do_what_they_are_called(studio: PspPipeline) -> None:
    plain = studio.edit(WOMAN)
    assert plain.image.tobytes() == studio.encode(WOMAN).image.tobytes()
    serious, smiling = (studio.edit(WOMAN, edits=f"smile:{amount}") for amount in (-1, 0.5))
    assert smile(serious.image) < smile(plain.image) - 0.02 < smile(smiling.image)
    left, right = (studio.edit(WOMAN, edits=f"yaw:{amount}").image for amount in (-0.5, 0.5))
    turns = [float(yaw(landmarks(each))) for each in (left, plain.image, right)]
    assert turns == sorted(turns) or turns == sorted(turns, reverse=True)
    assert abs(turns[2] - turns[0]) > 0.2
    dark, bright = (studio.edit(WOMAN, edits=f"brightness:{amount}").image for amount in (-1, 1))
    assert np.asarray(dark).mean() < np.asarray(plain.image).mean() - 10 < np.asarray(bright).mean() - 20
    assert serious.recipe.settings["edits"] == "smile:-1"


def test_exact_keeps_what_is_not_changed_and_comes_back_from_its_file(studio: PspPipeline) -> None:
    plain = studio.encode(HAT, likeness="exact")
    made = studio.edit(HAT, edits="smile:0.7", likeness="exact")
    quick = studio.edit(HAT, edits="smile:0.7")
    top = slice(0, 16)  # the hat, which codes do not know
    assert changed(plain, made)[top].mean() < 10
    assert changed(plain, quick)[top].mean() > 30
    assert smile(made.image) > smile(plain.image) + 0.02
    data = made.latents_file()
    assert data is not None
    assert studio.decode(data).png() == made.png()
    again = studio.edit(codes_from_bytes(plain.latents_file() or b""), edits="smile:0.7", likeness="exact")
    assert again.image.tobytes() == made.image.tobytes()


def test_a_preview_is_near_the_result_and_encodes_once(studio: PspPipeline) -> None:
    known: Known = {}
    made, known = preview_edit(
        studio.network, studio.read, FaceIn(str(HAT)), known, edits="age:1", exact=True
    )
    ((key, face),) = known.items()
    wanted = studio.edit(HAT, edits="age:1", likeness="exact").image.resize(made.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(made, float) - np.asarray(wanted, float)).mean() < 6
    _, known = preview_edit(studio.network, studio.read, FaceIn(str(HAT)), known, edits="age:-1", exact=True)
    assert known[key] is face


@pytest.mark.slow
def test_further_directions_come_from_a_file(studio: PspPipeline, tmp_path: Path) -> None:
    shift = np.zeros((23, 512), np.float32)
    shift[15:] = 0.2
    data = save({"tint": shift, "smile": shift})
    (tmp_path / "more.safetensors").write_bytes(data)
    tinted = studio.edit(WOMAN, tmp_path / "more.safetensors", edits="tint:1")
    named = studio.edit(WOMAN, data, edits="smile:1")
    assert tinted.image.tobytes() == named.image.tobytes()
    assert tinted.details["warnings"] == []
    assert named.details["warnings"] == ["Of the file of directions, not the model's own: smile."]
    assert tinted.image.tobytes() != studio.edit(WOMAN).image.tobytes()
    with pytest.raises(InputError, match="no direction 'tint'"):
        studio.edit(WOMAN, edits="tint:1")
    with pytest.raises(InputError, match="far outside"):
        studio.edit(WOMAN, save({"far": np.full(512, 1e5, np.float32)}), edits="far:2")


@pytest.mark.slow
def test_beyond_what_was_measured_is_told(studio: PspPipeline) -> None:
    told = studio.edit(WOMAN, edits="age:1.5,hat:-0.8,smile:1").details["warnings"]
    assert any("age, hat" in words for words in told)
    assert not studio.edit(WOMAN, edits="age:1").details["warnings"]


def test_the_same_edit_gives_the_same_bytes(studio: PspPipeline) -> None:
    both = [studio.edit(WOMAN, edits="age:0.5,pose-1:0.5", likeness="exact").png() for _ in range(2)]
    assert both[0] == both[1]


@pytest.mark.slow
def test_the_file_that_comes_along_can_be_given_too(studio: PspPipeline) -> None:
    given = studio.edit(WOMAN, directions_file(), edits="age:0.5")
    assert given.image.tobytes() == studio.edit(WOMAN, edits="age:0.5").image.tobytes()

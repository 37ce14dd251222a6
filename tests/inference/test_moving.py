"""Clips through the pipeline: they begin with the face, end with the edit or another face, and are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.codes.latents import codes_from_bytes
from psp.errors import InputError, SettingsError
from psp.files.saving import recipe_at
from psp.inference.moving import eased
from psp.inference.pipeline import PspPipeline, Result
from psp.pictures.clips import FPS, frames_of

HAT = Path("examples/photos/hopper.jpg")
WOMAN = Path("examples/photos/synthetic_1.jpg")
MAN = Path("examples/photos/synthetic_2.jpg")


def frames(result: Result, folder: Path) -> list[Image.Image]:
    assert result.clip is not None
    path = folder / f"clip.{result.clip.format}"
    path.write_bytes(result.clip.data)
    return frames_of(path)


def apart(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures in levels, at 64 px."""
    small = [
        np.asarray(each.convert("RGB").resize((64, 64), Image.Resampling.BOX), float) for each in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize(("seconds", "loop", "count"), [(1.0, True, 13), (2.0, True, 26), (4.0, False, 100)])
def test_frames_go_slowly_fast_and_slowly(seconds: float, loop: bool, count: int) -> None:
    shares = eased(seconds, loop=loop)
    assert len(shares) == count and shares[0] == 0 and shares[-1] == 1
    steps = np.diff(shares)
    assert (steps > 0).all() and steps[0] < steps[len(steps) // 2] > steps[-1]
    three = eased(seconds, loop=loop, legs=3)
    assert len(three) == count and three[0] == 0 and three[-1] == 3 and (np.diff(three) >= 0).all()
    assert np.allclose(three + three[::-1], 3, atol=1e-5)  # the last leg is like the first


@pytest.mark.slow
def test_it_goes_to_the_edit_and_back_and_keeps_the_hat(studio: PspPipeline, tmp_path: Path) -> None:
    made = studio.move(HAT, edits="smile:1,brightness:-0.5", likeness="exact", seconds=1.0, size=256)
    shown = frames(made, tmp_path)
    assert made.clip is not None and len(shown) == made.clip.frames == 24  # 13 there, 11 back
    plain = studio.encode(HAT, likeness="exact").image
    edited = studio.edit(HAT, edits="smile:1,brightness:-0.5", likeness="exact").image
    # The frames are previews: near the pictures, not equal to them.
    assert apart(shown[0], plain) < 12 and apart(shown[12], edited) < 12
    assert apart(shown[0], plain) < apart(shown[12], plain) / 2
    assert apart(shown[12], edited) < apart(shown[0], edited) / 2
    assert apart(shown[11], shown[13]) < 2  # the way back
    assert made.latents is not None and made.latents.shape == (2, 23, 512)


@pytest.mark.slow
def test_it_goes_to_another_face(studio: PspPipeline, tmp_path: Path) -> None:
    made = studio.move(HAT, WOMAN, likeness="exact", seconds=1.0, size=256, loop=False, format="gif")
    shown = frames(made, tmp_path)
    assert len(shown) == FPS
    ends = [studio.encode(path, likeness="exact").image for path in (HAT, WOMAN)]
    assert apart(shown[0], ends[0]) < 12 and apart(shown[-1], ends[1]) < 12
    assert made.recipe.settings["style"] == "picture"


@pytest.mark.slow
def test_codes_and_their_details_can_be_moved(studio: PspPipeline, tmp_path: Path) -> None:
    file = codes_from_bytes(studio.encode(HAT, likeness="exact").latents_file() or b"")
    settings = {"edits": "age:-1", "likeness": "exact", "seconds": 1.0, "size": 256, "format": "gif"}
    of_codes, of_photo = studio.move(file, **settings), studio.move(HAT, **settings)  # type: ignore[arg-type]
    assert of_codes.clip is not None and of_photo.clip is not None
    assert apart(frames(of_codes, tmp_path)[5], frames(of_photo, tmp_path)[5]) < 0.5


def test_it_goes_through_faces_in_their_order(studio: PspPipeline, tmp_path: Path) -> None:
    file = studio.encode(HAT, likeness="exact").save(tmp_path / "hat.png").with_suffix(".safetensors")
    made = studio.move(
        MAN, through=[file, WOMAN], edits="age:-1", likeness="exact", seconds=1.0, size=256, loop=False
    )
    shown = frames(made, tmp_path)
    assert len(shown) == FPS and made.recipe.settings["faces"] == 3
    ends = [studio.encode(MAN, likeness="exact").image, studio.encode(HAT, likeness="exact").image]
    ends.append(studio.edit(WOMAN, edits="age:-1", likeness="exact").image)
    for index, end in zip((0, 12, 24), ends, strict=True):
        assert apart(shown[index], end) < 13
    assert made.latents is not None and made.latents.shape == (2, 23, 512)
    with pytest.raises(SettingsError, match="is there already"):
        made.save(file.with_suffix(".png"))


@pytest.mark.slow
def test_faces_on_the_way_are_a_short_list_of_faces(studio: PspPipeline, tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), "grey").save(tmp_path / "grey.png")
    for through, words in (
        ([WOMAN] * 5, "5 faces on the way"),
        (WOMAN, "no list"),
        ([MAN, tmp_path / "grey.png"], "In face 2 of 2 that the clip comes to: No face"),
    ):
        with pytest.raises(InputError, match=words):
            studio.move(HAT, through=through, seconds=1.0, size=256)  # type: ignore[arg-type]
    one, other = (
        studio.move(MAN, seconds=1.0, size=256, format="gif", **way)  # type: ignore[arg-type]
        for way in ({"style": WOMAN}, {"through": [WOMAN]})
    )
    assert one.clip is not None and other.clip is not None and one.clip.data == other.clip.data


def test_what_does_not_move_is_told(studio: PspPipeline) -> None:
    with pytest.raises(InputError, match="Nothing would move"):
        studio.move(WOMAN, edits="smile:0", through=[])


def test_clips_are_saved_and_only_clips_of_the_studio_are_replaced(
    studio: PspPipeline, tmp_path: Path
) -> None:
    made = studio.move(WOMAN, edits="pose-1:1", seconds=1.0, size=256)
    saved = made.save(tmp_path / "me.png")
    assert saved.name == "me.mp4" and recipe_at(saved) == made.recipe
    assert {each.name for each in tmp_path.iterdir()} == {"me.mp4", "me-0.png", "me-1.png", "me.safetensors"}
    made.save(tmp_path / "me.png")
    saved.write_bytes(b"a film of somebody else")
    with pytest.raises(SettingsError, match="no earlier result"):
        made.save(tmp_path / "me.png")

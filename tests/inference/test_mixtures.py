"""Mixtures of what is more than codes: details come along where the shape stays, else no ghost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.codes.latents import CodesFile, codes_from_bytes
from psp.inference import likeness
from psp.inference.blend import blend
from psp.inference.known_faces import FaceIn
from psp.inference.pipeline import PspPipeline, Result

MAN = Path("examples/photos/synthetic_2.jpg")


@pytest.fixture(scope="module")
def base(exact: Result) -> CodesFile:
    return codes_from_bytes(exact.latents_file() or b"")


def apart(one: Image.Image, other: Image.Image, rows: slice = slice(0, 64)) -> float:
    """Return the mean difference of two pictures in levels, at 64 px."""
    small = [np.asarray(each.resize((64, 64), Image.Resampling.BOX), float) for each in (one, other)]
    return float(np.abs(small[0] - small[1])[rows].mean())


def test_colours_are_mixed_under_the_hat(studio: PspPipeline, exact: Result, base: CodesFile) -> None:
    top = slice(0, 14)  # the hat, which codes do not know
    mixed = studio.style_mix(base, MAN, layers="colours", alpha=0.5)
    plain = studio.style_mix(replace(base, details=None), MAN, layers="colours", alpha=0.5)
    assert apart(mixed.image, exact.image, top) < 20
    assert apart(plain.image, exact.image, top) > 40
    assert np.array_equal(np.asarray(mixed.latents), np.asarray(plain.latents))
    data = mixed.latents_file() or b""
    assert studio.decode(data).png() == mixed.png()
    # What is mixed keeps its details when it is the base of an edit.
    edited = studio.edit(codes_from_bytes(data), edits="smile:0.3", likeness="exact")
    assert apart(edited.image, exact.image, top) < 25


@pytest.mark.slow
def test_of_another_shape_nothing_is_left(studio: PspPipeline, base: CodesFile) -> None:
    mixed = studio.style_mix(base, MAN, layers="pose")
    assert mixed.kept is None
    assert mixed.png() == studio.style_mix(replace(base, details=None), MAN, layers="pose").png()


@pytest.mark.slow
def test_nothing_mixed_is_the_photo_and_all_of_it_the_other_one(
    studio: PspPipeline, exact: Result, base: CodesFile
) -> None:
    assert studio.style_mix(base, MAN, layers="all", alpha=0).image.tobytes() == exact.image.tobytes()
    other = studio.encode(MAN, likeness="exact").image
    assert studio.style_mix(base, MAN, layers="all").image.tobytes() == other.tobytes()


def test_random_styles_colour_it_and_several_go_without(studio: PspPipeline, base: CodesFile) -> None:
    made = studio.style_mix(base, seed=3)
    assert made.kept is not None and not made.details["warnings"]
    several = studio.style_mix(base, seed=3, variants=2)
    assert several.kept is None and "one mixture at a time" in several.details["warnings"][0]
    plain = studio.style_mix(replace(base, details=None), seed=3)
    assert several.images[0].tobytes() == plain.image.tobytes()


@pytest.mark.slow
def test_the_preview_shows_them(studio: PspPipeline, base: CodesFile) -> None:
    other = FaceIn(str(MAN))
    for layers in ("colours", "all"):
        seen, known = blend(studio.network, studio.read, base, other, {}, layers=layers)
        made = studio.style_mix(base, MAN, layers=layers).image
        assert apart(seen, made) < 9  # a preview
        assert all(face.details is not None for face in known.values())


def test_a_model_without_a_network_mixes_the_codes(
    studio: PspPipeline, base: CodesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "is_known", lambda psp: False)
    made = studio.style_mix(base, MAN, layers="colours")
    assert made.kept is None and "left out" in made.details["warnings"][0]

"""Exact likeness through the pipeline: near the photo, back from its file, refused where it cannot be."""

from __future__ import annotations

import io

import numpy as np
import pytest
from safetensors.numpy import load

from psp.codes.details import Details, Map
from psp.codes.latents import CodesFile, codes_from_bytes, codes_to_bytes
from psp.errors import InputError
from psp.inference.pipeline import PspPipeline, Result
from tests.inference.conftest import HAT


def test_it_keeps_what_codes_cannot_say(studio: PspPipeline, exact: Result) -> None:
    quick = studio.encode(HAT)
    assert quick.details["quality"]["lpips"] > 0.3  # the hat became hair
    assert exact.details["quality"]["lpips"] < 0.08
    assert exact.details["quality"]["identity"] < 0.15
    assert exact.latents is not None
    assert np.array_equal(exact.latents, quick.latents)
    assert exact.recipe.settings["likeness"] == "exact"


def test_its_file_gives_the_same_picture_and_without_the_details_says_so(
    studio: PspPipeline, exact: Result
) -> None:
    data = exact.latents_file()
    assert data is not None
    again = studio.decode(data)
    assert again.png() == exact.png()
    assert again.latents_file() == data
    bare = studio.decode(codes_to_bytes(load(data)["codes"], exact.recipe))
    assert bare.png() != exact.png()
    assert "not in this file" in " ".join(bare.details["warnings"])


def test_details_of_another_shape_are_refused(studio: PspPipeline, exact: Result) -> None:
    assert exact.latents is not None
    other = Map(np.zeros((2, 4, 4), np.int8), np.zeros(2, np.float32))
    with pytest.raises(InputError, match="of another shape"):
        studio.decode(CodesFile(exact.latents, exact.recipe, Details(other, other)))
    kept = codes_from_bytes(exact.latents_file() or b"").details
    with pytest.raises(InputError, match="one photo, but several codes"):
        studio.decode(CodesFile(np.stack([exact.latents] * 2), exact.recipe, kept))


def test_a_crop_that_is_taken_as_it_is_can_be_exact(studio: PspPipeline, exact: Result) -> None:
    assert exact.seen is not None
    out = io.BytesIO()
    exact.seen.save(out, "PNG")
    again = studio.encode(out.getvalue(), likeness="exact", align=False)
    assert again.details["quality"]["lpips"] < 0.08


@pytest.mark.slow
def test_refining_exactly_adds_details_to_given_codes(studio: PspPipeline, exact: Result) -> None:
    made = studio.refine(HAT, likeness="exact")
    assert made.png() == exact.png() and made.latents_file() == exact.latents_file()
    quick = studio.encode(HAT)
    assert quick.latents is not None
    assert made.details["refined"]["before"] == quick.details["quality"]
    given = studio.refine(HAT, quick.latents_file(), likeness="exact")
    assert given.image.tobytes() == exact.image.tobytes()
    mean = studio.refine(HAT, quick.latents * 0.5, likeness="exact")
    gained = mean.details["refined"]
    assert gained["after"]["lpips"] < gained["before"]["lpips"] / 2
    assert mean.latents is not None and np.array_equal(mean.latents, quick.latents * 0.5)
    assert studio.decode(mean.latents_file() or b"").image.tobytes() == mean.image.tobytes()

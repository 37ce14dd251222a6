"""Every task of the pipeline on the bundled models: what comes out, and what depends on what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from psp import PspPipeline
from psp.checkpoints import save_psp
from psp.codes.latents import CodesFile, codes_from_bytes, codes_to_bytes
from psp.codes.recipe import Recipe
from psp.config import Settings
from psp.errors import FaceIndexError, FaceNotFoundError, InputError, PictureError, StoppedError
from psp.inference.network import Work
from psp.inference.pipeline import Result
from psp.maps.palette import map_to_picture, picture_to_map
from tests.compact import compact_model


@pytest.fixture(scope="module")
def encoded(pipeline: PspPipeline, astronaut: Image.Image) -> Result:
    return pipeline.encode(astronaut)


@pytest.fixture(scope="module")
def sketch(pipeline: PspPipeline, astronaut: Image.Image) -> Image.Image:
    return pipeline.photo_to_sketch(astronaut).image


@pytest.fixture(scope="module")
def mask(pipeline: PspPipeline, astronaut: Image.Image) -> Image.Image:
    return pipeline.photo_to_mask(astronaut).image


def apart(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())


def test_a_face_is_turned_to_the_front(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    result = pipeline.frontalize(astronaut)
    assert result.image.size == (128, 128)
    assert apart(result.image, encoded.image) > 0.5  # another model
    assert result.details["quality"]["identity"] < 0.8


def test_the_strength_of_toonify_goes_from_the_encoded_face_to_the_drawing(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    none, half, full = (pipeline.toonify(astronaut, strength=strength) for strength in (0.0, 0.5, 1.0))
    assert none.image.tobytes() == encoded.image.tobytes()
    assert full.png() == pipeline.toonify(astronaut).png()
    assert 0 < apart(half.image, none.image) < apart(full.image, none.image)
    assert 0 < apart(half.image, full.image) < apart(full.image, none.image)


def test_a_model_without_its_encode_model_has_no_strength_between(
    astronaut: Image.Image, tmp_path: Path
) -> None:
    save_psp(compact_model(), tmp_path / "toon.safetensors")
    pipe = PspPipeline.from_pretrained(tmp_path / "toon.safetensors", Settings(cache_dir=tmp_path))
    assert pipe.toonify(astronaut).image.size == (32, 32)
    with pytest.raises(InputError, match="strength=1"):
        pipe.toonify(astronaut, strength=0.5)


def test_super_resolution_takes_the_picture_as_it_is_unless_asked(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    plain, shrunk = pipeline.super_resolution(astronaut), pipeline.super_resolution(astronaut, factor=8)
    assert plain.seen is not None and shrunk.seen is not None
    assert plain.seen.tobytes() == pipeline.align(astronaut).image.tobytes()
    assert apart(plain.seen, shrunk.seen) > 3
    assert plain.details["recipe"]["settings"]["factor"] == 0
    # The result is compared with the face itself, not with its blurred copy.
    assert shrunk.details["quality"]["l2"] > plain.details["quality"]["l2"] * 0.5
    with pytest.raises(InputError, match="factor"):
        pipeline.super_resolution(astronaut, factor=3)


def test_the_first_of_several_enlargements_is_the_plain_one(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    three = pipeline.super_resolution(astronaut, factor=16, variants=3, seed=5)
    one = pipeline.super_resolution(astronaut, factor=16, seed=9)
    assert three.images[0].tobytes() == one.image.tobytes()
    assert apart(three.images[1], three.images[2]) > 1
    assert three.latents is not None and three.latents.shape == (3, 14, 512)


def test_a_tiny_picture_in_which_no_face_is_found_is_taken_with_a_warning(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    tiny = pipeline.align(astronaut).image.resize((32, 32), Image.Resampling.BOX)
    result = pipeline.super_resolution(tiny)
    assert result.image.size == (128, 128)
    if result.details["alignment"]["faces"] is None:
        assert any("taken as it is" in warning for warning in result.details["warnings"])
    blank = Image.new("RGB", (64, 64), (90, 90, 90))
    assert any("taken as it is" in w for w in pipeline.super_resolution(blank).details["warnings"])
    with pytest.raises(FaceNotFoundError):
        pipeline.super_resolution(blank.resize((200, 200)))


@pytest.mark.parametrize("task", ["sketch_to_face", "segmentation_to_face"])
def test_drawings_give_faces_by_seed(
    pipeline: PspPipeline, sketch: Image.Image, mask: Image.Image, task: str
) -> None:
    drawing = {"sketch_to_face": sketch, "segmentation_to_face": mask}[task]
    run: Callable[..., Result] = getattr(pipeline, task)
    three = run(drawing, variants=3, seed=4)
    assert len(three.images) == 3
    assert run(drawing, seed=5).image.tobytes() == three.images[1].tobytes()
    assert apart(three.images[0], three.images[1]) > 2
    assert three.latents is not None
    assert np.array_equal(three.latents[0, :10], three.latents[1, :10])  # only the chosen layers differ
    assert not np.array_equal(three.latents[0, 10:], three.latents[1, 10:])
    plain = run(drawing, alpha=0.0)
    assert run(drawing, alpha=0.0, seed=99).image.tobytes() == plain.image.tobytes()
    assert three.details["quality"] is None and three.details["alignment"] is None
    assert three.details["recipe"]["settings"] == {"layers": "10-13", "alpha": 1.0, "variants": 3, "seed": 4}


def test_any_colour_of_line_gives_the_same_face(pipeline: PspPipeline, sketch: Image.Image) -> None:
    grey = np.asarray(sketch.convert("L"), np.float32)[:, :, None] / 255
    blue = Image.fromarray((255 * grey + np.array([40, 60, 200]) * (1 - grey)).astype(np.uint8))
    black, coloured = (pipeline.sketch_to_face(each) for each in (sketch, blue))
    assert black.seen is not None and black.seen.size[0] >= 128
    assert apart(black.image, coloured.image) < 12


def test_an_empty_sheet_is_told(pipeline: PspPipeline) -> None:
    with pytest.raises(PictureError, match="empty"):
        pipeline.sketch_to_face(Image.new("RGB", (256, 256), "white"))


def test_maps_are_read_in_colour_as_indices_and_on_white_paper(
    pipeline: PspPipeline, mask: Image.Image
) -> None:
    labels, _ = picture_to_map(mask)
    colour = pipeline.segmentation_to_face(mask)
    index = pipeline.segmentation_to_face(Image.fromarray(labels))
    paper = np.asarray(mask).copy()
    paper[labels == 0] = 255
    assert index.png() == colour.png()
    assert pipeline.segmentation_to_face(Image.fromarray(paper)).png() == colour.png()
    assert colour.seen is not None
    assert colour.seen.tobytes() == map_to_picture(labels).tobytes()


def test_colours_that_nobody_knows_are_named(pipeline: PspPipeline, mask: Image.Image) -> None:
    odd = mask.copy()
    odd.paste((200, 190, 255), (0, 0, 60, 60))
    warnings = pipeline.segmentation_to_face(odd).details["warnings"]
    assert any("#c8beff" in warning for warning in warnings)


def test_mixing_changes_the_chosen_layers_only(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    mixed = pipeline.style_mix(astronaut, variants=2, seed=1)
    assert mixed.latents is not None and encoded.latents is not None
    assert np.array_equal(mixed.latents[0][:8], encoded.latents[:8])
    assert not np.array_equal(mixed.latents[0][8:], encoded.latents[8:])
    same = pipeline.style_mix(astronaut, alpha=0.0)
    assert same.image.tobytes() == encoded.image.tobytes()


def test_a_style_picture_takes_the_layers_and_variants_are_steps(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    other = astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    steps = pipeline.style_mix(astronaut, style=other, layers="all", variants=2)
    goal = pipeline.encode(other)
    assert steps.images[1].tobytes() == goal.image.tobytes()
    middle = (np.asarray(encoded.latents) + np.asarray(goal.latents)) / 2
    assert steps.latents is not None
    assert np.abs(steps.latents[0] - middle).max() < 1e-5
    assert "seed" not in steps.details["recipe"]["settings"]


def test_each_part_of_the_layers_takes_its_share(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    other = astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mixed = pipeline.style_mix(astronaut, style=other, layers="0-1:0.5,2,3:0,5-:0.25", alpha=0.8)
    ours, theirs = np.asarray(encoded.latents), np.asarray(pipeline.encode(other).latents)
    shares = np.array([0.4, 0.4, 0.8, 0, 0, *[0.2] * (len(ours) - 5)], np.float32)[:, None]
    assert np.abs(np.asarray(mixed.latents) - (shares * theirs + (1 - shares) * ours)).max() < 1e-5
    settings = mixed.details["recipe"]["settings"]
    assert settings["layers"] == f"0-1:0.5,2,3:0,5-{len(ours) - 1}:0.25" and settings["alpha"] == 0.8
    again = pipeline.style_mix(astronaut, style=other, layers=settings["layers"], alpha=settings["alpha"])
    assert again.png() == mixed.png()
    nothing = pipeline.style_mix(astronaut, layers="all:0", seed=3)
    assert nothing.image.tobytes() == encoded.image.tobytes()


def test_an_error_says_that_it_is_about_the_style_picture(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    with pytest.raises(FaceNotFoundError, match="style picture"):
        pipeline.style_mix(astronaut, style=Image.new("RGB", (200, 200), (9, 9, 9)))


def test_mixing_starts_from_codes_as_from_the_photo(
    pipeline: PspPipeline, astronaut: Image.Image, encoded: Result
) -> None:
    data = encoded.latents_file()
    assert data is not None
    from_codes = pipeline.style_mix(codes_from_bytes(data), seed=3)
    assert from_codes.image.tobytes() == pipeline.style_mix(astronaut, seed=3).image.tobytes()


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_codes_of_a_drawing_are_decoded_by_the_model_that_drew(
    pipeline: PspPipeline, astronaut: Image.Image, strength: float
) -> None:
    made = pipeline.toonify(astronaut, strength=strength)
    data = made.latents_file()
    assert data is not None
    assert pipeline.decode(data).png() == made.png()


def test_every_variant_in_a_file_is_decoded_exactly(pipeline: PspPipeline, sketch: Image.Image) -> None:
    made = pipeline.sketch_to_face(sketch, variants=3)
    data = made.latents_file()
    assert data is not None
    again = pipeline.decode(data)
    assert [each.tobytes() for each in again.images] == [each.tobytes() for each in made.images]


def test_one_variant_in_a_file_is_decoded_alone(
    pipeline: PspPipeline, sketch: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pipeline.sketch_to_face(sketch, variants=3)
    data, ran = made.latents_file(), []
    assert data is not None
    run = pipeline.network.run

    def counted(work: Work, *rest: Any) -> Any:
        ran.append(work.codes.shape)
        return run(work, *rest)

    monkeypatch.setattr(pipeline.network, "run", counted)
    for index in range(3):
        one = pipeline.decode(data, variant=index)
        assert one.png() == made.png(index)  # its recipe says which variant it is, too
        assert np.array_equal(one.latents, made.latents[index])
        assert f"holds 3 variants; this is number {index}" in one.details["warnings"][0]
        again = pipeline.decode(one.latents_file(), variant=0)
        assert (again.png(), again.details["warnings"]) == (one.png(), [])
    assert ran == [(1, 14, 512)] * 6
    with pytest.raises(InputError, match=r"no variant 3.*0 to 2"):
        pipeline.decode(data, variant=3)


def test_codes_that_do_not_fit_the_model_are_told(pipeline: PspPipeline) -> None:
    with pytest.raises(InputError, match=r"18 layers of 512.*14 of 512"):
        pipeline.decode(save({"codes": np.zeros((18, 512), np.float32)}))
    with pytest.raises(InputError, match="safetensors"):
        pipeline.decode(b"\x80\x04pickle")
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        pipeline.decode("nowhere.safetensors")


def test_a_crop_a_sketch_and_a_map_have_no_codes_but_a_story(
    pipeline: PspPipeline, astronaut: Image.Image
) -> None:
    for result in (
        pipeline.align(astronaut),
        pipeline.photo_to_sketch(astronaut),
        pipeline.photo_to_mask(astronaut),
    ):
        assert result.image.size == (256, 256)
        assert result.latents is None and result.latents_file() is None
        assert result.details["alignment"]["faces"] == 1
        assert result.details["model"] is None


def test_all_faces_of_a_photo_are_known_by_their_numbers(
    pipeline: PspPipeline, two_people: Image.Image
) -> None:
    places = pipeline.places(two_people)
    assert [place.face for place in places] == [0, 1]
    for place in places:
        assert pipeline.align(two_people, place.face).image.tobytes() == place.crop.tobytes()
    with pytest.raises(FaceIndexError):
        pipeline.places(two_people, face=4)
    assert len(pipeline.places(two_people, align=False)) == 1


def test_results_are_pasted_back_where_their_faces_are(
    pipeline: PspPipeline, two_people: Image.Image
) -> None:
    made = [pipeline.encode(two_people, face=face) for face in (0, 1)]
    pieces = [(result.image, result.details["alignment"]) for result in made]
    one, both = pipeline.paste_back(two_people, pieces[:1]), pipeline.paste_back(two_people, pieces)
    assert both.size == two_people.size
    left, right = (0, 0, 400, 512), (470, 100, 800, 430)
    assert apart(one.crop(left), two_people.crop(left)) > 0.1
    assert apart(one.crop(right), two_people.crop(right)) == 0
    assert apart(both.crop(right), two_people.crop(right)) > 0.1


def test_a_picture_taken_as_it_is_goes_back_whole(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    result = pipeline.encode(astronaut, align=False)
    pasted = pipeline.paste_back(astronaut, [(result.image, result.details["alignment"])])
    background = (40, 200, 110, 300)
    assert apart(pasted.crop(background), astronaut.crop(background)) > 0.02
    corner = (0, 0, 8, 8)
    assert apart(pasted.crop(corner), astronaut.crop(corner)) == 0


def test_work_stops_between_its_steps(pipeline: PspPipeline, sketch: Image.Image) -> None:
    seen = []

    def step(words: str, share: float | None) -> None:
        seen.append(words)
        if words == "Face 2 of 4":
            raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        pipeline.sketch_to_face(sketch, variants=4, step=step)
    assert "Face 1 of 4" in seen
    assert "Face 3 of 4" not in seen


def test_codes_of_a_family_that_is_gone_are_told_by_its_name(pipeline: PspPipeline) -> None:
    recipe = Recipe("encode", "portraits-128", "0" * 64)
    with pytest.raises(InputError, match=r"12 layers of 512.*not have 'portraits-128', which made them"):
        pipeline.decode(codes_to_bytes(np.zeros((12, 512), np.float32), recipe))


def test_codes_may_have_any_floating_type(pipeline: PspPipeline, encoded: Result) -> None:
    assert encoded.latents is not None
    plain = pipeline.decode(encoded.latents_file()).image
    for kind in (np.float64, np.float32):
        given = CodesFile(encoded.latents.astype(kind), encoded.recipe)
        assert pipeline.decode(given).image.tobytes() == plain.tobytes()
        assert (
            pipeline.decode(save({"codes": encoded.latents.astype(kind)})).image.tobytes() == plain.tobytes()
        )


@pytest.mark.parametrize("size", [200, 900, 3e3, 1e30])
def test_codes_far_from_all_others_are_not_the_models_fault(pipeline: PspPipeline, size: float) -> None:
    with pytest.raises(InputError, match=r"lie far outside of what the model knows|that no model makes"):
        pipeline.decode(save({"codes": np.full((14, 512), size, np.float32)}))


@pytest.mark.parametrize(
    "recipe", [None, "{", "[1]", '{"task": "encode"}', '{"settings": {"layers": "zzz"}}']
)
def test_codes_that_do_not_say_how_they_were_made_promise_no_bytes(
    pipeline: PspPipeline, encoded: Result, recipe: str | None
) -> None:
    assert encoded.latents is not None
    data = save({"codes": encoded.latents}, None if recipe is None else {"recipe": recipe})
    (warning,) = pipeline.decode(data).details["warnings"]
    assert warning.startswith("The file does not say how it was made")
    assert pipeline.decode(encoded.latents_file()).details["warnings"] == []

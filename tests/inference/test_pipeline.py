"""Pictures in, results out: on the bundled model, from every kind of source, always the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp import PspPipeline
from psp.checkpoints import save_psp
from psp.codes.latents import codes_from_bytes
from psp.codes.recipe import recipe_of_png
from psp.config import Settings
from psp.errors import (
    FaceIndexError,
    FaceNotFoundError,
    InputError,
    ModelNotFoundError,
    PictureError,
    SettingsError,
)
from psp.inference.devices import pick_device
from psp.inference.pipeline import Result
from tests.compact import compact_model


@pytest.fixture(scope="module")
def result(pipeline: PspPipeline, astronaut: Image.Image) -> Result:
    return pipeline.encode(astronaut)


def test_a_photo_gives_a_face_its_codes_and_their_story(result: Result) -> None:
    assert result.image.size == (128, 128)
    assert result.latents.shape == (14, 512)
    details = result.details
    assert set(details) == {
        "recipe", "model", "passes", "size", "device", "alignment", "quality", "timings", "warnings",
    }  # fmt: skip
    assert (details["model"], details["size"], details["device"]) == ("mobile-1024", 128, "cpu")
    assert (details["alignment"]["faces"], details["alignment"]["face"]) == (1, 0)
    assert np.shape(details["alignment"]["quad"]) == (4, 2)
    assert details["recipe"]["settings"] == {"align": True, "face": 0, "likeness": "quick"}
    assert len(details["recipe"]["model_sha256"]) == 64


def test_the_model_makes_a_face_like_the_input(result: Result) -> None:
    quality = result.details["quality"]
    assert quality["lpips"] < 0.3
    assert quality["l2"] < 0.2
    assert quality["identity"] < 0.8


def test_the_same_photo_gives_the_same_bytes_from_every_source(
    pipeline: PspPipeline, astronaut: Image.Image, result: Result, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    astronaut.save(path)
    for source in (path, str(path), path.read_bytes(), np.asarray(astronaut)):
        again = pipeline.encode(source)
        assert again.png() == result.png()
        assert again.latents_file() == result.latents_file()


def test_requests_in_parallel_do_not_disturb_each_other(
    pipeline: PspPipeline, astronaut: Image.Image, result: Result
) -> None:
    mirrored = astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other = pipeline.encode(mirrored).png()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda photo: pipeline.encode(photo).png(), [astronaut, mirrored] * 3))
    assert made == [result.png(), other] * 3


def test_a_result_saves_its_picture_and_codes(result: Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "new" / "me.jpg")
    assert path == tmp_path / "new" / "me.png"
    with Image.open(path) as opened:
        assert opened.convert("RGB").tobytes() == result.image.tobytes()
        assert recipe_of_png(opened) == result.recipe
    assert np.array_equal(
        codes_from_bytes(path.with_suffix(".safetensors").read_bytes()).codes, result.latents
    )


def test_without_alignment_the_picture_is_taken_as_it_is(pipeline: PspPipeline, result: Result) -> None:
    assert result.seen is not None
    wide = Image.new("RGB", (400, 256), (40, 40, 40))
    wide.paste(result.seen, (72, 0))
    square, centred = pipeline.encode(result.seen, align=False), pipeline.encode(wide, align=False)
    assert centred.png() == square.png()
    assert square.details["alignment"]["faces"] is None
    assert np.abs(square.latents - result.latents).max() < 1e-4  # the same crop, so the same codes


def test_the_crop_of_a_result_can_be_made_again(
    pipeline: PspPipeline, astronaut: Image.Image, result: Result
) -> None:
    assert result.seen is not None
    again = np.asarray(pipeline.crop(astronaut, result.details["alignment"]["quad"]), dtype=int)
    assert np.abs(again - np.asarray(result.seen, dtype=int)).mean() < 1.0  # the quad is rounded to 0.01 px


def test_bad_requests_are_refused_and_the_next_one_served(
    pipeline: PspPipeline, astronaut: Image.Image, result: Result, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(PictureError, match=r"text\.jpg"):
        pipeline.encode(text)
    with pytest.raises(FaceIndexError):
        pipeline.encode(astronaut, face=3)
    with pytest.raises(FaceNotFoundError):
        pipeline.encode(Image.new("RGB", (200, 200), (120, 120, 120)))
    with pytest.raises(ModelNotFoundError, match="nothing"):
        pipeline.encode(astronaut, model="nothing")
    assert pipeline.encode(astronaut).png() == result.png()


def test_a_model_of_ones_own_is_used_by_its_path(astronaut: Image.Image, tmp_path: Path) -> None:
    save_psp(compact_model(), tmp_path / "mine.safetensors")
    pipe = PspPipeline.from_pretrained(tmp_path / "mine.safetensors", Settings(cache_dir=tmp_path))
    out = pipe.encode(astronaut)
    assert out.image.size == (32, 32)
    assert out.details["model"] == "mine.safetensors"


def test_only_so_many_models_stay_in_memory(astronaut: Image.Image, tmp_path: Path) -> None:
    pipe = PspPipeline(Settings(cache_dir=tmp_path, max_models=1))
    for seed in range(3):
        path = tmp_path / f"{seed}.safetensors"
        save_psp(compact_model(seed=seed), path)
        pipe.encode(astronaut, model=str(path))
    assert pipe.network.loaded_count == 1


def test_a_download_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float | None]] = []

    def find(entry: object, settings: Settings, progress: Callable[[int, int | None], None]) -> Path:
        progress(5 << 20, 10 << 20)
        save_psp(compact_model(), tmp_path / "mine.safetensors")
        return tmp_path / "mine.safetensors"

    monkeypatch.setattr("psp.checkpoints.find.find_file", find)
    pipe = PspPipeline(Settings(cache_dir=tmp_path, device="cpu"))
    pipe.load(step=lambda words, share: told.append((words, share)))
    assert told == [("Downloading the model: 5 of 10 MB", 0.5)]


def test_an_upload_of_the_studios_own_result_is_a_picture_like_any_other(
    pipeline: PspPipeline, result: Result
) -> None:
    assert pipeline.encode(io.BytesIO(result.png()).getvalue(), align=False).image.size == (128, 128)


def test_the_device_is_chosen_or_checked() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in {"cpu", "cuda", "mps"}
    with pytest.raises(SettingsError, match="warp"):
        pick_device("warp")


def test_a_model_that_cannot_be_exact_says_so(pipeline: PspPipeline, astronaut: Image.Image) -> None:
    assert not pipeline.network.can_be_exact("auto")
    with pytest.raises(InputError, match="cannot make an exact likeness"):
        pipeline.encode(astronaut, likeness="exact")
    with pytest.raises(InputError, match="likeness"):
        pipeline.encode(astronaut, likeness="similar")

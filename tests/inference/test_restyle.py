"""Models of ReStyle in every task that encodes: passes are counted, told and stopped; the same in batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from psp.checkpoints import save_psp
from psp.codes.recipe import recipe_of_png
from psp.config import Settings
from psp.errors import StoppedError
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.errands import Errand, Work, seconds_of
from psp.inference.network import Network
from psp.inference.pipeline import PspPipeline
from tests.compact import compact_model
from tests.restyle import restyle_file, restyle_model

PASSES = 3


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the official layout, 64 px."""
    path = tmp_path_factory.mktemp("restyle") / "restyle.pt"
    torch.save(restyle_file(model=restyle_model(passes=PASSES, size=64)), path)
    return path


@pytest.fixture(scope="module")
def pipe(file: Path) -> PspPipeline:
    settings = Settings(device="cpu", offline=True, cache_dir=file.parent / "cache")
    return PspPipeline.from_pretrained(file, settings)


@pytest.fixture
def other(astronaut: Image.Image) -> Image.Image:
    return astronaut.transpose(Image.Transpose.ROTATE_180)


def test_details_say_in_how_many_passes(pipe: PspPipeline, astronaut: Image.Image) -> None:
    """It is a property of the model: a number with every model, none without."""
    result = pipe.encode(astronaut, align=False)
    assert result.details["passes"] == PASSES
    assert result.image.size == (64, 64)
    assert result.png() == pipe.encode(astronaut, align=False).png()
    again = pipe.decode(result.latents_file() or b"")
    assert again.image.tobytes() == result.image.tobytes()
    assert again.details["passes"] == PASSES
    assert pipe.align(astronaut).details["passes"] is None


def test_of_other_encoders_it_is_one_and_their_corrections(
    pipeline: PspPipeline, pipe: PspPipeline, astronaut: Image.Image, tmp_path: Path
) -> None:
    assert pipeline.encode(astronaut, align=False).details["passes"] == 2
    save_psp(compact_model(), tmp_path / "plain.safetensors")
    plain = PspPipeline.from_pretrained(tmp_path / "plain.safetensors", pipe.settings)
    assert plain.encode(astronaut, align=False).details["passes"] == 1


def test_a_step_is_told_each_look_and_may_stop(pipe: PspPipeline, astronaut: Image.Image) -> None:
    told: list[tuple[str, float | None]] = []
    pipe.encode(astronaut, align=False, step=lambda words, share: told.append((words, share)))
    looks = [(f"Look {number} of {PASSES}", (number - 1) / PASSES) for number in range(1, PASSES + 1)]
    assert [each for each in told if each[0].startswith("Look ")] == looks

    def stop(words: str, share: float | None) -> None:
        if words.startswith("Look 2"):
            raise StoppedError("Stopped.", "")

    with pytest.raises(StoppedError):
        pipe.encode(astronaut, align=False, step=stop)


def test_the_second_face_of_a_mixture_goes_through_as_many(
    pipe: PspPipeline, astronaut: Image.Image, other: Image.Image
) -> None:
    alone = pipe.encode(other, align=False).latents
    told: list[str] = []
    mixed = pipe.style_mix(
        astronaut, other, align=False, layers="all", step=lambda words, share: told.append(words)
    )
    assert mixed.latents is not None and alone is not None
    np.testing.assert_allclose(mixed.latents, alone, rtol=1e-5, atol=1e-5)
    assert told.count(f"Look {PASSES} of {PASSES}") == 2


@pytest.mark.slow
def test_close_goes_on_from_the_last_pass(pipe: PspPipeline, astronaut: Image.Image) -> None:
    quick, close = (pipe.encode(astronaut, align=False, likeness=word) for word in ("quick", "close"))
    assert close.details["quality"]["l2"] < quick.details["quality"]["l2"]
    assert quick.latents is not None and close.latents is not None
    assert 0 < np.abs(close.latents - quick.latents).max() < 0.7


@pytest.mark.parametrize("task", ["toonify", "super_resolution", "edit"])
def test_other_tasks_for_photos_take_it(pipe: PspPipeline, astronaut: Image.Image, task: str) -> None:
    assert getattr(pipe, task)(astronaut, align=False).details["passes"] == PASSES


@pytest.mark.slow
def test_a_folder_in_batches_gives_what_single_photos_give(
    pipe: PspPipeline, file: Path, tmp_path: Path, astronaut: Image.Image, other: Image.Image
) -> None:
    (tmp_path / "in").mkdir()
    for name, picture in (("a", astronaut), ("b", other), ("c", astronaut.rotate(90))):
        picture.save(tmp_path / "in" / f"{name}.png")
    folders = Folders(tmp_path / "in", tmp_path / "out", 1, False, pipe.settings, lambda line: None)
    infer_folder(folders, Inference("encode", str(file), batch=2, align=False))
    for name in "abc":
        with Image.open(tmp_path / "out" / f"{name}.png") as made:
            single = pipe.encode(tmp_path / "in" / f"{name}.png", align=False)
            apart = np.asarray(made).astype(int) - np.asarray(single.image).astype(int)
            assert np.abs(apart).max() <= 1
            assert recipe_of_png(made) == single.recipe


def test_a_lent_gpu_is_asked_for_the_pictures_that_are_looked_at(file: Path) -> None:
    inputs = np.zeros((1, 3, 2, 2), np.float32)
    plain, mixed = Work("m", "encode", inputs), Work("m", "encode", inputs, style_inputs=inputs)
    assert seconds_of([Errand(plain, "", 1024)]) == 5
    assert Errand(plain, "", 1024, decodes=5).looks == 5 and Errand(mixed, "", 1024, decodes=5).looks == 10
    assert seconds_of([Errand(mixed, "", 1024, decodes=5)] * 4) == 11
    codes = Work("m", "encode", codes=np.zeros((1, 2, 2), np.float32))
    assert Errand(codes, "", 1024, decodes=5).looks == 0

    asked: list[int] = []

    def accelerate(run: Callable[..., object], seconds: Callable[..., int]) -> Callable[..., object]:
        return lambda errands: asked.append(errands[0].looks) or run(errands)

    settings = Settings(device="cpu", offline=True, cache_dir=file.parent / "cache")
    network = Network(settings, accelerate)
    network.run(Work(str(file), "encode", np.zeros((1, 3, 32, 32), np.float32)))
    assert asked == [PASSES]

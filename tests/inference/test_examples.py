"""The examples of the page: complete, credited, and rendered by the models that are bundled now."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.codes.latents import codes_from_bytes
from psp.codes.recipe import recipe_from_dict, recipe_of_png
from psp.config import Settings
from psp.errors import StoppedError
from psp.inference.cards import SIDE
from psp.inference.examples import (
    EXAMPLES,
    FOLDER,
    RESULTS,
    STORED_SIZE,
    Example,
    examples_of,
    render_examples,
    rendered,
    run_example,
)
from psp.inference.pipeline import PspPipeline
from psp.tasks import TASKS


def test_every_task_has_examples_with_names_of_their_own() -> None:
    for task in TASKS:
        assert len(examples_of(task)) >= 2
    assert len({example.results for example in EXAMPLES}) == len(EXAMPLES)


def test_every_example_picture_is_credited() -> None:
    credits = (FOLDER / "LICENSE.md").read_text(encoding="utf-8")
    for path in FOLDER.rglob("*.*"):
        if path.suffix != ".md" and RESULTS not in path.parents:
            assert path.name in credits, path


def test_nothing_is_stored_that_no_example_shows() -> None:
    folders = {path.parent for path in RESULTS.rglob("*.*")}
    assert folders == {example.results for example in EXAMPLES}


@pytest.fixture(scope="module")
def bundled(true_family: None, tmp_path_factory: pytest.TempPathFactory) -> PspPipeline:
    """A pipeline on the bundled family itself."""
    return PspPipeline(
        Settings(device="cpu", offline=True, max_models=1, cache_dir=tmp_path_factory.mktemp("cache"))
    )


# The first of each task, with which its tab opens; the others by the marker.
_STORED = [
    pytest.param(
        example,
        id=f"{example.task}/{example.name}",
        marks=[] if example is examples_of(example.task)[0] else pytest.mark.slow,
    )
    for example in EXAMPLES
]


@pytest.mark.parametrize("example", _STORED)
def test_the_stored_result_is_what_the_bundled_model_makes(bundled: PspPipeline, example: Example) -> None:
    stored, fresh = rendered(example), run_example(bundled, example)
    # The model's hash is part of it; what it was made with is not: that differs from machine to machine.
    assert recipe_from_dict(stored.details["recipe"]) == recipe_from_dict(fresh.details["recipe"])
    assert stored.details["warnings"] == fresh.details["warnings"]
    assert stored.details["size"] == fresh.details["size"] == 1024
    assert fresh.latents is not None
    codes = codes_from_bytes(stored.latents.read_bytes()).codes
    assert np.abs(codes - fresh.latents).max() < 3e-2  # half precision, and other processors round otherwise
    assert len(stored.pictures) == len(fresh.images)
    for path, picture in zip(stored.pictures, fresh.images, strict=True):
        small = picture.resize((STORED_SIZE, STORED_SIZE), Image.Resampling.LANCZOS)
        with Image.open(path) as opened:
            gap = np.abs(np.asarray(opened, np.float32) - np.asarray(small, np.float32))
        assert gap.mean() < 3  # what WebP leaves out


def test_a_stored_result_is_handed_out_as_the_studio_hands_out_its_own() -> None:
    example = next(example for example in EXAMPLES if example.settings.get("variants") == 3)
    result = rendered(example)
    for index, data in enumerate(result.pngs()):
        with Image.open(io.BytesIO(data)) as picture:
            recipe = recipe_of_png(picture)
            assert picture.width == STORED_SIZE
            assert "Synthetic" in picture.info["Description"]
        assert recipe is not None and recipe.settings["variant"] == index
    with Image.open(result.pictures[0]) as stored:
        assert b"trainedAlgorithmicMedia" in stored.info["xmp"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.link)
def test_the_card_shows_the_input_beside_the_stored_result(example: Example) -> None:
    with (
        Image.open(example.card) as opened,
        Image.open(rendered(example).pictures[-1 if example.style else 0]) as made,
    ):
        assert opened.size == (2 * SIDE, SIDE)
        card, wanted = np.asarray(opened.convert("RGB"), np.float32), made.resize((SIDE, SIDE))
    gap = np.abs(card[:, SIDE + 20 :] - np.asarray(wanted, np.float32)[:, 20:])
    assert gap.mean() < 6  # what two WebPs leave out
    assert np.abs(card[:, :SIDE] - card[:, SIDE:]).mean() > 5


def test_cards_are_small_together() -> None:
    assert sum(example.card.stat().st_size for example in EXAMPLES) < 220_000


def test_rendering_writes_a_folder_for_each_example(
    pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    results = tmp_path_factory.mktemp("examples") / "results"
    monkeypatch.setattr("psp.inference.examples.RESULTS", results)
    monkeypatch.setattr("psp.inference.examples.EXAMPLES", EXAMPLES[:1])
    (results / "old").mkdir(parents=True)
    told: list[str] = []
    render_examples(pipeline, lambda words, share: told.append(words))
    assert told == [f"{EXAMPLES[0].task}: {EXAMPLES[0].name}"]
    assert [path.name for path in results.iterdir()] == [EXAMPLES[0].task]  # what was there before is gone
    assert len(rendered(EXAMPLES[0]).pictures) == 1
    assert EXAMPLES[0].card.is_file()


def test_rendering_that_fails_leaves_what_is_stored(
    pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored = tmp_path / "results" / "old" / "picture.png"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"old")
    monkeypatch.setattr("psp.inference.examples.RESULTS", tmp_path / "results")

    def stop(words: str, share: float | None) -> None:
        raise StoppedError("Stopped.")

    with pytest.raises(StoppedError):
        render_examples(pipeline, stop)
    assert stored.read_bytes() == b"old"

"""A visitor's batch goes on where it was, makes anew only what changes, and says what came of each photo."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from psp.codes.recipe import recipe_of_png
from psp.errors import InputError, PspError, StoppedError
from psp.folders.infer import Inference
from psp.inference.pipeline import PspPipeline
from psp.ui.batch import visit as visits
from psp.ui.batch.told import listed, summary, thumbnails
from psp.ui.batch.visit import Stretch, Visit, work

PLAIN = Inference("encode", batch=1, align=False)


@pytest.fixture
def given(tmp_path: Path, astronaut: Image.Image, two_people: Image.Image) -> list[str]:
    """Two photos and a file that is none, with a name that is HTML where that can be."""
    face = astronaut.crop((90, 0, 346, 256))
    face.save(tmp_path / "one.png")
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "two.jpg")
    (tmp_path / "a&b.png").write_bytes(b"no picture")
    return [str(tmp_path / name) for name in ("one.png", "two.jpg", "a&b.png")]


def stretch(pipeline: PspPipeline, visit: Visit) -> Stretch:
    with visit.claimed():
        return work(pipeline, visit, visit.require(), lambda words, share: None)


def test_a_batch_goes_on_stretch_by_stretch_until_nothing_is_left(
    given: list[str], pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "_STRETCH", 0.0)
    visit = Visit()
    visit.begin(1, given, PLAIN, 10)
    first = stretch(pipeline, visit)
    assert first.tally.left == 1 and "1 to go, about" in summary(first)
    last = stretch(pipeline, visit)
    assert summary(last).startswith("**2 of 3** photos are made. 1 cannot be used: the list says why.")
    batch = visit.require()
    said = listed(batch)
    assert "<span>a&amp;b.png</span>" in said and "not a picture that can be read" in said
    assert said.count('class="made"') == 2
    with zipfile.ZipFile(batch.archive()) as archive:
        assert sorted(archive.namelist()) == ["infer-report.csv", "one.png", "two.png"]
    small = thumbnails(batch, {})
    assert set(small) == {"one.png", "two.jpg"}
    with Image.open(small["one.png"]) as picture:
        recipe = recipe_of_png(picture)
        assert picture.size == (256, 256) and recipe is not None and recipe.task == "encode"


def test_what_is_there_stays_where_photos_are_added_and_goes_where_settings_change(
    given: list[str], pipeline: PspPipeline
) -> None:
    visit = Visit()
    visit.begin(1, given[:1], PLAIN, 10)
    stretch(pipeline, visit)
    made = visit.require().out / "one.png"
    before = made.stat().st_mtime_ns
    visit.begin(1, given[:2], PLAIN, 10)
    assert stretch(pipeline, visit).tally.there == 1
    assert made.stat().st_mtime_ns == before
    visit.begin(1, given[1:2], PLAIN, 10)
    assert stretch(pipeline, visit).tally.there == 1 and not made.exists()
    visit.begin(1, given[:2], Inference("edit", batch=1, align=False, edits="pose-1:1"), 10)
    assert stretch(pipeline, visit).tally.made == 2


def test_another_photo_of_the_same_name_gets_a_result_of_its_own(
    given: list[str], pipeline: PspPipeline, tmp_path: Path
) -> None:
    visit = Visit()
    visit.begin(1, given[:1], PLAIN, 10)
    stretch(pipeline, visit)
    first = (visit.require().out / "one.png").read_bytes()
    (tmp_path / "other").mkdir()
    shutil.copy(given[1], tmp_path / "other" / "one.png")
    visit.begin(1, [str(tmp_path / "other" / "one.png")], PLAIN, 10)
    assert stretch(pipeline, visit).tally.made == 1
    assert (visit.require().out / "one.png").read_bytes() != first


def test_stop_ends_the_stretch_and_run_goes_on(given: list[str], pipeline: PspPipeline) -> None:
    visit = Visit()
    visit.begin(1, given[:2], PLAIN, 10)

    def step(words: str, share: float | None) -> None:
        if words == "1 of 2":
            visit.halted_through = 1

    done = work(pipeline, visit, visit.require(), step)
    assert done.stopped and (done.tally.there, done.tally.left) == (1, 1)
    assert summary(done).endswith("Stopped; **Run** goes on where it was.")
    visit.begin(2, given[:2], PLAIN, 10)
    again = stretch(pipeline, visit)
    assert (again.tally.there, again.tally.made, again.stopped) == (1, 1, False)


def test_whoever_stops_it_otherwise_is_heard(given: list[str], pipeline: PspPipeline) -> None:
    visit = Visit()
    visit.begin(1, given[:2], PLAIN, 10)

    def step(words: str, share: float | None) -> None:
        raise StoppedError("Nobody waits for it any more.")

    with pytest.raises(StoppedError, match="Nobody waits"):
        work(pipeline, visit, visit.require(), step)


def test_a_batch_of_which_nothing_can_be_used_says_why_of_each(
    given: list[str], pipeline: PspPipeline
) -> None:
    visit = Visit()
    visit.begin(1, given[2:], PLAIN, 10)
    done = stretch(pipeline, visit)
    assert (done.tally.failed, done.tally.left) == (1, 0)
    assert 'class="failed"' in listed(visit.require())


def test_two_stretches_at_once_are_refused_and_so_is_one_without_a_batch(given: list[str]) -> None:
    visit = Visit()
    with pytest.raises(InputError, match="no batch"):
        visit.require()
    with visit.claimed(), pytest.raises(InputError, match="being worked on"), visit.claimed():
        pass
    with visit.claimed():
        pass
    with pytest.raises(InputError, match="no picture"):
        visit.begin(1, [], PLAIN, 10)
    with pytest.raises(InputError, match="These are 3 pictures"):
        visit.begin(1, given, PLAIN, 2)


def test_each_visitor_has_a_folder_that_nobody_can_guess(given: list[str]) -> None:
    visits_of_two = [Visit(), Visit()]
    for visit in visits_of_two:
        visit.begin(1, given, PLAIN, 10)
    homes = {visit.require().home.name for visit in visits_of_two}
    assert len(homes) == 2 and all(len(name) >= 32 for name in homes)
    assert all(os.path.commonpath(given) not in str(visit.require().home) for visit in visits_of_two)


def test_what_was_asked_for_before_stop_and_waits_yet_is_stopped(
    given: list[str], pipeline: PspPipeline
) -> None:
    visit = Visit()
    visit.halted_through = 2
    visit.begin(2, given[:2], PLAIN, 10)
    done = stretch(pipeline, visit)
    assert done.stopped and done.tally.left == 2


def test_a_file_that_is_refused_changes_nothing(
    given: list[str], pipeline: PspPipeline, tmp_path: Path
) -> None:
    visit = Visit()
    visit.begin(1, given[:1], PLAIN, 10)
    stretch(pipeline, visit)
    made = (visit.require().out / "one.png").read_bytes()
    (tmp_path / "other").mkdir()
    shutil.copy(given[1], tmp_path / "other" / "one.png")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.write(given[0], "a.png")
    data = bytearray((tmp_path / "bad.zip").read_bytes())
    data[200] ^= 255
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(PspError, match="cannot be unpacked"):
        visit.begin(2, [str(tmp_path / "other" / "one.png"), str(tmp_path / "bad.zip")], PLAIN, 10)
    visit.begin(3, given[:1], PLAIN, 10)
    assert stretch(pipeline, visit).tally.there == 1
    assert (visit.require().out / "one.png").read_bytes() == made


def test_nothing_of_another_task_comes_along(given: list[str], pipeline: PspPipeline) -> None:
    visit = Visit()
    visit.begin(1, given[:2], replace(PLAIN, latents=True, couples=True), 10)
    stretch(pipeline, visit)
    visit.begin(2, given[:2], replace(PLAIN, task="toonify"), 10)
    stretch(pipeline, visit)
    with zipfile.ZipFile(visit.require().archive()) as archive:
        assert sorted(archive.namelist()) == ["infer-report.csv", "one.png", "two.png"]


def test_a_batch_whose_files_are_gone_is_told_without_their_names(given: list[str]) -> None:
    visit = Visit()
    visit.begin(1, given[:1], PLAIN, 10)
    shutil.rmtree(visit.require().home)
    with pytest.raises(InputError, match="are gone") as caught:
        visit.require()
    assert "/" not in str(caught.value)
    visit.begin(2, given[:1], PLAIN, 10)
    assert visit.require().there()

"""Every task runs over a folder, with its settings, and makes what the single picture gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from psp.errors import InputError, PspError, SettingsError
from psp.folders.batch import Folders
from psp.folders.infer import Inference, infer_folder
from psp.inference.pipeline import PspPipeline
from psp.tasks import TASKS
from tests.folders.test_infer import EXAMPLES, assert_alike

Into = Callable[..., Folders]


@pytest.mark.parametrize(
    ("task", "folder", "wish"),
    [
        ("edit", "photos", {"edits": "pose-1:0.5", "align": False}),
        ("style_mix", "photos", {"seed": 7, "layers": "features", "alpha": 0.6, "align": False}),
        ("toonify", "photos", {"strength": 0.4, "align": False}),
        ("sketch_to_face", "sketches", {"seed": 3, "alpha": 1.0}),
        pytest.param("segmentation_to_face", "masks", {"seed": 3, "alpha": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_a_task_with_its_settings_makes_what_the_single_picture_gives(
    task: str, folder: str, wish: dict[str, Any], into: Into, tmp_path: Path, pipeline: PspPipeline
) -> None:
    (tmp_path / "given").mkdir()
    source = min((EXAMPLES / folder).iterdir())
    shutil.copy(source, tmp_path / "given")
    folders = into(tmp_path / "given", workers=0)
    tally = infer_folder(folders, Inference(task, **wish), network=pipeline.network)
    assert (tally.made, tally.failed, tally.left) == (1, 0, 0)
    assert_alike(folders.out / f"{source.stem}.png", getattr(pipeline, task)(source, **wish))


def test_every_task_with_a_tab_can_run_over_a_folder(into: Into, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "torn.png").write_bytes(b"torn")
    for task in TASKS:
        with pytest.raises(InputError, match="No picture could be made; all 1 failed"):
            edits = "pose-1:1" if task == "edit" else ""
            infer_folder(into(tmp_path / "given", out=task, workers=0), Inference(task, edits=edits))


@pytest.mark.parametrize(
    ("inference", "error", "words"),
    [
        (Inference("encode", strength=0.5), SettingsError, "strength is a setting of toonify"),
        (Inference("encode", edits="pose-1:1"), SettingsError, "edits is a setting of edit"),
        (Inference("super_resolution", seed=4), SettingsError, "seed is a setting of sketch_to_face"),
        (Inference("frontalize", layers="pose"), SettingsError, "layers is a setting of"),
        (Inference("edit"), InputError, "There are no edits"),
        (Inference("encode", face=-1), InputError, "face is -1"),
        (Inference("edit", edits="smile"), InputError, "edits cannot be understood: 'smile'"),
        (Inference("edit", edits="nothing:1"), InputError, "nothing"),
        (Inference("style_mix", alpha=2.0), InputError, "alpha is 2"),
        (Inference("style_mix", seed=-1), InputError, "by chance"),
        (Inference("toonify", strength=-1.0), InputError, "strength is -1"),
    ],
)
def test_settings_that_cannot_be_are_told_before_any_work(
    inference: Inference, error: type[PspError], words: str, photos: Path, into: Into
) -> None:
    with pytest.raises(error, match=words):
        infer_folder(into(photos), inference)
    assert not into(photos).out.exists()


def test_a_run_of_some_seconds_leaves_the_rest_to_the_next_and_tries_no_failure_again(
    photos: Path, into: Into, pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, plain = into(photos, workers=0), Inference("encode", batch=1, align=False)
    shares: list[float | None] = []

    def step(words: str, share: float | None) -> None:
        if " of 3" in words:
            shares.append(share)

    runs = [infer_folder(folders, plain, step, network=pipeline.network, seconds=0.0) for _ in range(3)]
    assert [tally.left for tally in runs] == [1, 0, 0]
    assert [(tally.made, tally.there, tally.failed) for tally in runs] == [(1, 0, 1), (1, 1, 1), (0, 2, 1)]
    assert shares[0] == 0 and all(share is not None and 0 <= share <= 1 for share in shares)


def test_work_that_is_stopped_keeps_what_is_made_and_says_so_in_the_report(
    photos: Path, into: Into, pipeline: PspPipeline
) -> None:
    folders = into(photos, workers=0)

    def step(words: str, share: float | None) -> None:
        if words == "2 of 3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infer_folder(folders, Inference("encode", batch=1, align=False), step, network=pipeline.network)
    assert "made" in (folders.out / "infer-report.csv").read_text()
    tally = infer_folder(folders, Inference("encode", batch=1, align=False), network=pipeline.network)
    assert (tally.made, tally.there, tally.failed) == (1, 1, 1)

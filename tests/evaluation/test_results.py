"""Results that are there already are found by name and measured as the paper's scripts measure them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.errors import TrainingError
from psp.evaluation.measures import Ruler
from psp.evaluation.results import lost_lines, measure_results, pair
from psp.evaluation.table import open_scores
from psp.faces.alignment import align
from psp.inference.quality import compare, lpips_network
from psp.pictures.images import to_tensor
from psp.training.data.sources import Source, open_source
from psp.training.galleries import Firsts


def source(*names: str) -> Source:
    return Source("folder", Path("folder"), names, ())


def test_names_pair_without_their_endings() -> None:
    found = pair(source("a.png", "b/a.png", "c.x.png"), source("a.jpg", "b/a.webp", "c.x.jpg", "d.jpg"))
    assert found.results == ("a.png", "b/a.png", "c.x.png")
    assert found.originals == ("a.jpg", "b/a.webp", "c.x.jpg")
    assert (found.lost_results, found.lost_originals) == ((), ("d.jpg",))


def test_results_of_the_command_line_pair_too() -> None:
    found = pair(source("me-encode.png", "you-encode.png"), source("me.jpg", "you-encode.jpg", "you.jpg"))
    assert found.originals == ("me.jpg", "you-encode.jpg")  # the very name comes first


def test_what_has_no_counterpart_is_named() -> None:
    lost = [f"r{number:02}.png" for number in range(30)]
    said = list(lost_lines(pair(source("a.png", *lost), source("a.png", "z.png"))))
    assert said[0].startswith("left out, no original: r00.png, r01.png")
    assert said[0].endswith("r19.png and 10 more")
    assert said[1] == "left out, no result: z.png"
    assert not list(lost_lines(pair(source("a.png"), source("a.png"))))


def test_strangers_and_twins_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"a\.png.*b\.png.*equal"):
        pair(source("a.png"), source("b.png"))
    with pytest.raises(TrainingError, match="one name"):
        pair(source("a.png", "a.jpg"), source("a.png"))


@pytest.fixture
def folders(astronaut: Image.Image, tmp_path: Path) -> tuple[Path, Path]:
    """Three originals of 300 px, and results of 64 px, one of them in a folder."""
    crop = align(astronaut).crop.resize((300, 300), Image.Resampling.LANCZOS)
    for number, name in enumerate(("1", "2", "more/3")):
        made = crop.resize((64, 64)).point(lambda value, n=number: value * (10 - n) // 10)
        for folder, picture in (("given", crop.rotate(number)), ("made", made)):
            path = tmp_path / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
    return tmp_path / "made", tmp_path / "given"


@pytest.mark.parametrize("batch", [1, 8])
def test_figures_are_those_of_each_pair(folders: tuple[Path, Path], tmp_path: Path, batch: int) -> None:
    made, given = (open_source(folder) for folder in folders)
    file = tmp_path / "figures.csv"
    with open_scores(file, similarity=False, seconds=False) as scores:
        parts = measure_results(
            made, given, pair(made, given), Ruler(lpips_network()), scores, Firsts(0), batch=batch
        )
        assert [(label, len(part.l2)) for label, part in parts] == [("made", 2), ("more", 1)]
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["source"], row["name"]) for row in rows] == [
        ("made", "1.png"),
        ("made", "2.png"),
        ("more", "more/3.png"),
    ]
    a, b = (to_tensor(Image.open(folder / "2.png"), 64) for folder in folders)
    assert float(rows[1]["l2"]) == pytest.approx(float((a - b).square().mean()), abs=1e-6)
    assert float(rows[1]["lpips"]) == pytest.approx(float(lpips_network()(a, b)), abs=1e-5)
    wanted = compare(Image.open(folders[1] / "2.png"), Image.open(folders[0] / "2.png"))  # what the page says
    assert float(rows[1]["l2"]) == pytest.approx(wanted.l2, abs=1e-6)
    assert float(rows[1]["lpips"]) == pytest.approx(wanted.lpips, abs=1e-5)


def test_what_is_too_small_is_said(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    tiny = open_source(tmp_path)
    with (
        open_scores(None, similarity=False, seconds=False) as scores,
        pytest.raises(TrainingError, match=r"a\.png' is too small: 16×16"),
    ):
        list(measure_results(tiny, tiny, pair(tiny, tiny), Ruler(lpips_network()), scores, Firsts(0)))


def test_a_sheet_shows_originals_above_results(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made, given = (open_source(folder) for folder in folders)
    firsts = Firsts(2)
    with open_scores(None, similarity=False, seconds=False) as scores:
        list(measure_results(made, given, pair(made, given), Ruler(lpips_network()), scores, firsts))
    firsts.save(tmp_path / "sheet.jpg", columns=2)
    sheet = np.asarray(Image.open(tmp_path / "sheet.jpg"), dtype=float)
    assert sheet.shape == (128, 128, 3)
    darkest = sheet[64:, 64:]  # the second result
    assert darkest.mean() < min(sheet[:64, 64:].mean(), sheet[64:, :64].mean())

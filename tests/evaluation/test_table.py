"""Rows of pictures and their means, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from psp.evaluation.measures import Compared
from psp.evaluation.table import Scored, line, open_scores


def scored(
    *l2: float, seconds: float | None = None, variant: str = "", cosine: float | None = None
) -> Scored:
    values = np.array(l2)
    blank = np.zeros((len(l2), 128))
    likeness = None if cosine is None else np.full(len(l2), cosine)
    return Scored(Compared(values, values * 2, values * 3, likeness, blank, blank), seconds, variant)


def test_rows_come_first_and_means_last(tmp_path: Path) -> None:
    path, said = tmp_path / "new" / "figures.csv", list[str]()
    with open_scores(path, similarity=True, seconds=True) as scores:
        scores.add("a", ("1.png", "2, or two.png"), scored(0.1, 0.3, seconds=2.0, cosine=0.5))
        scores.add("a", ("3.png",), scored(0.5, seconds=5.0, cosine=0.5))
        scores.add("b", ("4.png",), scored(0.7, seconds=7.0, cosine=0.9))
        scores.finish(said.append)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "source,name,l2,lpips,identity,similarity,seconds",
        "a,1.png,0.100000,0.200000,0.300000,0.500000,2.000000",
        'a,"2, or two.png",0.300000,0.600000,0.900000,0.500000,2.000000',
        "a,3.png,0.500000,1.000000,1.500000,0.500000,5.000000",
        "b,4.png,0.700000,1.400000,2.100000,0.900000,7.000000",
        "a,mean,0.300000,0.600000,0.900000,0.500000,3.000000",
        "b,mean,0.700000,1.400000,2.100000,0.900000,7.000000",
        "all,mean,0.400000,0.800000,1.200000,0.600000,4.000000",
    ]
    assert [text.split() for text in said] == [
        ["mean", "pictures", "l2", "lpips", "identity", "similarity", "seconds"],
        ["a", "3", "0.3000", "0.6000", "0.9000", "0.5000", "3.0000"],
        ["b", "1", "0.7000", "1.4000", "2.1000", "0.9000", "7.0000"],
        ["all", "4", "0.4000", "0.8000", "1.2000", "0.6000", "4.0000"],
    ]


def test_variants_are_never_averaged_together(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    with open_scores(path, similarity=False, seconds=False) as scores:
        for source, much in (("a", 0.1), ("b", 0.3)):
            for variant, times in (("1/4", 1), ("1/8", 2)):
                scores.add(source, ("x.png",), scored(much * times, variant=variant))
        scores.finish(lambda text: None)
    rows = [text.split(",") for text in path.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["source", "name", "l2", "lpips", "identity"]
    means = {row[0]: float(row[2]) for row in rows if row[1] == "mean"}
    assert means == {"a 1/4": 0.1, "a 1/8": 0.2, "b 1/4": 0.3, "b 1/8": 0.6, "all 1/4": 0.2, "all 1/8": 0.4}


def test_an_evaluation_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    path.write_text("before")

    def fail() -> None:
        with open_scores(path, similarity=False, seconds=False) as scores:
            scores.add("a", ("1.png",), scored(0.1))
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_value_stands_under_its_header() -> None:
    headers = ("pictures", "LPIPS")
    assert line(("source", *headers), headers) == "source        pictures   LPIPS"
    assert line(("art", 3, 0.25), headers) == "art                  3  0.2500"

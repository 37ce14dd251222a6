"""The report holds what came of every picture, over several runs, and the summary names the failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from psp.errors import InputError, PictureError
from psp.folders.files import Found
from psp.folders.ledger import Ledger, Row
from tests.folders.conftest import read_report


def ledger(out: Path, names: list[str], lines: list[str]) -> Ledger:
    found = [Found(Path(name), name, Path(name)) for name in names]
    return Ledger("align", "aligned", ("side",), out, found, lines.append)


def test_ten_failures_are_named_and_all_are_in_the_report(tmp_path: Path, lines: list[str]) -> None:
    names = [f"{number:02}.png" for number in range(13)]
    book = ledger(tmp_path, names, lines)
    with book.open():
        book.add(names[0], (Row(names[0], "aligned", more={"side": 7}),))
        for name in names[1:]:
            book.add(name, PictureError("It is torn,\nquite.", "Mend it."))
    assert lines[0] == "1 aligned, 12 failed"
    assert lines[1:11] == [f"  {name}: It is torn, quite. Mend it." for name in names[1:11]]
    assert lines[11] == "  … and 2 more"
    rows = read_report(book.path)
    assert [row["file"] for row in rows] == names
    assert rows[0] == {"file": "00.png", "result": "aligned", "reason": "", "side": "7"}
    assert {row["reason"] for row in rows[1:]} == {"It is torn, quite. Mend it."}


def test_an_error_that_is_not_ours_is_named_with_its_kind(tmp_path: Path, lines: list[str]) -> None:
    book = ledger(tmp_path, ["a.png", "b.png"], lines)
    with book.open():
        book.add("a.png", MemoryError("all gone"))
        book.add("b.png", (Row("b.png", "aligned"),))
    assert read_report(book.path)[0]["reason"] == "MemoryError: all gone"


def test_a_report_goes_on_where_the_last_one_stopped(tmp_path: Path, lines: list[str]) -> None:
    names = ["a.png", "b.png", "c.png"]
    first = ledger(tmp_path, names, lines)
    with pytest.raises(KeyboardInterrupt), first.open():
        first.add("a.png", (Row("a.png", "aligned", more={"side": 1}),))
        first.add("b.png", PictureError("Torn."))
        raise KeyboardInterrupt
    assert [row["file"] for row in read_report(first.path)] == ["a.png", "b.png"]

    second = ledger(tmp_path, names, lines)
    second.keep("a.png")
    with second.open():
        second.add("b.png", (Row("b.png", "aligned", more={"side": 2}),))
        second.add("c.png", (Row("c.png", "aligned", more={"side": 3}),))
    assert [(row["file"], row["result"], row["side"]) for row in read_report(second.path)] == [
        ("a.png", "aligned", "1"),
        ("b.png", "aligned", "2"),
        ("c.png", "aligned", "3"),
    ]
    assert "1 of 3 were there already; 2 to do" in lines
    assert "2 aligned, 0 failed, 1 there already (--again makes them anew)" in lines


def test_a_report_that_cannot_be_read_is_written_anew(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "align-report.csv").write_bytes(b"\xff\xfe,\0\n1,2,3,4,5,6,7\n")
    book = ledger(tmp_path, ["a.png"], lines)
    book.keep("a.png")
    with book.open():
        pass
    assert read_report(book.path) == [
        {"file": "a.png", "result": "aligned", "reason": "was there already", "side": ""}
    ]
    assert (
        tmp_path / "align-report-1.csv"
    ).read_bytes() == b"\xff\xfe,\0\n1,2,3,4,5,6,7\n"  # may be another's
    assert "align-report-1.csv" in lines[0]


def test_not_one_result_is_an_error(tmp_path: Path, lines: list[str]) -> None:
    book = ledger(tmp_path, ["a.png"], lines)
    with pytest.raises(InputError, match="No picture could be aligned"), book.open():
        book.add("a.png", PictureError("Torn."))
    assert read_report(book.path)[0]["result"] == "failed"


def test_a_fault_of_the_system_is_told_without_the_names_of_files(tmp_path: Path, lines: list[str]) -> None:
    book = ledger(tmp_path, ["a.png", "b.png"], lines)
    with book.open():
        book.add("a.png", FileExistsError(17, "File exists", "/home/me/a.png"))
        book.add("b.png", (Row("b.png", "aligned"),))
    assert read_report(book.path)[0]["reason"] == "FileExistsError: File exists"

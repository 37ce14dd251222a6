"""Several processes make one report, the one that a single process makes, in whatever order they end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from psp.errors import InputError, PictureError
from psp.folders.files import Found
from psp.folders.ledger import FAILED, Ledger, Row, read_report
from psp.folders.reports import falls_to
from psp.inference.launched import ALONE, Place

NAMES = [f"{name}.png" for name in "abcdefgh"]


def ledger(out: Path, place: Place, lines: list[str] | None = None, names: list[str] = NAMES) -> Ledger:
    found = [Found(Path(name), name, Path(name)) for name in names]
    return Ledger("infer", "made", ("faces",), out, found, (lines if lines is not None else []).append, place)


def fill(book: Ledger, rows: int = 100, faces: int = 1) -> None:
    """Enter what came of this process's pictures; "c" fails and "d" has two faces."""
    for each in book.mine[:rows]:
        if each.name == "c.png":
            book.add(each.name, PictureError("Torn,\nquite."))
        else:
            many = 2 if each.name == "d.png" else 1
            book.add(each.name, tuple(Row(each.name, "made", more={"faces": faces}) for _ in range(many)))


def run(out: Path, place: Place, **how: int) -> list[str]:
    lines: list[str] = []
    book = ledger(out, place, lines)
    with book.open():
        fill(book, **how)
    return lines


def killed(out: Path, place: Place, rows: int, faces: int = 1) -> None:
    """Leave what a process leaves that is killed some seconds after it has entered ``rows`` pictures."""
    book = ledger(out, place)
    fill(book, rows, faces)
    book._reports.write(book._all())


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture
def one(tmp_path: Path) -> dict[str, bytes]:
    """The files that one process leaves."""
    run(tmp_path / "one", ALONE)
    assert [*files(tmp_path / "one")] == ["infer-report.csv"]
    return files(tmp_path / "one")


def test_a_picture_falls_to_one_process_and_always_to_the_same() -> None:
    names = [f"{number}/ü\\udc80.jpg" for number in range(600)]
    for count in (1, 2, 3, 7):
        shares = [[falls_to(name, Place(number, count)) for name in names] for number in range(count)]
        assert all(sum(of_one) == 1 for of_one in zip(*shares, strict=True))
        assert min(sum(share) for share in shares) > 0.7 * len(names) / count
    # As sha256 has it, on every machine and in every version.
    known = ("a.png", "b.png", "c.png", "below/a.png")
    assert [falls_to(name, Place(0, 2)) for name in known] == [True, True, False, False]
    assert [falls_to(name, Place(2, 3)) for name in known] == [True, False, False, False]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_each_process_adds_its_own_and_nothing_else_stays(
    order: tuple[int, ...], one: dict[str, bytes], tmp_path: Path
) -> None:
    told = [run(tmp_path, Place(number, 3)) for number in order]
    (tmp_path / "one" / "infer-report.csv").unlink()
    (tmp_path / "one").rmdir()
    assert files(tmp_path) == one
    assert any("to do" in line for line in told[0])
    assert "all processes: 7 made, 1 failed" in told[-1]


def test_processes_that_end_at_once_lose_nothing(one: dict[str, bytes], tmp_path: Path) -> None:
    start = threading.Barrier(7)

    def work(number: int) -> None:
        start.wait(10)
        run(tmp_path / "out", Place(number, 7))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(7)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert files(tmp_path / "out") == one


@pytest.mark.parametrize("places", [[ALONE], [Place(0, 2), Place(1, 2)], [Place(n, 3) for n in (1, 0, 2)]])
def test_what_killed_processes_knew_goes_on_in_any_number(
    places: list[Place], one: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(out, Place(1, 3))
    for number in (0, 2):
        killed(out, Place(number, 3), 2)
    assert {*files(out)} == {"infer-report.csv", "infer-report.1of3.csv", "infer-report.3of3.csv"}
    done = {each.name for number, rows in ((0, 2), (1, 9), (2, 2)) for each in share(number, 3)[:rows]}
    assert 3 < len(done) < len(NAMES)
    for place in places:
        lines: list[str] = []
        book = ledger(out, place, lines)
        for each in book.mine:
            if each.name in done and each.name != "c.png":
                book.keep(each.name)
        with book.open():
            for each in book.mine:
                if each.name not in done or each.name == "c.png":
                    fill_one(book, each.name)
    assert files(out) == one  # with the columns of what the killed ones had made


def share(number: int, count: int) -> list[Found]:
    return [Found(Path(name), name, Path(name)) for name in NAMES if falls_to(name, Place(number, count))]


def fill_one(book: Ledger, name: str) -> None:
    if name == "c.png":
        book.add(name, PictureError("Torn,\nquite."))
    else:
        book.add(name, 2 * (Row(name, "made", more={"faces": 1}),) if name == "d.png" else (made(name),))


def made(name: str) -> Row:
    return Row(name, "made", more={"faces": 1})


def test_what_a_killed_run_knew_last_is_newer_than_the_report(tmp_path: Path) -> None:
    run(tmp_path, ALONE, faces=1)
    killed(tmp_path, Place(0, 2), 9, faces=2)  # --again
    killed(tmp_path, Place(0, 1 + 2), 9, faces=3)  # and once more, in three
    book = ledger(tmp_path, ALONE)
    rows = read_report(book.path)
    for name in NAMES:
        newest = 3 if falls_to(name, Place(0, 3)) else 2 if falls_to(name, Place(0, 2)) else 1
        if name != "c.png":
            assert {row.more["faces"] for row in rows[name]} == {str(newest)}
    assert [*files(tmp_path)] == ["infer-report.csv"]


def test_one_that_is_stopped_hands_over_what_it_knows(tmp_path: Path) -> None:
    book = ledger(tmp_path, Place(0, 2))
    with pytest.raises(KeyboardInterrupt), book.open():
        fill(book, 1)
        raise KeyboardInterrupt
    assert [*files(tmp_path)] == ["infer-report.csv"]
    assert [*read_report(book.path)] == [book.mine[0].name]


def test_who_has_no_picture_says_so_and_is_no_failure(tmp_path: Path) -> None:
    lines: list[str] = []
    place = next(Place(n, 2) for n in range(2) if not falls_to("a.png", Place(n, 2)))
    with ledger(tmp_path, place, lines, ["a.png"]).open():
        pass
    assert lines[0] == "none of the 1 pictures falls to this process"
    assert "all processes: 0 made, 0 failed, 1 to do" in lines


def test_only_the_last_one_says_that_all_has_failed(tmp_path: Path) -> None:
    books = [ledger(tmp_path, Place(number, 2)) for number in range(2)]
    for book in books:
        for each in book.mine:
            book.add(each.name, PictureError("Torn."))
    with books[1].open():
        pass  # an error of this one would have the other one stopped
    with pytest.raises(InputError, match="No picture could be made; all 8 failed"), books[0].open():
        pass
    assert all(rows[0].result == FAILED for rows in read_report(books[0].path).values())


def test_files_of_somebody_else_stay(tmp_path: Path, one: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    others = {
        "infer-report.csv": b"mine,not yours\n",
        "infer-report.1of3.csv": b"mine,not yours\n",
        "infer-report.9of3.csv": b"file,result,reason\nx,made,\n",
        "infer-report.of.csv": b"file,result,reason\nx,made,\n",
        "align-report.1of3.csv": b"file,result,reason\nx,aligned,\n",
    }
    for name, data in others.items():
        (out / name).write_bytes(data)
    for number in range(2):
        run(out, Place(number, 2))
    others["infer-report-1.csv"] = others.pop("infer-report.csv")  # set aside once, and told
    assert files(out) == {**others, **one}


def test_a_name_with_the_end_of_a_line_in_it_is_one_name(tmp_path: Path) -> None:
    names = ["a\rb.png", "c\nd.png", 'e",f.png']
    for number in range(2):
        book = ledger(tmp_path, Place(number, 2), names=names)
        with book.open():
            for each in book.mine:
                book.add(each.name, (made(each.name),))
    assert [*read_report(book.path)] == names

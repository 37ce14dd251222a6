"""A look at all pictures before training: which are broken, not square, tiny, or without a partner."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath

from psp.errors import TrainingError
from psp.files.saving import write_files
from psp.training.data.prepare import Preparation
from psp.training.data.sources import Source, read_picture

REPORT_FILE = "data-check.csv"
_NAMED = 10
_TINY = 0.5


@dataclass(frozen=True)
class Finding:
    """One picture that cannot be trained on.

    Attributes:
        name: Source and name.
        problem: "broken", "not square", "tiny", "no map" (of the run's classes) or "unpaired".
        detail: What exactly, in a few words.
    """

    name: str
    problem: str
    detail: str


def check_data(
    sources: tuple[Source, ...], size: int, prepare: Preparation | None = None
) -> tuple[Finding, ...]:
    """Decode every picture of ``sources``, inputs included, and return what cannot be trained on.

    Args:
        sources: The pictures.
        size: Side at which they are used, in pixels; those of less than half of it are tiny.
        prepare: What reads inputs that lie ready; those that it cannot use, such as maps of other classes,
            are found too.
    """
    readers = {where.path: where.reader() for source in sources for where in (source, source.inputs) if where}

    def look(where: Source, name: str, label: str, own: bool) -> Finding | None:
        how = (size, None) if own else (0, prepare)
        return _look(readers[where.path], name, f"{label}/{name}", *how)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = [pool.submit(look, *file) for source in sources for file in _files(source)]
        found = [job.result() for job in jobs]
    return tuple(finding for finding in found if finding is not None)


def _files(source: Source) -> Iterator[tuple[Source, str, str, bool]]:
    """Yield the place, name, label of each file of a source, and whether it is a target."""
    for name in (*source.train, *source.val):
        yield source, name, source.name, True
        if source.inputs is not None:
            yield source.inputs, source.input_names[name], f"{source.name} (inputs)", False


def _look(
    read: Callable[[str], bytes], name: str, label: str, size: int, prepare: Preparation | None
) -> Finding | None:
    is_map = prepare is not None and prepare.map_classes is not None
    try:
        picture = read_picture(read(name), name, flat=not is_map)
    except TrainingError as error:
        return Finding(label, "broken", error.problem)
    width, height = picture.size
    try:
        if is_map and prepare is not None and width == height:
            prepare.given(PurePath(name).name, picture, mirrored=False)
    except TrainingError as error:
        return Finding(label, "no map", error.problem)
    if width != height:
        return Finding(label, "not square", f"{width}×{height}")
    if width < _TINY * size:
        return Finding(label, "tiny", f"{width} px, used at {size} px")
    return None


def unpaired_findings(lines: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return the pictures without a partner as findings."""
    parts = (line.rpartition(": ") for line in lines)
    return tuple(Finding(name, "unpaired", detail) for name, _, detail in parts)


def without(sources: tuple[Source, ...], findings: tuple[Finding, ...]) -> tuple[Source, ...]:
    """Return ``sources`` without the pictures that ``findings`` name, and without emptied sources."""
    bad = {finding.name for finding in findings}

    def good(source: Source, name: str) -> bool:
        own_input = f"{source.name} (inputs)/{source.input_names.get(name)}"
        return f"{source.name}/{name}" not in bad and own_input not in bad

    kept = (
        dataclasses.replace(
            source,
            train=tuple(name for name in source.train if good(source, name)),
            val=tuple(name for name in source.val if good(source, name)),
        )
        for source in sources
    )
    return tuple(source for source in kept if source.train or source.val)


def tell(findings: tuple[Finding, ...], out: Path) -> str:
    """Write ``findings`` to ``out``/data-check.csv; return in words how many they are, and the first ones."""
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(["file", "problem", "detail"])
    rows.writerows(dataclasses.astuple(finding) for finding in findings)
    write_files({out / REPORT_FILE: table.getvalue().encode("utf-8", "backslashreplace")})
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.problem] = counts.get(finding.problem, 0) + 1
    summary = ", ".join(f"{count} {problem}" for problem, count in counts.items())
    named = "; ".join(f"{f.name} ({f.detail or f.problem})" for f in findings[:_NAMED])
    more = f" and {len(findings) - _NAMED} more" if len(findings) > _NAMED else ""
    return f"{summary}: {named}{more}. All of them are in {REPORT_FILE}."


def require_good(findings: tuple[Finding, ...], out: Path) -> None:
    """Refuse to train where ``findings`` name pictures.

    Raises:
        TrainingError: There are some; says which.
    """
    if findings:
        raise TrainingError(
            f"Pictures that cannot be trained on: {tell(findings, out)}",
            "Remove or replace them, or add --skip-bad to train without them.",
        )


def fingerprint(sources: tuple[Source, ...], size: int) -> str:
    """Return a hash of the files' names, sizes and times: data that has it unchanged needs no second look."""
    digest = hashlib.sha256(str(size).encode())
    for source in sources:
        for where, name, label, _ in _files(source):
            file = where.path / name if where.path.is_dir() else where.path
            state = file.stat()
            digest.update(
                f"{label}/{name} {state.st_size} {state.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
            )
    return digest.hexdigest()

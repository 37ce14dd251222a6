"""Pictures that some code has already made, measured beside their originals, as the paper's scripts do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from psp.errors import TrainingError
from psp.evaluation.measures import Compared, Ruler
from psp.evaluation.names import TASKS
from psp.evaluation.picture_batches import Named, read_batches
from psp.evaluation.table import Scored, Scores
from psp.evaluation.translate import MEASURED_AT
from psp.pictures.images import MIN_SIDE
from psp.training.data.sources import Source, read_square
from psp.training.galleries import Firsts

_NAMED = 20


@dataclass(frozen=True)
class Paired:
    """Results and originals of equal names.

    Attributes:
        results: The results, in the order of their names.
        originals: The original of each.
        lost_results: Names of results that have no original.
        lost_originals: Names of originals that have no result.
    """

    results: tuple[str, ...]
    originals: tuple[str, ...]
    lost_results: tuple[str, ...]
    lost_originals: tuple[str, ...]


def pair(results: Source, originals: Source) -> Paired:
    """Pair pictures by their names, endings aside: ``a/b.jpg`` belongs to ``a/b.png``, or ``a/b-encode.png``.

    The second is what ``python -m psp encode`` calls its results.

    Raises:
        TrainingError: Two pictures have one name, or no result has an original.
    """
    given, made = _by_stem(originals), _by_stem(results)
    found = {stem: _original(stem, given) for stem in made}
    pairs = {stem: wanted for stem, wanted in found.items() if wanted is not None}
    if not pairs:
        raise TrainingError(
            f"No result has the name of an original: {results.name} has {results.all[0]}, "
            f"{originals.name} has {originals.all[0]}.",
            "Names must be equal, folders included, but for their endings.",
        )
    used = set(pairs.values())
    return Paired(
        results=tuple(made[stem] for stem in pairs),
        originals=tuple(given[wanted] for wanted in pairs.values()),
        lost_results=tuple(name for stem, name in made.items() if stem not in pairs),
        lost_originals=tuple(name for stem, name in given.items() if stem not in used),
    )


def lost_lines(paired: Paired) -> Iterator[str]:
    """Yield what to say of pictures that have no counterpart."""
    for names, what in ((paired.lost_results, "original"), (paired.lost_originals, "result")):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"left out, no {what}: {', '.join(names[:_NAMED])}{more}"


def measure_results(
    results: Source,
    originals: Source,
    paired: Paired,
    ruler: Ruler,
    scores: Scores,
    firsts: Firsts,
    *,
    count: int | None = None,
    batch: int = 8,
) -> Iterator[tuple[str, Compared]]:
    """Measure ``paired`` pictures at 256 px, or the size of the first result if that is smaller.

    Args:
        results: Where results are.
        originals: Where originals are.
        paired: Which go together.
        ruler: What they are compared with.
        scores: Gets the figures of every picture.
        firsts: Keeps the first pictures for a sheet, originals above results.
        count: At most so many pairs a part; None: all.
        batch: Pictures that are in memory at a time.

    Yields:
        The name of each part (a folder in ``results``, or ``results`` itself) and all its comparisons.

    Raises:
        TrainingError: A picture is broken, not square, or too small; says which.
    """
    size = _size(results, paired.results[0])
    parts: dict[str, list[tuple[Named, Named]]] = {}
    for made, given in zip(paired.results, paired.originals, strict=True):
        folders = PurePosixPath(made).parts[:-1]
        label = folders[0] if folders else results.name
        parts.setdefault(label, []).append(((results, made), (originals, given)))
    for label, pairs in parts.items():
        compared = []
        both = (read_batches([each[side] for each in pairs[:count]], size, batch) for side in (0, 1))
        for made_batch, given_batch in zip(*both, strict=True):
            firsts.add(given_batch.images, made_batch.images)
            compared.append(ruler.compare(given_batch.images, made_batch.images))
            scores.add(label, made_batch.names, Scored(compared[-1]))
        yield label, Compared.join(compared)


def _size(source: Source, name: str) -> int:
    return min(MEASURED_AT, read_square(source.reader()(name), name, MIN_SIDE).width)


def _by_stem(source: Source) -> dict[str, str]:
    """Return the names in ``source`` by what is left without their endings."""
    found: dict[str, str] = {}
    for name in source.all:
        stem = str(PurePosixPath(name.replace("\\", "/")).with_suffix(""))
        if stem in found:
            raise TrainingError(
                f"Two pictures in {source.name} have one name: {found[stem]} and {name}.", "Remove one."
            )
        found[stem] = name
    return found


def _original(stem: str, originals: dict[str, str]) -> str | None:
    """Return the original's stem that a result's belongs to, or None."""
    for suffix in ("", *(f"-{task}" for task in TASKS)):
        if stem.endswith(suffix) and (wanted := stem.removesuffix(suffix)) in originals:
            return wanted
    return None

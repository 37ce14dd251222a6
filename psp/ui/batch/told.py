"""What the Batch tab says: how far it is, what came of each photo, and the results, small."""

from __future__ import annotations

import html
from collections.abc import Mapping

from PIL import Image

from psp.codes.recipe import picture_to_png
from psp.folders.infer import DONE, REPORT
from psp.folders.ledger import Row
from psp.ui.addressed import for_page
from psp.ui.batch.visit import Batch, Stretch
from psp.ui.cache import cached
from psp.ui.results import open_png, recipe_at

_SMALL = 256  # pixels
# Seconds that are told as seconds.
_SHORT = 100


def summary(stretch: Stretch) -> str:
    """Return how far a batch is, as short Markdown."""
    tally = stretch.tally
    made, count = tally.made + tally.there, tally.made + tally.there + tally.failed + tally.left
    said = f"**{made} of {count}** {'photos are' if count > 1 else 'photo is'} made."
    if tally.failed:
        said += f" {tally.failed} cannot be used: the list says why."
    if stretch.stopped:
        return f"{said} Stopped; **Run** goes on where it was."
    if tally.left:
        return f"{said} {tally.left} to go{_time(tally.left, stretch.speed)}."
    return f"{said} The report, {REPORT}, is in the ZIP."


def listed(batch: Batch) -> str:
    """Return what came of each photo, as HTML; names are a stranger's words."""
    rows = batch.rows()
    lines = [_line(each.name, rows.get(each.name, ())) for each in batch.found]
    over = "".join(f"<li>{html.escape(said)}</li>" for said in batch.unpacked.passed_over)
    note = f"<p>Passed over:</p><ul>{over}</ul>" if over else ""
    return f'<ul class="batch-list">{"".join(lines)}</ul>{note}'


def thumbnails(batch: Batch, known: Mapping[str, str]) -> dict[str, str]:
    """Return a small picture of each result, by the photo's name.

    Args:
        batch: The batch.
        known: Those that were made before.
    """
    rows, small = batch.rows(), {}
    for each in batch.found:
        if any(row.result == DONE for row in rows.get(each.name, ())):
            small[each.name] = known.get(each.name) or _thumbnail(str(batch.out / each.target))
    return small


def _line(name: str, rows: tuple[Row, ...]) -> str:
    if not rows:
        state, words = "waits", "waits"
    elif rows[0].result == DONE:
        warnings = for_page(str(rows[0].more.get("warnings") or ""))
        state, words = ("doubt", warnings) if warnings else ("made", "made")
    else:
        state, words = "failed", for_page(rows[0].reason)
    return f'<li class="{state}"><span>{html.escape(name)}</span> <span>{html.escape(words)}</span></li>'


def _thumbnail(path: str) -> str:
    small = open_png(path).resize((_SMALL, _SMALL), Image.Resampling.LANCZOS)
    return cached(picture_to_png(small, recipe_at(path)), "small.png")


def _time(left: int, speed: float) -> str:
    """Return how long the rest takes, as the end of a sentence; nothing where that is not known."""
    if speed <= 0:
        return ""
    seconds = left / speed
    return f", about {seconds:.0f} s" if seconds < _SHORT else f", about {seconds / 60:.0f} minutes"

"""Loss curves as a picture, from a run's figures; matplotlib draws them where it is installed."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from psp.codes.recipe import SOFTWARE
from psp.files.saving import write_files
from psp.training.scalars import SCALARS_FILE, Scalar, read_scalars

CURVES_FILE = "curves.png"

_log = logging.getLogger(__name__)
_COLUMNS = 3
_LEFT_OUT = {"pictures_per_second", "sign"}
_TITLES = {"train": "training", "held_out": "held out", "samples": "samples"}


def draw_curves(folder: Path) -> Path | None:
    """Draw every figure of the run in ``folder`` over the pictures drawn; return the picture's file.

    None: there is nothing to draw, or matplotlib is not installed, which is said.
    """
    figures = [each for each in read_scalars(folder / SCALARS_FILE) if each.name not in _LEFT_OUT]
    if not figures:
        return None
    try:
        # Optional, and slow to import: only a run needs it. No pyplot, which has state of its own.
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        _say_what_is_missing()
        return None
    names = list(dict.fromkeys(each.name for each in figures))
    lines = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(4.2 * _COLUMNS, 2.8 * lines), layout="constrained")
    for index, name in enumerate(names):
        axes = figure.add_subplot(lines, _COLUMNS, index + 1)
        for group in dict.fromkeys(each.group for each in figures if each.name == name):
            x, y = _curve(figures, group, name)
            marker = "o" if group != "train" else ""
            axes.plot(x, y, marker=marker, markersize=3, linewidth=1.2, label=_TITLES.get(group, group))
        axes.set_title(name)
        axes.set_xlabel("pictures drawn")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png", dpi=110, metadata={"Software": SOFTWARE})
    path = folder / CURVES_FILE
    write_files({path: out.getvalue()})
    return path


@cache
def _say_what_is_missing() -> None:
    _log.warning("matplotlib is not installed: no %s (pip install matplotlib).", CURVES_FILE)


def _curve(figures: Sequence[Scalar], group: str, name: str) -> tuple[list[int], list[float]]:
    points = [(each.pictures, each.value) for each in figures if (each.group, each.name) == (group, name)]
    return [place for place, _ in points], [value for _, value in points]

"""The command ``gallery``: a static page of results. Nothing is printed here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_gallery(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    report: Callable[[str], None],
    step: Callable[[str, float | None], None],
) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        report: Called with every line to show.
        step: Told how far it is.
    """
    about = "Make a static page of results: before and after, recipes, licences. Any host serves it."
    parser = commands.add_parser("gallery", help=about, description=about)
    parser.add_argument("results", metavar="DIR", type=Path, help="folder of PNGs that the studio saved")
    parser.add_argument("-o", "--out", type=Path, default=Path("site"), help="folder of the page (site)")
    parser.add_argument(
        "--inputs", type=Path, metavar="DIR", help="folder of what they were made from, if that is elsewhere"
    )
    parser.add_argument("--title", default="Faces by pSp Studio", help="of the page (Faces by pSp Studio)")
    parser.add_argument(
        "--studio",
        default="http://127.0.0.1:7860",
        metavar="URL",
        help="the studio that links open, such as that of a Space (http://127.0.0.1:7860)",
    )
    parser.add_argument("--url", default="", help="where the page will be, for link previews")
    parser.add_argument(
        "--licence", default="", metavar="TEXT", help="what to say of the use of the pictures"
    )
    parser.set_defaults(run=lambda options: _gallery(options, report, step))


def _gallery(
    options: argparse.Namespace, report: Callable[[str], None], step: Callable[[str, float | None], None]
) -> None:
    from psp.checkpoints.card import size_words  # noqa: PLC0415  (only this command needs it, and torch)
    from psp.publish.gallery import make_gallery  # noqa: PLC0415  (as above)

    made = make_gallery(
        options.results,
        options.out,
        title=options.title,
        studio=options.studio,
        url=options.url,
        licence=options.licence,
        inputs=options.inputs,
        step=step,
    )
    count = f"{len(made.items)} result{'' if len(made.items) == 1 else 's'}"
    with_input = sum(item.before for item in made.items)
    examples = sum(item.example is not None for item in made.items)
    report(
        f"{made.page}: {count}, {with_input} beside what they were made from, "
        f"{examples} of examples; {size_words(made.size)}"
    )

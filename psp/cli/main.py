"""``psp COMMAND``: all commands in one parser, and errors as words and exit codes."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from psp.cli.evaluate import add_evaluate
from psp.cli.folders import add_infer, add_prepare, extend_align
from psp.cli.gallery import add_gallery
from psp.cli.models import add_models
from psp.cli.serve import add_serve
from psp.cli.space import add_space
from psp.cli.tasks import add_tasks
from psp.cli.terminal import make_printable, print_step
from psp.cli.train import add_train
from psp.cli.train_generator import add_train_generator
from psp.errors import PspError
from psp.inference.memory import keep_memory
from psp.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 2 where an error was told."""
    make_printable()
    keep_memory()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except PspError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a folder that cannot be written, a full disk
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; parsed options have a ``run`` to call with them."""
    parser = argparse.ArgumentParser(prog="psp", description="pSp Studio on the command line.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_serve(commands)
    add_tasks(commands)
    extend_align(commands.choices["align"], _report)
    add_prepare(commands, _report)
    add_infer(commands, _report, print_step)
    add_models(commands, _report)
    add_space(commands, _report)
    add_gallery(commands, _report, print_step)
    render = commands.add_parser("render-examples", help="Render the results of the page's examples anew.")
    render.set_defaults(run=_render_examples)
    add_train(commands, _report)
    add_train_generator(commands, _report, _pick_device)
    add_evaluate(commands, _report, _pick_device)
    return parser


def _report(line: str) -> None:
    print(line, flush=True)


def _pick_device(name: str) -> str:
    from psp.inference.devices import pick_device  # noqa: PLC0415  (torch comes after the page)

    return pick_device(name)


def _render_examples(options: argparse.Namespace) -> None:
    from psp.inference.examples import render_examples  # noqa: PLC0415  (only this command needs it)
    from psp.inference.pipeline import PspPipeline  # noqa: PLC0415  (only this command needs it)

    render_examples(PspPipeline(), print_step)

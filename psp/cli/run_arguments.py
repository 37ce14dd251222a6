"""The arguments that every training command has."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from psp.cli.arguments import above_zero, whole
from psp.parameters import MAX_SEED
from psp.training.bounds import MAX_BATCH

MAX_THREADS = 1024
WORKERS = "processes that read pictures ahead (as many as cores)"
"""Help for ``--workers``."""

_MOST_WORKERS = 8


def add_run_arguments(parser: argparse.ArgumentParser, example: str, folder: str) -> None:
    """Add what says which run it is, on which pictures, how long and where.

    Args:
        parser: The command's.
        example: Name of a preset, for the help text.
        folder: Where the run goes by default, for the help text.
    """
    parser.add_argument("--preset", required=True, help=f"which run, for example {example}")
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures or zip files")
    parser.add_argument("--out", type=Path, help=f"folder of the run ({folder}); what is there is resumed")
    parser.add_argument("--minutes", type=above_zero, help="stop after this time, with a checkpoint")
    parser.add_argument("--pictures", type=whole(1), help="length of the run, in pictures drawn")
    parser.add_argument("--batch", type=whole(1, MAX_BATCH), help="pictures a step")
    parser.add_argument("--seed", type=whole(0, MAX_SEED), help="seed of weights, draws and variations")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (auto)")
    parser.add_argument("--threads", type=whole(1, MAX_THREADS), help="CPU threads (all)")


def pick_workers(asked: int | None) -> int:
    """Return how many processes read pictures: those asked for, or one for each other core."""
    if asked is not None:
        return asked
    launched = os.environ.get("LOCAL_WORLD_SIZE", "1")
    here = int(launched) if launched.isdecimal() and int(launched) > 0 else 1
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 2) // here - 1))

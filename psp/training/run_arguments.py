"""The arguments that every training command has."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

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
    parser.add_argument("--minutes", type=float, help="stop after this time, with a checkpoint")
    parser.add_argument("--pictures", type=int, help="length of the run, in pictures drawn")
    parser.add_argument("--batch", type=int, help="pictures a step")
    parser.add_argument("--seed", type=int, help="seed of weights, draws and variations")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (auto)")
    parser.add_argument("--threads", type=int, help="CPU threads (all)")


def pick_workers(asked: int | None) -> int:
    """Return how many processes read pictures: those asked for, or one for each other core."""
    if asked is not None:
        return asked
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 2) // here - 1))

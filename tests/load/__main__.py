"""Load the studio and print what came of it.

    python -m tests.load [--clients 50] [--minutes 5]

Ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from psp.checkpoints import find
from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.registry import lookup
from tests.load.plan import asks
from tests.load.run import Load, run_load
from tests.photographs import beside_a_smaller_one, portrait
from tests.small_family import small_family
from tests.ui.given import input_files


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "family").mkdir()
        assets = small_family(folder / "family")
        for module in (lookup, find):
            module.assets_dir = lambda: assets  # type: ignore[attr-defined]
        pipeline = PspPipeline(Settings(device="cpu", offline=True, cache_dir=folder / "cache"))
        photo = portrait()
        plan = asks(input_files(pipeline, photo, beside_a_smaller_one(photo), folder), long=True)
        report = run_load(assets, folder, plan, Load(options.clients, options.minutes * 60))
    print("\n".join(report.lines()))
    raise SystemExit(bool(report.problems))


if __name__ == "__main__":
    main()

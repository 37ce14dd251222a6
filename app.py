"""The Space's entry: what ``psp serve`` does, settings, pipeline, page, launch; nothing else."""

import sys

from psp import zerogpu  # noqa: F401  (first: on a ZeroGPU Space it must come before torch)
from psp.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["serve"]))

"""All measures of speed, one after the other: the table that the README quotes.

    python -m benchmarks.everything [--threads 2] [--plot FILE] [--device cuda]

Official shapes against a textbook port (encoder, decoder, both, mixing, memory), the bundled family's tasks
and previews, alignment, loading, boot and warm requests. Each is a command of its own, in a process of its
own, so that none finds what another left in memory. With ``--device cuda`` it measures what runs there:
official shapes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> None:
    """Run the commands in turn; end with the number of those that failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", default="2")
    parser.add_argument("--plot", help="file of a plot of the ratios against the textbook port")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    threads = ["--threads", options.threads]
    plot = ["--plot", options.plot] if options.plot else []
    commands = [["against_textbook", *threads, *plot, "--device", options.device]]
    if options.device == "cpu":
        commands += [["network", *threads], ["preview", *threads], ["alignment"], ["loading"], ["speed"]]
    failed = 0
    for name, *given in commands:
        print(f"\n== {' '.join((name, *given))}", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *given], check=False).returncode != 0
        )
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

"""A studio with the small family, served by a process of its own whose memory can be read.

    python -m tests.load.studio ASSETS FOLDER QUEUE

Prints its address and serves until its input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ui.raw_http import Raw

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Served:
    """A studio that is being served.

    Attributes:
        raw: Asks it over plain HTTP.
        pid: Its process.
    """

    raw: Raw
    pid: int

    def memory(self) -> float:
        """Return its resident memory in MB."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def at_work(self) -> int:
        """Return how many requests wait or run."""
        health = self.raw.send("/healthz").json
        return int(health["waiting"]) + int(health["running"])


@contextmanager
def serving(assets: Path, folder: Path, queue: int) -> Iterator[Served]:
    """Serve a studio.

    Args:
        assets: The small family.
        folder: Of its files.
        queue: How many requests may wait.
    """
    env = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "gradio"), "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.studio", str(assets), str(folder), str(queue)],
        cwd=_ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield Served(Raw(json.loads(line)), process.pid)
    finally:
        process.terminate()
        process.wait(60)


def main(assets: Path, folder: Path, queue: int) -> None:
    """Serve until the input ends."""
    from psp.checkpoints import find
    from psp.config import Settings
    from psp.inference.memory import keep_memory
    from psp.inference.pipeline import PspPipeline
    from psp.registry import lookup
    from psp.ui.app import build_app, launch_settings

    os.nice(10)  # tests beside it wait for pages of their own
    keep_memory()
    for module in (lookup, find):
        module.assets_dir = lambda: assets  # type: ignore[attr-defined]
    settings = Settings(device="cpu", offline=True, cache_dir=folder / "cache", queue_size=queue)
    page = build_app(PspPipeline(settings))
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings(settings)
    )
    print(json.dumps(url.rstrip("/")), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

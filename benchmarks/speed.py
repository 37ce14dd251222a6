"""How long a cold start and a warm request take on this machine.

    python benchmarks/speed.py [--starts 5] [--requests 10]

Cold start: from `python app.py` to the first served page, in turn with `python -c "import gradio"`; the
median of the ratios counts, since both slow down together on a busy machine. Warm request: `/encode` of a
1000 px photo through `gradio_client`, alignment and read-out included, after one that loads the model.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "examples" / "photos" / "astronaut.jpg"


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(port: int) -> subprocess.Popen[bytes]:
    """Start the studio on ``port``."""
    env = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for_page(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once the page is served."""
    while True:
        if process.poll() is not None:
            raise SystemExit("app.py ended before it served a page")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.02)


def cold_start() -> tuple[float, float]:
    """Return the seconds of one import of Gradio and of one start of the studio."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gradio"], check=True, cwd=ROOT)
    imported = time.perf_counter() - began
    port = free_port()
    began = time.perf_counter()
    process = start_app(port)
    try:
        wait_for_page(port, process)
        return imported, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def warm_requests(count: int) -> list[float]:
    """Return the seconds of ``count`` requests after a first one."""
    from gradio_client import Client, handle_file  # noqa: PLC0415  (not needed for the cold start)

    port = free_port()
    process = start_app(port)
    try:
        wait_for_page(port, process)
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        seconds = []
        with tempfile.TemporaryDirectory() as folder:
            photo = Path(folder) / "photo.jpg"
            with Image.open(PHOTO) as opened:
                opened.resize((1000, 1000), Image.Resampling.LANCZOS).save(photo, quality=92)
            for _ in range(count + 1):
                began = time.perf_counter()
                client.predict(photo=handle_file(str(photo)), api_name="/encode")
                seconds.append(time.perf_counter() - began)
        print(f"first request, model loaded by it: {seconds[0]:.2f} s")
        return seconds[1:]
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--requests", type=int, default=10)
    options = parser.parse_args()
    pairs = [cold_start() for _ in range(options.starts)]
    for imported, started in pairs:
        print(f"import gradio {imported:.2f} s, page served {started:.2f} s, ratio {started / imported:.2f}")
    print(f"cold start: median ratio {statistics.median(b / a for a, b in pairs):.2f} (target 1.3)")
    seconds = warm_requests(options.requests)
    print(f"warm /encode: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s (target 1.5)")


if __name__ == "__main__":
    main()

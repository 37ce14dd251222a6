"""How long a browser needs to open the page of studios that are served, in turn.

    python -m benchmarks.opening [--rounds 7] http://127.0.0.1:7860 [http://127.0.0.1:7861]

Until the first tab shows its example. Needs Debian's Chromium and ``tests/requirements.txt``. What is still
downloaded at the first visit is in the browser's cache from the second round on.
"""

from __future__ import annotations

import argparse
import statistics
import time

from playwright.sync_api import Browser, sync_playwright

from tests.ui.browsing import CHROMIUM, QUIET

_OPEN = "() => typeof results === 'object' && results.hasBegun('encode')"


def opened(browser: Browser, url: str) -> tuple[float, float]:
    """Return the seconds by the clock, and those that the page's main thread was at work."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_function(_OPEN, timeout=120_000)
    taken = time.perf_counter() - began
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    page.close()
    return taken, metrics["TaskDuration"]


def main() -> None:
    """Print medians, and of a second address how it compares to the first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {url: [] for url in options.urls}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for _ in range(options.rounds + 1):
            for url in options.urls:
                found[url].append(opened(browser, url))
        browser.close()
    medians = {}
    for url, rounds in found.items():
        clock, work = (statistics.median(values) for values in zip(*rounds[1:], strict=True))
        medians[url] = work
        print(f"{url}: {clock:.2f} s by the clock, {work:.2f} s of work")
    first, *others = options.urls
    for url in others:
        print(f"{url}: {medians[url] / medians[first]:.2f} of the work of {first}")


if __name__ == "__main__":
    main()

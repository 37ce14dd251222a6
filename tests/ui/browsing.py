"""A browser for the tests of the page, and what hands do there."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from psp.tasks import TASKS

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Keeps the browser from calling its maker: tests need no network.
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PHOTO = Path(__file__).resolve().parent.parent.parent / "examples" / "photos" / "astronaut.jpg"


# Opens the closed sections of a page as they appear, for tests of what is in them. A section that has just
# appeared may not listen yet.
SECTIONS = """
const asked = new WeakMap();
setInterval(() => {
    for (const section of document.querySelectorAll("button.label-wrap:not(.open)")) {
        if (Date.now() - (asked.get(section) ?? 0) < 2000) continue;
        asked.set(section, Date.now());
        section.click();
    }
}, 100);
"""


# Ten frames a second: without a graphics card the processor draws, and a pad draws all the time.
FRAMES = """{
    const [next, drop] = [requestAnimationFrame.bind(window), clearTimeout.bind(window)];
    window.requestAnimationFrame = (draw) => setTimeout(() => next(draw), 100);
    window.cancelAnimationFrame = drop;
}"""


def opened(browser: Browser, url: str) -> Page:
    """Return a new page with all its sections open, once its first tab has opened with its example."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(SECTIONS)
    page.add_init_script(FRAMES)
    page.set_default_timeout(30_000)
    page.goto(url)
    ready(page)
    return page


def tab(page: Page, name: str, *, selected: bool | None = None) -> Locator:
    """Return a tab by the title of its task, or by its own name."""
    short = next((task.tab for task in TASKS.values() if task.title == name), name)
    return page.get_by_role("tab", name=short, exact=True, selected=selected)


def open_tab(page: Page, name: str) -> None:
    """Open a tab by the title of its task, or by its own name, and wait for what it begins with."""
    tab(page, name).click()


def open_pad(page: Page, name: str) -> Locator:
    """Open a tab by its title and return its pad, once it has its brush in hand."""
    open_tab(page, name)
    ready(page, name)
    page.get_by_role("tab", name="Draw", exact=True).locator("visible=true").click()
    pad = page.locator(".pad").locator("visible=true")
    pad.locator(".toolbar-wrap button.highlight").wait_for()
    return pad


def block(page: Page, label: str) -> Locator:
    """Return the visible component with this label."""
    # A section is a block too, with all that is in it.
    own = ".block:not(:has(> button.label-wrap))"
    return page.locator(f"{own}:has(label:has-text('{label}')):visible").first


def upload(page: Page, label: str, path: Path) -> None:
    """Put a file into the input with this label, in place of what is there."""
    there = block(page, label).get_by_role("button", name="Remove Image").locator("visible=true")
    if there.count():
        there.click()
    block(page, label).locator("input[type=file]").set_input_files(str(path))


def press(page: Page, name: str) -> None:
    """Press a button by its title."""
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def picture(page: Page, label: str) -> Locator:
    """Return the picture in the component with this label."""
    return block(page, label).locator("img").first


def clear_pad(page: Page) -> None:
    """Take everything off the pad that is seen."""
    page.locator(".pad .top-panel button").locator("visible=true").last.click()


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    """Draw a line on the pad, points in shares of the sheet."""
    canvas = page.locator(".pad canvas").locator("visible=true").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    # The sheet is a square in the middle of the canvas, 30 pixels from its edges, as assets/sheet.js has it.
    side = min(min(box["width"], box["height"]) - 60, 512)
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    x, y = points[0]
    page.mouse.move(left + x * side, top + y * side)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(left + x * side, top + y * side, steps=1)
    page.mouse.up()


def oval(x: float, y: float, wide: float, high: float, count: int = 12) -> list[tuple[float, float]]:
    """Return a closed line around a point."""
    turns = [2 * math.pi * index / count for index in range(count + 1)]
    return [(x + wide * math.cos(turn), y + high * math.sin(turn)) for turn in turns]


def ready(page: Page, name: str = "Encode") -> None:
    """Wait until the tab of this title has opened with its first example."""
    page.wait_for_function(
        "task => typeof results === 'object' && results.hasBegun(task)", arg=task_of(name), timeout=60_000
    )


def task_of(name: str) -> str:
    """Return the task whose tab has this title."""
    return next(task.name for task in TASKS.values() if name in (task.title, task.tab))


# Counts how often all that belongs to a new result of a task has come.
_COUNT = """task => {
    if (!window.counted) {
        const { done, opened, addressed } = results;
        const counted = (window.counted = {}), come = (window.come = {});
        results.done = (spec, ...rest) => ((come[spec.task] = true), done(spec, ...rest));
        results.opened = (spec, ...rest) => ((come[spec.task] = true), opened(spec, ...rest));
        results.addressed = (spec, ...values) => {
            if (come[spec.task]) counted[spec.task] = (counted[spec.task] ?? 0) + 1;
            come[spec.task] = false;
            return addressed(spec, ...values);
        };
    }
    window.come[task] = false;
    window.countedBefore = window.counted[task] ?? 0;
}"""


@contextmanager
def new_result(page: Page, name: str) -> Iterator[None]:
    """Wait for the result that is asked for meanwhile in the tab of this title."""
    task = task_of(name)
    page.evaluate(_COUNT, task)
    yield
    page.wait_for_function("task => window.counted[task] > window.countedBefore", arg=task, timeout=60_000)


def open_example(page: Page, name: str, index: int = 0) -> None:
    """Open a tab and one of its examples, and wait for its stored result."""
    open_tab(page, name)
    ready(page, name)
    with new_result(page, name):
        block(page, "Examples").locator("button").nth(index).click()


def run(page: Page, name: str) -> None:
    """Run the open tab, whose title this is, and wait for the result."""
    with new_result(page, name):
        press(page, name)


def button(page: Page, name: str) -> Locator:
    """Return the visible button with this title."""
    return page.get_by_role("button", name=name, exact=True).locator("visible=true")


def shown(page: Page) -> Locator:
    """Return the pictures of the result."""
    return block(page, "Result").locator("img")


def told(page: Page) -> Locator:
    """Return what the page says of a result besides the result's own words."""
    return page.locator(".block.told").locator("visible=true")


def paint_at_once(page: Page, strokes: dict[str, list[tuple[float, float]]]) -> None:
    """Choose each class and draw its line, far faster than a hand: a few hundredths of a second between all.

    The events are made in the page: Playwright waits for the next frame after each, and hands need not.
    """
    page.evaluate(
        """async (strokes) => {
          const canvas = [...document.querySelectorAll(".pad canvas")].find((e) => e.checkVisibility());
          canvas.scrollIntoView({block: "center"});
          const box = canvas.getBoundingClientRect();
          const side = Math.min(Math.min(box.width, box.height) - 60, 512);
          const send = (type, [x, y], buttons) => canvas.dispatchEvent(new PointerEvent(type, {
            bubbles: true, composed: true, pointerId: 1, pointerType: "mouse", isPrimary: true, buttons,
            button: type === "pointermove" ? -1 : 0,
            clientX: box.x + (box.width - side) / 2 + x * side,
            clientY: box.y + (box.height - side) / 2 + y * side,
          }));
          const pause = () => new Promise((done) => setTimeout(done, 20));
          const radio = (name) => [...document.querySelectorAll(".legend label")]
            .find((label) => label.textContent.trim() === name).querySelector("input");
          for (const [name, points] of strokes) {
            radio(name).click();
            await pause();
            send("pointermove", points[0], 0);
            send("pointerdown", points[0], 1);
            for (const point of points.slice(1)) { await pause(); send("pointermove", point, 1); }
            send("pointerup", points.at(-1), 0);
          }
        }""",
        list(strokes.items()),
    )


def expect_result(page: Page) -> None:
    """Wait for a finished result, and everything that belongs to it."""
    expect(page.get_by_text("model mobile-1024").locator("visible=true").first).to_be_visible()
    result = block(page, "Result").locator("img").first
    expect(result).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 0", arg=result.element_handle())
    expect(picture(page, "What the model sees")).to_be_visible()
    expect(block(page, "Recipe").locator("textarea, input").first).to_have_value(
        re.compile(r"^http.*\?task=")
    )

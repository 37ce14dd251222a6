"""What is asked under load: every endpoint, files of every kind, other numbers each time."""

from __future__ import annotations

from pathlib import Path

from tests.load.client import Ask
from tests.ui.test_app import FILES, REQUESTS

# Those that take seconds each, even of the small family: in a short run they would be all of it.
LONG = ("/refine", "/move", "/video")


def asks(inputs: dict[str, Path], *, long: bool) -> list[Ask]:
    """Return different requests, with every endpoint among them.

    Args:
        inputs: Files by the names of ``tests.ui.test_app.REQUESTS``.
        long: Whether those that take long are among them.
    """
    made = []
    for endpoint, request in REQUESTS.items():
        if endpoint in LONG and not long:
            continue
        values = {
            name: inputs[str(value)]
            if name in FILES
            else tuple(inputs[each] for each in value)
            if isinstance(value, list)
            else value
            for name, value in request.items()
        }
        made.append(Ask(endpoint, values))
        if "seed" in values:
            made.append(Ask(endpoint, {**values, "seed": 6, "variants": 1}))
        if "face" in values and values.get("align"):
            made.append(Ask(endpoint, {**values, "face": 0}))
    return made
